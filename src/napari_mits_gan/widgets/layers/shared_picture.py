"""The picture that two panels share: divided by a line, or one faded over the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from napari.experimental import link_layers

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.layers.dotted_lines import dot_options, dots
from napari_mits_gan.widgets.layers.identity import in_viewer
from napari_mits_gan.widgets.layers.panel_images import LINKED, show_swiped, show_volume, size_name
from napari_mits_gan.widgets.layers.panel_names import PANEL_KEY, SWIPE
from napari_mits_gan.widgets.layers.swipe import LINE_COLOR, LINE_STEP_MM, Swiped, faded_name, swiped_name
from napari_mits_gan.widgets.layers.view import View, voxel_at
from napari_mits_gan.widgets.layers.volume_layer import grid_options

How = Literal["swipe", "fade"]
"""A line divides the picture; or the second volume lies over the first, more or less opaque."""


class SharedPicture:
    """Layers in a viewer, below all others: no other image is seen then.

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
        self.how: How = "swipe"
        """In which way the two share it, from the next `show` on."""
        self._at = 0.5
        self._image: Any = None
        self._above: Any = None
        self._shown_as: How = "swipe"

    @property
    def at(self) -> float:
        """Where it is divided, 0 at the left edge of the scan, 1 at the right; or how opaque the second volume is."""
        return self._at

    @at.setter
    def at(self, at: float) -> None:
        self._at = min(max(float(at), 0.0), 1.0)

    @property
    def layers(self) -> tuple[Any, ...]:
        """Those that were shown and not taken away here; the user may have removed them."""
        return tuple(layer for layer in (self._image, self._above) if layer is not None)

    @property
    def is_shown(self) -> bool:
        """Whether there is a shared picture in the viewer."""
        return self._is_alive(self._image)

    def show(self, volumes: tuple[CTVolume, CTVolume], titles: tuple[str, str], like: Any) -> None:
        """Show two volumes in one picture; nothing of different shapes, and no line in 3-D.

        Parameters
        ----------
        volumes : tuple of CTVolume
            Left and right of the line; or below, and faded over it.
        titles : tuple of str
            What they are called.
        like : napari layer
            Whose window in HU and colour map are taken, and followed.
        """
        if self.how != self._shown_as:
            self.remove()
        self._shown_as = self.how
        if volumes[0].shape != volumes[1].shape or (self.how == "swipe" and self._view.horizontal is None):
            self.remove()
        elif self.how == "fade":
            self._show_faded(volumes, titles, like)
        else:
            self._show_divided(volumes, titles, like)

    def remove(self) -> None:
        """Take the picture and what lies above it away."""
        for layer in self.layers:
            if in_viewer(self._viewer, layer):
                self._viewer.layers.remove(layer)
        self._image = self._above = None

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
        if not self.is_shown or self._shown_as != "swipe" or share is None or horizontal is None:
            return float("inf")
        width_mm = scan.shape[horizontal[0]] * scan.spacing[horizontal[0]]
        return abs(share - self._at) * width_mm * self._view.pixels_per_mm

    # ---- either way

    def _show_divided(self, volumes: tuple[CTVolume, CTVolume], titles: tuple[str, str], like: Any) -> None:
        left, right = volumes
        if (horizontal := self._view.horizontal) is None:
            return
        axis, rightwards = horizontal
        cut = round((self.at if rightwards else 1 - self.at) * left.shape[axis])
        parts = (left.hu, right.hu) if rightwards else (right.hu, left.hu)
        name = swiped_name(left.is_tampered or right.is_tampered, *titles)
        before = self._image if self.is_shown else None
        self._image = show_swiped(self._viewer, before, Swiped(*parts, axis=axis, cut=cut), right, name, like)
        if before is None:
            link_layers([self._image, like], LINKED)
        through = list(voxel_at(left, self._viewer.dims.point))
        through[axis] = cut - 0.5
        vertical = next(other for other in range(3) if other not in (axis, self._view.across))
        self._draw_line(left, dots(left, vertical, through, step_mm=LINE_STEP_MM))
        self._put_below(self._image)

    def _show_faded(self, volumes: tuple[CTVolume, CTVolume], titles: tuple[str, str], like: Any) -> None:
        before = [layer if self._is_alive(layer) else None for layer in (self._image, self._above)]
        tampered = any(volume.is_tampered for volume in volumes)
        names = (swiped_name(volumes[0].is_tampered, titles[0]), faded_name(tampered, *titles, self.at))
        self._image, self._above = (
            show_volume(self._viewer, layer, SWIPE, volume, name, like)
            for layer, volume, name in zip(before, volumes, names, strict=True)
        )
        self._above.opacity = self.at
        self._image.name_overlay.visible = False
        size_name(self._above, float("inf"))
        if None in before:
            link_layers([self._image, self._above, like], LINKED)
        self._put_below(self._image, self._above)

    def _put_below(self, *layers: Any) -> None:
        """Below all others, in this order from below."""
        there = self._viewer.layers
        for index, layer in enumerate(layers):
            if there.index(layer) != index:
                there.move(there.index(layer), index)
        there.selection.active = layers[-1]

    def _draw_line(self, scan: CTVolume, points: Any) -> None:
        if self._is_alive(self._above):
            self._above.data = points
        else:
            options = {**grid_options(scan), **dot_options(LINE_COLOR), "metadata": {PANEL_KEY: SWIPE}}
            self._above = self._viewer.add_points(points, **options, name="Swipe · line")

    def _is_alive(self, layer: Any) -> bool:
        return layer is not None and in_viewer(self._viewer, layer)
