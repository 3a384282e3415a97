"""The picture that two panels share, and the line that divides it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.experimental import link_layers

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.layers.dotted_lines import dot_options, dots
from napari_mits_gan.widgets.layers.identity import in_viewer
from napari_mits_gan.widgets.layers.panel_images import LINKED, show_swiped
from napari_mits_gan.widgets.layers.panel_names import PANEL_KEY, SWIPE
from napari_mits_gan.widgets.layers.swipe import LINE_COLOR, LINE_STEP_MM, Swiped, swiped_name
from napari_mits_gan.widgets.layers.view import View, voxel_at
from napari_mits_gan.widgets.layers.volume_layer import grid_options


class DividedPicture:
    """Two layers in a viewer, the picture and its line, below all others: no other image is seen then.

    Parameters
    ----------
    viewer : napari viewer
        Where they are shown.
    view : View
        Which plane that is.
    """

    def __init__(self, viewer: Any, view: View) -> None:
        self._viewer = viewer
        self._view = view
        self._at = 0.5
        self._image: Any = None
        self._line: Any = None

    @property
    def at(self) -> float:
        """Where the picture is divided: 0 at the left edge of the scan, 1 at the right one."""
        return self._at

    @at.setter
    def at(self, at: float) -> None:
        self._at = min(max(float(at), 0.0), 1.0)

    @property
    def layers(self) -> tuple[Any, ...]:
        """Those that were shown and not taken away here; the user may have removed them."""
        return tuple(layer for layer in (self._image, self._line) if layer is not None)

    @property
    def is_shown(self) -> bool:
        """Whether there is a divided picture in the viewer."""
        return self._is_alive(self._image)

    def show(self, volumes: tuple[CTVolume, CTVolume], titles: tuple[str, str], like: Any) -> None:
        """Show one volume at the left of the line, the other at its right; nothing in 3-D, or of different shapes.

        Parameters
        ----------
        volumes : tuple of CTVolume
            Left and right.
        titles : tuple of str
            What they are called.
        like : napari layer
            Whose window in HU and colour map are taken, and followed.
        """
        left, right = volumes
        horizontal, across = self._view.horizontal, self._view.across
        if left.shape != right.shape or horizontal is None:
            self.remove()
            return
        axis, rightwards = horizontal
        cut = round((self._at if rightwards else 1 - self._at) * left.shape[axis])
        parts = (left.hu, right.hu) if rightwards else (right.hu, left.hu)
        name = swiped_name(left.is_tampered or right.is_tampered, *titles)
        before = self._image if self.is_shown else None
        self._image = show_swiped(self._viewer, before, Swiped(*parts, axis=axis, cut=cut), right, name, like)
        if before is None:
            link_layers([self._image, like], LINKED)
        through = list(voxel_at(left, self._viewer.dims.point))
        through[axis] = cut - 0.5
        vertical = next(other for other in range(3) if other not in (axis, across))
        self._draw_line(left, dots(left, vertical, through, step_mm=LINE_STEP_MM))
        layers = self._viewer.layers
        if layers.index(self._image) != 0:
            layers.move(layers.index(self._image), 0)
        layers.selection.active = self._image

    def remove(self) -> None:
        """Take the picture and its line away."""
        for layer in self.layers:
            if in_viewer(self._viewer, layer):
                self._viewer.layers.remove(layer)
        self._image = self._line = None

    def share_of(self, scan: CTVolume, position: Sequence[float]) -> float | None:
        """How far to the right of the scan's left edge world coordinates lie, from 0 to 1; None in the 3-D view."""
        horizontal = self._view.horizontal
        if horizontal is None:
            return None
        axis, rightwards = horizontal
        share = (voxel_at(scan, position)[axis] + 0.5) / scan.shape[axis]
        return share if rightwards else 1 - share

    def pixels_from_line(self, scan: CTVolume, position: Sequence[float]) -> float:
        """How far world coordinates lie from the line, in pixels; inf where there is none."""
        share, horizontal = self.share_of(scan, position), self._view.horizontal
        if not self.is_shown or share is None or horizontal is None:
            return float("inf")
        width_mm = scan.shape[horizontal[0]] * scan.spacing[horizontal[0]]
        return abs(share - self._at) * width_mm * self._view.pixels_per_mm

    def _draw_line(self, scan: CTVolume, points: Any) -> None:
        if self._is_alive(self._line):
            self._line.data = points
        else:
            options = {**grid_options(scan), **dot_options(LINE_COLOR), "metadata": {PANEL_KEY: SWIPE}}
            self._line = self._viewer.add_points(points, **options, name="Swipe · line")

    def _is_alive(self, layer: Any) -> bool:
        return layer is not None and in_viewer(self._viewer, layer)
