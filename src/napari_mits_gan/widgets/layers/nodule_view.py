"""The cuboid around one attack as a surface in 3-D: before it, and after it on each version, beside each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import ViewerModel
from numpy.typing import NDArray

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
        self.model.canvas.background_color_override = "black"
        self._cells: list[Any] = []
        self._place: tuple[Voxel, tuple[float, ...], tuple[int, ...]] | None = None

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
        scan, volumes = contents.scan, shown_in_3d(contents)
        region = cuboid(scan, at)
        place, cells = (at, scan.spacing, scan.shape), len(self._cells)
        grid = grid_options(scan)
        low = [part.start for part in region]
        grid["translate"] = tuple(t + s * a for t, s, a in zip(grid["translate"], grid["scale"], low, strict=True))
        for number, (role, volume) in enumerate(volumes.items()):
            hu = np.asarray(volume.hu[region], dtype=np.float32)
            if number == len(self._cells):
                self._cells.append(self._add(hu, grid))
            _fill(self._cells[number], hu, grid, volume, _title(contents, role, volume), name_color(role, volume))
            if self._cells[number].iso_threshold != surface_hu:
                self._cells[number].iso_threshold = surface_hu
        with self.model.layers.batched_update():  # napari collects garbage for each layer that goes
            while len(self._cells) > len(volumes):
                self.model.layers.remove(self._cells.pop())
        if cells != len(self._cells):
            grid_of_cells = self.model.canvas.grid
            grid_of_cells.stride, grid_of_cells.spacing = 1, 4
            grid_of_cells.shape = (1, len(self._cells))
            grid_of_cells.enabled = len(self._cells) > 1
        if place != self._place:
            self._place = place
            self.look_from_the_front(scan)
        elif cells != len(self._cells):
            self.fit()

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
        if not self._cells:
            return
        extent = self.model.layers.extent.world
        diagonal_mm = float(np.linalg.norm(extent[1] - extent[0]))
        height, width = self.model.canvas.size
        rows, columns = self.model.canvas.grid.actual_shape(self.model.layers)
        pixels = min(float(height) / rows, float(width) / columns)
        self.model.scene.camera.zoom = max(_TOUCHING * pixels / diagonal_mm, 0.1)
        for layer in self._cells:
            size_name(layer, float(width) / columns)

    def close(self) -> None:
        """It goes away, with its layers."""
        self._cells.clear()
        self._place = None

    def _add(self, hu: NDArray[np.float32], grid: dict[str, Any]) -> Any:
        layer = self.model.add_image(
            hu, **grid, colormap="gray", contrast_limits=_SHADES_HU, rendering="iso", iso_threshold=SURFACE_HU
        )
        overlay = layer.name_overlay
        overlay.position, overlay.box, overlay.visible = "top_center", True, True
        self.model.dims.ndisplay = 3
        return layer


def _fill(layer: Any, hu: NDArray[np.float32], grid: dict[str, Any], volume: CTVolume, name: str, color: str) -> None:
    """Show a volume in a cell."""
    if tuple(layer.translate) != grid["translate"] or tuple(layer.scale) != grid["scale"]:
        layer.scale, layer.translate = grid["scale"], grid["translate"]
    if not np.array_equal(layer.data, hu):
        layer.data = hu
    if layer.name != name:
        layer.name = name
        layer.metadata = {SIMULATED_ATTACK_KEY: volume.is_tampered}
        layer.name_overlay.color = color


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
