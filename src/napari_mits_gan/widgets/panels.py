"""The panels: scan, attacked scan and difference as layers side by side, with marks on what was attacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.experimental import link_layers
from napari.utils.colormaps import Colormap
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.layers import (
    ATTACK,
    DIFFERENCE,
    PANEL_KEY,
    PANELS,
    SCAN,
    SIMULATED_ATTACK,
    SIMULATED_ATTACK_KEY,
    grid_options,
    image_options,
    volume_metadata,
)
from napari_mits_gan.widgets.marks import mark_options
from napari_mits_gan.widgets.overlays import KINDS, Overlay

DIVERGING = Colormap([[0.25, 0.65, 1.0], [0.0, 0.0, 0.0], [1.0, 0.55, 0.1]], name="difference")
"""Blue where the first is darker, black where nothing differs, orange where it is brighter."""
CONTRAST_RANGE_HU = (-2048.0, 3071.0)
CLOSE_UP_MM = 90.0
"""Side of what a closer look shows."""
ONE_ROW_PREFERENCE = 0.8
"""Panels stand in one row unless that makes them smaller than this share of what another arrangement would give."""


@dataclass(frozen=True)
class Contents:
    """What the panels show.

    Parameters
    ----------
    scan : CTVolume
        The version that is looked at.
    scan_label : str
        Which one it is: "original" or "protected".
    attacked : CTVolume or None
        The same with the injections; None leaves the panel out.
    difference : ndarray of int16 or None
        HU; None leaves the panel out.
    difference_label : str
        Which difference it is.
    injections : sequence of Injection
        What to mark.
    """

    scan: CTVolume
    scan_label: str
    attacked: CTVolume | None = None
    difference: NDArray[np.int16] | None = None
    difference_label: str = ""
    difference_limit_hu: float = 100.0
    injections: Sequence[Injection] = ()


class Panels:
    """Keeps up to three panels in a viewer: images, their marks and, if any, overlays; touches no other layer.

    Layers that the user removed come back with the next `show`.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._contents: Contents | None = None
        self._overlays: dict[str, Overlay] = {}
        self._layers: dict[tuple[str, str], Any] = {}
        self._side_by_side = True
        self._marks_on = True
        self._changing = False

    # ---- what there is

    @property
    def changing(self) -> bool:
        """Whether layers come and go because of this object, not because of the user."""
        return self._changing

    def image(self, role: str) -> Any:
        """The image layer of a panel, or None where there is none."""
        return self._alive((role, "image"))

    def marks(self, role: str) -> Any:
        """The layer of marks of a panel, or None where there is none."""
        return self._alive((role, "marks"))

    def overlay(self, kind: str, role: str) -> Any:
        """The layer of an overlay in a panel, or None where there is none."""
        return self._alive((role, kind))

    @property
    def is_complete(self) -> bool:
        """Whether every layer that was shown is still in the viewer."""
        return all(layer in self._viewer.layers for layer in self._layers.values())

    def owns(self, layer: Any) -> bool:
        """Whether a layer belongs to these panels."""
        return any(layer is own for own in self._layers.values())

    # ---- what to do

    def start(self, layer: Any = None) -> None:
        """Begin with another scan; a layer that shows it already becomes its panel, rather than showing it twice."""
        self.clear()
        if layer is not None and layer in self._viewer.layers:
            layer.contrast_limits_range = CONTRAST_RANGE_HU
            self._layers[SCAN, "image"] = layer

    def clear(self) -> None:
        """Remove all layers of the panels."""
        self._changing = True
        self._contents = None
        try:
            for key in list(self._layers):
                self._remove(key)
            self._viewer.canvas.grid.enabled = False
        finally:
            self._changing = False

    def show(self, contents: Contents) -> None:
        """Show other contents; layers that exist are kept and get other data, so that nothing flickers."""
        before = self._shown_roles()
        is_first = not before
        self._contents = contents
        self._changing = True
        try:
            self._show_volume(SCAN, contents.scan, f"Scan · {contents.scan_label}")
            if contents.attacked is not None:
                name = f"{SIMULATED_ATTACK} · {contents.scan_label}"
                self._show_volume(ATTACK, contents.attacked, name)
            else:
                self._remove((ATTACK, "image"))
            if contents.difference is not None:
                self._show_difference(contents)
            else:
                self._remove((DIFFERENCE, "image"))
            for role in PANELS:
                self._show_marks(role, contents)
                self._show_overlays(role, contents)
            self._link()
            self._sort()
            self._viewer.layers.selection.active = self.image(SCAN)
        finally:
            self._changing = False
        self._arrange(refit=is_first or before != self._shown_roles(), keep_close_up=not is_first)

    def set_overlay(self, kind: str, overlay: Overlay | None) -> None:
        """Mark other places in every panel; None takes the overlay of that kind away."""
        if overlay is None and kind not in self._overlays:
            return
        self._overlays.pop(kind, None)
        if overlay is not None:
            self._overlays[kind] = overlay
        self._changing = True
        try:
            for role in PANELS:
                self._remove((role, kind))
                if self._contents is not None:
                    self._show_marks(role, self._contents)
                    self._show_overlays(role, self._contents)
            if self._shown_roles():
                self._sort()
                self._viewer.layers.selection.active = self.image(SCAN)
        finally:
            self._changing = False
        self._arrange(refit=False)

    def set_side_by_side(self, on: bool) -> None:
        """Panels beside each other, or only the attacked scan (else the scan) in full width."""
        self._side_by_side = on
        self._arrange(refit=True, keep_close_up=True)

    def set_marks(self, on: bool) -> None:
        """Show or hide the marks."""
        self._marks_on = on
        self._arrange(refit=False)

    def go_to(self, volume: CTVolume, at: Sequence[int], *, follow: bool = False) -> None:
        """Show the slice of a voxel (z, y, x); with `follow`, a close-up moves there too, so that it is seen."""
        self._viewer.dims.set_point(self._last_axes(), self._world(volume, at))
        if follow and self._shown_roles() and self._is_close_up():
            self._center_on(volume, at)

    def nearest(self, position: Sequence[float], places: Sequence[Sequence[int]], within_mm: float) -> int | None:
        """Which of some voxels (z, y, x) lies nearest to a position in the world; None for none within that distance.

        Parameters
        ----------
        position : sequence of float
            World coordinates, the last three of which are those of the scan.
        places : sequence of (int, int, int)
            Where to look.
        within_mm : float
            Largest distance.
        """
        layer = self.image(SCAN)
        if layer is None or self._contents is None or not places:
            return None
        voxel = np.asarray(layer.world_to_data(position[-3:]))
        away_mm = np.linalg.norm((voxel - np.asarray(places)) * self._contents.scan.spacing, axis=1)
        nearest = int(np.argmin(away_mm))
        return nearest if away_mm[nearest] <= within_mm else None

    def zoom_to(self, volume: CTVolume, at: Sequence[int]) -> None:
        """A closer look at a voxel (z, y, x), in all panels."""
        self.go_to(volume, at)
        self._center_on(volume, at)
        self._viewer.camera.zoom = min(self._panel_pixels()) / CLOSE_UP_MM

    def show_whole(self) -> None:
        """Fit the whole slice into each panel."""
        self._viewer.reset_view()

    # ---- layers

    def _alive(self, key: tuple[str, str]) -> Any:
        layer = self._layers.get(key)
        if layer is not None and layer not in self._viewer.layers:
            return None
        return layer

    def _remove(self, key: tuple[str, str]) -> None:
        layer = self._layers.pop(key, None)
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _show_volume(self, role: str, volume: CTVolume, name: str) -> None:
        layer = self._alive((role, "image"))
        metadata = {**volume_metadata(volume), PANEL_KEY: role}
        if layer is None:
            options = {**image_options(volume), "name": name, "metadata": metadata}
            other = self.image(ATTACK if role == SCAN else SCAN)
            if other is not None:
                options["contrast_limits"] = other.contrast_limits
                options["colormap"] = other.colormap
            layer = self._viewer.add_image(volume.hu, **options)
            self._layers[role, "image"] = layer
            layer.contrast_limits_range = CONTRAST_RANGE_HU
        elif layer.data is not volume.hu:
            layer.data = volume.hu
        layer.name = name
        layer.metadata = metadata
        _label(layer, "#ff7b6b" if volume.is_tampered else "white")

    def _show_difference(self, contents: Contents) -> None:
        layer = self._alive((DIFFERENCE, "image"))
        limit = contents.difference_limit_hu
        name = f"Difference (HU) · {contents.difference_label}"
        metadata = {PANEL_KEY: DIFFERENCE, SIMULATED_ATTACK_KEY: contents.attacked is not None}
        if layer is None:
            layer = self._viewer.add_image(
                contents.difference,
                **grid_options(contents.scan),
                name=name,
                metadata=metadata,
                colormap=DIVERGING,
                contrast_limits=(-limit, limit),
            )
            self._layers[DIFFERENCE, "image"] = layer
            layer.colorbar.visible = True
            layer.colorbar.position = "bottom_right"
            layer.colorbar.font_size = 8
            layer.colorbar.size = (14, 110)
        elif layer.data is not contents.difference:
            layer.data = contents.difference
        if tuple(layer.contrast_limits) != (-limit, limit):
            layer.contrast_limits_range = (-limit, limit)
            layer.contrast_limits = (-limit, limit)
        layer.name = name
        layer.metadata = metadata
        _label(layer, "white")

    def _show_marks(self, role: str, contents: Contents) -> None:
        if self.image(role) is None:
            self._remove((role, "marks"))
            return
        options = mark_options(contents.scan, contents.injections)
        layer = self._alive((role, "marks"))
        if layer is None:
            self._layers[role, "marks"] = self._viewer.add_points(
                **grid_options(contents.scan), **options, name=f"Marks · {role}", metadata={PANEL_KEY: role}
            )
            return
        if len(layer.data) == len(options["data"]) and np.array_equal(layer.data, options["data"]):
            return
        layer.selected_data = set()
        layer.data = options["data"]
        for name in ("size", "symbol", "border_color", "border_width", "face_color"):
            setattr(layer, name, options[name])

    def _show_overlays(self, role: str, contents: Contents) -> None:
        for kind, overlay in self._overlays.items():
            if self.image(role) is None:
                self._remove((role, kind))
                continue
            layer = self.overlay(kind, role)
            if layer is None:
                layer = overlay.add_to(self._viewer, role, contents.scan, lambda: self._changing)
                self._layers[role, kind] = layer
            overlay.hide_attacked(layer, contents.injections)

    def _link(self) -> None:
        pair = [layer for layer in (self.image(SCAN), self.image(ATTACK)) if layer is not None]
        if len(pair) == 2:
            link_layers(pair, ("contrast_limits", "colormap", "gamma"))

    # ---- arrangement

    @property
    def _kinds(self) -> tuple[str, ...]:
        """The layers that every panel has, from below."""
        return ("image", "marks", *(kind for kind in KINDS if kind in self._overlays))

    def _center_on(self, volume: CTVolume, at: Sequence[int]) -> None:
        world = self._world(volume, at)
        displayed = [axis - (self._viewer.dims.ndim - 3) for axis in self._viewer.dims.displayed]
        center = [world[axis] for axis in displayed if axis >= 0]
        self._viewer.camera.center = (0.0, *center) if len(center) == 2 else tuple(center)

    def _shown_roles(self) -> tuple[str, ...]:
        return tuple(role for role in PANELS if self.image(role) is not None)

    def _sort(self) -> None:
        """Each panel's layers in turn, below every other layer: the grid counts them off from the lowest on."""
        wanted = [self._layers[role, kind] for role in self._shown_roles() for kind in self._kinds]
        layers = self._viewer.layers
        for index, layer in enumerate(wanted):
            if layers.index(layer) != index:
                layers.move(layers.index(layer), index)

    def _arrange(self, *, refit: bool, keep_close_up: bool = False) -> None:
        roles = self._shown_roles()
        if not roles:
            return
        camera = self._viewer.camera
        close_up = (camera.center, camera.zoom) if keep_close_up and self._is_close_up() else None
        grid = self._viewer.canvas.grid
        in_grid = self._side_by_side and len(roles) > 1
        alone = ATTACK if ATTACK in roles else SCAN
        for role in roles:
            self.image(role).visible = in_grid or role == alone
            for layer in (self._alive((role, kind)) for kind in self._kinds[1:]):
                if layer is not None:
                    layer.visible = self._marks_on and (in_grid or role == alone)
        grid.stride = len(self._kinds)
        grid.spacing = 4
        if in_grid:
            grid.shape = self._shape(len(roles))
        grid.enabled = in_grid
        if refit:
            self._viewer.reset_view()
            if close_up is not None:
                camera.center, camera.zoom = close_up

    def _is_close_up(self) -> bool:
        """Whether the user looks at less than the whole slice."""
        extent = self._viewer.layers.extent.world
        sizes = [float(extent[1][a] - extent[0][a]) for a in self._viewer.dims.displayed]
        fitted = min(p / max(s, 1e-6) for p, s in zip(self._panel_pixels(), sizes, strict=False))
        return self._viewer.camera.zoom > 1.3 * fitted

    def _shape(self, count: int) -> tuple[int, int]:
        """Rows and columns of the grid: one row, unless square pictures would get much smaller that way."""
        height, width = self._canvas_pixels()

        def side(shape: tuple[int, int]) -> float:
            return min(height / shape[0], width / shape[1])

        one_row = (1, count)
        square = (int(np.ceil(count / np.ceil(np.sqrt(count)))), int(np.ceil(np.sqrt(count))))
        one_column = (count, 1)
        best = max((one_row, square, one_column), key=side)
        if side(one_row) >= ONE_ROW_PREFERENCE * side(best):
            return (1, -1)
        # -1: napari counts; other layers of the user then get cells of their own
        return (-1, 1) if best == one_column else (-1, -1)

    def _panel_pixels(self) -> tuple[float, float]:
        """Height and width of one panel."""
        height, width = self._canvas_pixels()
        rows, columns = self._viewer.canvas.grid.actual_shape(self._viewer.layers)
        return height / rows, width / columns

    def _canvas_pixels(self) -> tuple[float, float]:
        height, width = self._viewer.canvas.size
        return max(float(height), 1.0), max(float(width), 1.0)

    # ---- places

    def _last_axes(self) -> list[int]:
        return list(range(self._viewer.dims.ndim - 3, self._viewer.dims.ndim))

    @staticmethod
    def _world(volume: CTVolume, at: Sequence[int]) -> tuple[float, ...]:
        options = grid_options(volume)
        return tuple(t + s * a for t, s, a in zip(options["translate"], options["scale"], at, strict=True))


def _label(layer: Any, color: str) -> None:
    """The layer's name in its panel."""
    overlay = layer.name_overlay
    overlay.color = color
    overlay.font_size = 9
    overlay.visible = True
