"""The cuboid around one attack as a surface in 3-D: before it, and after it on each version, beside each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import ViewerModel

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Voxel
from napari_mits_gan.session.comparison import cuboid
from napari_mits_gan.widgets.layers.contents import Contents
from napari_mits_gan.widgets.layers.panel_images import name_color, size_name
from napari_mits_gan.widgets.layers.panel_names import ATTACK, HEALED, OTHER_ATTACK, OTHER_SCAN, SCAN
from napari_mits_gan.widgets.layers.planes import axes_of
from napari_mits_gan.widgets.layers.volume_layer import SIMULATED_ATTACK, SIMULATED_ATTACK_KEY, grid_options

SURFACE_HU = -500.0
"""Between lung (around -850) and soft tissue (around 40), where the limit of a nodule is usually drawn."""
_SHADES_HU = (-1500.0, 500.0)
_FROM_ABOVE_AND_ASIDE = (0.45, 0.35)
"""How much the look from the front is tilted: parts of head and of left; a ball is seen as one that way."""
_TOUCHING = 1.15


class NoduleView:
    """A viewer of its own without a window, whose cells share one camera."""

    def __init__(self) -> None:
        self.model = ViewerModel()
        self.model.dims.ndisplay = 3
        self._layers: dict[str, Any] = {}
        self._place: tuple[Voxel, tuple[float, ...], tuple[int, ...]] | None = None

    @property
    def roles(self) -> tuple[str, ...]:
        """The panels that stand beside each other here, in order."""
        return tuple(self._layers)

    def show(self, contents: Contents, at: Voxel, surface_hu: float) -> None:
        """Show the cuboid of 32 mm around an attack.

        Parameters
        ----------
        contents : Contents
            What the panels show.
        at : tuple of int
            The attacked voxel (z, y, x).
        surface_hu : float
            The surface lies where tissue becomes denser than this.
        """
        volumes = shown_in_3d(contents)
        scan = contents.scan
        region = cuboid(scan, at)
        place = (at, scan.spacing, scan.shape)
        grid = grid_options(scan)
        low = [part.start for part in region]
        grid["translate"] = tuple(t + s * a for t, s, a in zip(grid["translate"], grid["scale"], low, strict=True))
        anew = place != self._place or list(volumes) != list(self._layers)
        if anew:
            self._begin(len(volumes))
        for role, volume in volumes.items():
            hu = np.asarray(volume.hu[region], dtype=np.float32)
            name = _title(contents, role, volume)
            if anew:
                self._layers[role] = self._add(hu, role, volume, name, grid)
            elif not np.array_equal(self._layers[role].data, hu):
                self._layers[role].data = hu
                self._layers[role].name = name
            if self._layers[role].iso_threshold != surface_hu:
                self._layers[role].iso_threshold = surface_hu
        if anew:
            self._place = place
            self.look_from_the_front(scan)

    def look_from_the_front(self, scan: CTVolume) -> None:
        """Let the camera see all of it: from the front, head up, a little from above and from the patient's left."""
        camera = self.model.scene.camera
        x, y, z = axes_of(scan)

        def towards(axis: int, world: int) -> Any:
            unit = np.zeros(3)
            unit[axis] = np.sign(scan.direction[world, axis])
            return unit

        left, back, head = towards(x, 0), towards(y, 1), towards(z, 2)
        # a scan whose axes are left-handed must not be seen in a mirror
        right_handed = np.linalg.det(scan.direction) < 0  # its columns are z, y, x
        camera.orientation = ("away" if right_handed else "towards", "down", "right")
        above, aside = _FROM_ABOVE_AND_ASIDE
        self.model.reset_view()
        camera.set_view_direction(tuple(back - above * head - aside * left), tuple(head))
        self.fit()

    def fit(self) -> None:
        """Draw the cuboids as large as their cells allow, whichever way they are turned."""
        if not self._layers:
            return
        extent = self.model.layers.extent.world
        diagonal_mm = float(np.linalg.norm(extent[1] - extent[0]))
        height, width = self.model.canvas.size
        rows, columns = self.model.canvas.grid.actual_shape(self.model.layers)
        pixels = min(float(height) / rows, float(width) / columns)
        self.model.scene.camera.zoom = max(_TOUCHING * pixels / diagonal_mm, 0.1)
        for layer in self._layers.values():
            size_name(layer, float(width) / columns)

    def close(self) -> None:
        """It goes away, with its layers."""
        self._layers.clear()
        self._place = None

    def _begin(self, cells: int) -> None:
        self.model.layers.clear()
        self._layers.clear()
        grid = self.model.canvas.grid
        grid.stride, grid.spacing = 1, 4
        grid.shape = (1, cells)
        grid.enabled = cells > 1
        self.model.canvas.background_color_override = "black"

    def _add(self, hu: Any, role: str, volume: CTVolume, name: str, grid: dict[str, Any]) -> Any:
        layer = self.model.add_image(
            hu,
            **grid,
            name=name,
            metadata={SIMULATED_ATTACK_KEY: volume.is_tampered},
            colormap="gray",
            contrast_limits=_SHADES_HU,
            rendering="iso",
            iso_threshold=SURFACE_HU,
        )
        overlay = layer.name_overlay
        overlay.color, overlay.position, overlay.box = name_color(role, volume), "top_center", True
        overlay.visible = True
        self.model.dims.ndisplay = 3
        return layer


def shown_in_3d(contents: Contents) -> dict[str, CTVolume]:
    """What is shown of an attack: the scan as it was, the attack on each version there is, and what was healed."""
    before = SCAN if contents.other is None or contents.scan_label.startswith("original") else OTHER_SCAN
    wanted = (before, ATTACK, OTHER_ATTACK, HEALED)
    volumes = {role: contents.volume(role) for role in contents.order if role in wanted}
    shape = contents.scan.shape
    return {role: volume for role, volume in volumes.items() if volume is not None and volume.shape == shape}


def _title(contents: Contents, role: str, volume: CTVolume) -> str:
    if role == HEALED:
        return "Healed"
    label = contents.label(role)
    return f"{SIMULATED_ATTACK} · {label}" if volume.is_tampered else label.capitalize()
