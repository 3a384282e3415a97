"""What part of the scan the panels show: slice, zoom, and how the panels stand in the grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.layers.volume_layer import grid_options

CLOSE_UP_MM = 90.0
"""Side of what a closer look shows."""
ONE_ROW_PREFERENCE = 0.8
"""Panels stand in one row unless that makes them smaller than this share of what another arrangement would give."""
_CLOSER_THAN_WHOLE = 1.3


class View:
    """Slice, camera and grid of a viewer.

    Parameters
    ----------
    viewer : napari viewer
        Whose camera and grid.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer

    def go_to(self, volume: CTVolume, at: Sequence[int]) -> None:
        """Show the slice of a voxel (z, y, x)."""
        ndim = self._viewer.dims.ndim
        self._viewer.dims.set_point(list(range(ndim - 3, ndim)), world_of(volume, at))

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
        self._camera.zoom = min(self._panel_pixels()) / CLOSE_UP_MM

    def show_whole(self) -> None:
        """Fit the whole slice into each panel."""
        self._viewer.reset_view()

    def is_close_up(self) -> bool:
        """Whether the user looks at less than the whole slice."""
        extent = self._viewer.layers.extent.world
        sizes = [float(extent[1][a] - extent[0][a]) for a in self._viewer.dims.displayed]
        fitted = min(p / max(s, 1e-6) for p, s in zip(self._panel_pixels(), sizes, strict=False))
        return bool(self._camera.zoom > _CLOSER_THAN_WHOLE * fitted)

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
            self._viewer.reset_view()
            if before is not None:
                self._camera.center, self._camera.zoom = before

    def no_grid(self) -> None:
        """The whole canvas for whatever there is."""
        self._viewer.canvas.grid.enabled = False

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

    def _panel_pixels(self) -> tuple[float, float]:
        """Height and width of one panel."""
        height, width = self._canvas_pixels()
        rows, columns = self._viewer.canvas.grid.actual_shape(self._viewer.layers)
        return height / rows, width / columns

    def _canvas_pixels(self) -> tuple[float, float]:
        height, width = self._viewer.canvas.size
        return max(float(height), 1.0), max(float(width), 1.0)


def world_of(volume: CTVolume, at: Sequence[int]) -> tuple[float, ...]:
    """World coordinates, as napari has them, of a voxel (z, y, x)."""
    options = grid_options(volume)
    return tuple(t + s * a for t, s, a in zip(options["translate"], options["scale"], at, strict=True))
