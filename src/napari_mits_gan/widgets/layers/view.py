"""What part of the scan the panels show: plane, slice, zoom, and how the panels stand in the grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.components.overlays import TextOverlay

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.layers.planes import PLANES, Plane, order_of, plane_across, upright
from napari_mits_gan.widgets.layers.volume_layer import grid_options

CLOSE_UP_MM = 90.0
"""Side of what a closer look shows."""
ONE_ROW_PREFERENCE = 0.8
"""Panels stand in one row unless that makes them smaller than this share of what another arrangement would give."""
_CLOSER_THAN_WHOLE = 1.3
_ZOOM_STEP = 1.15
EDGES = {"top": "top_center", "bottom": "bottom_center", "left": "middle_left", "right": "middle_right"}
"""Edge of a panel to where napari has its letter."""
_LETTER_COLOR = "#f2d16b"
_BELOW_COLOR_BAR = "below_color_bar"
"""An overlay that is not seen: napari puts a colour bar above it, and so above the scale bar beside it."""


class View:
    """Plane, slice, camera and grid of a viewer, and what is written at the panels' edges.

    Parameters
    ----------
    viewer : napari viewer
        Whose camera and grid.
    on_plane : callable
        Called when slices lie across another axis than before, or the 3-D view begins or ends.
    """

    def __init__(self, viewer: Any, on_plane: Callable[[], None] = lambda: None) -> None:
        self._viewer = viewer
        self._on_plane = on_plane
        self._volume: CTVolume | None = None
        self._order: tuple[int, ...] = ()
        self._turning = False
        self._fitted_zoom = 0.0
        viewer.dims.events.order.connect(self._on_order)
        viewer.dims.events.ndisplay.connect(self._on_ndisplay)

    def close(self) -> None:
        """The window goes away: listen no more."""
        self._viewer.dims.events.order.disconnect(self._on_order)
        self._viewer.dims.events.ndisplay.disconnect(self._on_ndisplay)

    # ---- begin and end

    def start(self, volume: CTVolume) -> None:
        """Show another scan: axial, on black, with letters at the edges and a scale bar."""
        self._volume = volume
        overlays = self._viewer.canvas.overlays
        for edge, position in EDGES.items():
            overlays[_overlay_name(edge)] = TextOverlay(
                position=position, color=_LETTER_COLOR, font_size=11, box=True, gridded=True
            )
        self._viewer.canvas.background_color_override = "black"
        bar = overlays.scale_bar
        # in every panel, where napari puts it above or below the letter of the lower edge and not across it
        bar.visible, bar.gridded, bar.position, bar.font_size, bar.box = True, True, "bottom_center", 8, True
        overlays[_overlay_name(_BELOW_COLOR_BAR)] = TextOverlay(
            position="bottom_right", text="|", font_size=16, opacity=0, box=False, gridded=True, visible=True
        )
        self.turn_to("axial")

    def write_letters_anew(self) -> None:
        """Write the letters once the canvas is there: napari puts first what it drew first, the scale bar below."""
        overlays = self._viewer.canvas.overlays
        for edge in EDGES:
            name = _overlay_name(edge)
            if (letter := overlays.pop(name, None)) is not None:
                overlays[name] = letter

    def stop(self) -> None:
        """Nothing of ours is shown any more."""
        self._volume = None
        overlays = self._viewer.canvas.overlays
        for name in (*EDGES, _BELOW_COLOR_BAR):
            overlays.pop(_overlay_name(name), None)
        overlays.scale_bar.visible = overlays.scale_bar.gridded = False
        self._viewer.canvas.background_color_override = None
        self._viewer.canvas.grid.enabled = False

    # ---- plane

    @property
    def plane(self) -> Plane | None:
        """The plane that is shown; None for the 3-D view, or where there is no scan."""
        across = self.across
        return None if self._volume is None or across is None else plane_across(self._volume, across)

    @property
    def across(self) -> int | None:
        """The scan's axis that the slices lie across; None in the 3-D view."""
        dims = self._viewer.dims
        if dims.ndisplay != 2:
            return None
        axis = dims.order[-3] - (dims.ndim - 3) if dims.ndim >= 3 else 0
        return axis if 0 <= axis <= 2 else 0

    @property
    def horizontal(self) -> tuple[int, bool] | None:
        """The scan's axis drawn horizontally, and whether its index grows to the right; None in the 3-D view."""
        dims = self._viewer.dims
        if self._volume is None or dims.ndisplay != 2 or dims.ndim < 3:
            return None
        vertical, horizontal = (axis - (dims.ndim - 3) for axis in dims.order[-2:])
        if min(vertical, horizontal) < 0:
            return None
        return horizontal, upright(self._volume, vertical, horizontal).horizontal == "right"

    @property
    def pixels_per_mm(self) -> float:
        """How large a millimetre is drawn, in pixels."""
        return float(self._camera.zoom)

    def turn_to(self, plane: Plane) -> None:
        """Show axial, coronal or sagittal slices, upright, through the same point."""
        if self._volume is None:
            return
        dims = self._viewer.dims
        with_order = order_of(self._volume, plane)
        first = max(dims.ndim - 3, 0)
        self._turning = True
        try:
            dims.ndisplay = 2
            if dims.ndim >= 3:
                dims.order = (*range(first), *(first + axis for axis in with_order))
        finally:
            self._turning = False
        self._after_turning()
        self.show_whole()

    def _on_order(self, event: Any = None) -> None:
        if self._turning or self._volume is None:
            return
        dims = self._viewer.dims
        order = tuple(dims.order)
        if self._order and order == tuple(np.roll(self._order, 1)) and dims.ndisplay == 2 and self.plane is not None:
            # napari's button rolls the axes, which lays the patient on the side: take it for the next plane
            before = plane_across(self._volume, self._order[-3] - (dims.ndim - 3))
            self.turn_to(PLANES[(PLANES.index(before) + 1) % len(PLANES)])
            return
        self._after_turning()

    def _on_ndisplay(self, event: Any = None) -> None:
        if not self._turning and self._volume is not None:
            self._after_turning()

    def _after_turning(self) -> None:
        dims, overlays = self._viewer.dims, self._viewer.canvas.overlays
        self._order = tuple(dims.order)
        in_slices = dims.ndisplay == 2 and dims.ndim >= 3 and self._volume is not None
        if in_slices and self._volume is not None:
            first = dims.ndim - 3
            vertical, horizontal = (axis - first for axis in dims.order[-2:])
            if min(vertical, horizontal) >= 0:
                drawn = upright(self._volume, vertical, horizontal)
                self._camera.orientation2d = (drawn.vertical, drawn.horizontal)
                for edge in EDGES:
                    overlays[_overlay_name(edge)].text = getattr(drawn, edge)
        for edge in EDGES:
            if (name := _overlay_name(edge)) in overlays:
                overlays[name].visible = in_slices
        self._on_plane()

    # ---- slice and zoom

    def go_to(self, volume: CTVolume, at: Sequence[int]) -> None:
        """Show the slice of a voxel (z, y, x)."""
        ndim = self._viewer.dims.ndim
        self._viewer.dims.set_point(list(range(ndim - 3, ndim)), world_of(volume, at))

    @property
    def middle(self) -> tuple[float, ...]:
        """World coordinates (z, y, x) of what is in the middle of every panel, in the slice that is shown."""
        dims, center = self._viewer.dims, self._camera.center
        point = list(dims.point)
        for axis, place in zip(dims.displayed, center[-len(dims.displayed) :], strict=True):
            point[axis] = place
        return tuple(float(value) for value in point[-3:])

    def step(self, slices: int) -> None:
        """Go some slices on, towards higher indices."""
        dims = self._viewer.dims
        if dims.ndisplay == 2 and dims.ndim >= 3:
            axis = dims.order[-3]
            dims.set_current_step(axis, dims.current_step[axis] + slices)

    def center_on(self, volume: CTVolume, at: Sequence[int]) -> None:
        """Move a voxel (z, y, x) to the middle of every panel."""
        world = world_of(volume, at)
        displayed = [axis - (self._viewer.dims.ndim - 3) for axis in self._viewer.dims.displayed]
        center = [world[axis] for axis in displayed if axis >= 0]
        self._camera.center = (0.0, *center) if len(center) == 2 else tuple(center)

    def zoom_to(self, volume: CTVolume, at: Sequence[int]) -> None:
        """A closer look at a voxel (z, y, x), in all panels."""
        self.go_to(volume, at)
        self.center_on(volume, at)
        self._camera.zoom = min(self.panel_pixels) / CLOSE_UP_MM

    def zoom_on(self, point: Sequence[float], pixels_per_mm: float) -> None:
        """Draw a millimetre that large, with a point of the world in the middle."""
        displayed = [axis - (self._viewer.dims.ndim - 3) for axis in self._viewer.dims.displayed]
        center = [float(point[axis]) for axis in displayed if axis >= 0]
        self._camera.center = (0.0, *center) if len(center) == 2 else tuple(center)
        self._camera.zoom = pixels_per_mm

    def zoom_by(self, steps: float) -> None:
        """Look closer by some steps of the wheel, or from farther away by negative ones."""
        self._camera.zoom = self._camera.zoom * _ZOOM_STEP**steps

    def show_whole(self) -> None:
        """Fit the whole slice into each panel."""
        self._viewer.reset_view()
        self._fitted_zoom = self.pixels_per_mm

    @property
    def is_fitted(self) -> bool:
        """Whether nobody zoomed since the whole slice was fitted in."""
        return self.pixels_per_mm == self._fitted_zoom

    def is_close_up(self) -> bool:
        """Whether the user looks at less than the whole slice."""
        extent = self._viewer.layers.extent.world
        sizes = [float(extent[1][a] - extent[0][a]) for a in self._viewer.dims.displayed]
        fitted = min(p / max(s, 1e-6) for p, s in zip(self.panel_pixels, sizes, strict=False))
        return bool(self._camera.zoom > _CLOSER_THAN_WHOLE * fitted)

    # ---- grid

    def arrange(self, panels: int, layers_each: int, *, refit: bool, keep_close_up: bool) -> None:
        """Put panels side by side; fewer than two take the whole canvas.

        Parameters
        ----------
        panels : int
            How many.
        layers_each : int
            How many layers lie in each panel, the panels' layers being the lowest of all.
        refit : bool
            Whether the whole slice is fitted in.
        keep_close_up : bool
            Whether a close-up stays one in spite of that.
        """
        before = (self._camera.center, self._camera.zoom) if keep_close_up and self.is_close_up() else None
        grid = self._viewer.canvas.grid
        grid.stride = layers_each
        grid.spacing = 4
        if panels > 1:
            grid.shape = self._shape(panels)
        grid.enabled = panels > 1
        if refit:
            self.show_whole()
            if before is not None:
                self._camera.center, self._camera.zoom = before

    @property
    def _camera(self) -> Any:
        return self._viewer.scene.camera

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

    @property
    def panel_pixels(self) -> tuple[float, float]:
        """Height and width of one panel in pixels."""
        height, width = self._canvas_pixels()
        rows, columns = self._viewer.canvas.grid.actual_shape(self._viewer.layers)
        return height / rows, width / columns

    def _canvas_pixels(self) -> tuple[float, float]:
        height, width = self._viewer.canvas.size
        return max(float(height), 1.0), max(float(width), 1.0)


def _overlay_name(edge: str) -> str:
    return f"mits_gan_{edge}"


def world_of(volume: CTVolume, at: Sequence[int]) -> tuple[float, ...]:
    """World coordinates, as napari has them, of a voxel (z, y, x)."""
    options = grid_options(volume)
    return tuple(t + s * a for t, s, a in zip(options["translate"], options["scale"], at, strict=True))


def voxel_at(volume: CTVolume, position: Sequence[float]) -> tuple[float, float, float]:
    """The place in voxels (z, y, x), not rounded, of world coordinates as napari has them."""
    options = grid_options(volume)
    z, y, x = (
        (float(p) - t) / s for t, s, p in zip(options["translate"], options["scale"], position[-3:], strict=True)
    )
    return (z, y, x)
