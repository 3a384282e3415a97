"""One panel once more, in another plane, in a canvas of its own: what stands beside the main canvas."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel

from napari_mits_gan.widgets.layers.colors import USUAL, Colors
from napari_mits_gan.widgets.layers.contents import Contents
from napari_mits_gan.widgets.layers.crosshair import CrosshairOverlay
from napari_mits_gan.widgets.layers.overlays import CROSSHAIR
from napari_mits_gan.widgets.layers.panel_names import DIFFERENCE
from napari_mits_gan.widgets.layers.panels import Panels
from napari_mits_gan.widgets.layers.planes import Plane
from napari_mits_gan.widgets.layers.view import voxel_at


class SidePlane:
    """A viewer of its own without a window, that shows one panel of the main viewer in one plane.

    Parameters
    ----------
    plane : {"axial", "coronal", "sagittal"}
        Which slices it shows to begin with.
    colors : Colors
        Of rings and differences.
    """

    def __init__(self, plane: Plane, colors: Colors = USUAL) -> None:
        self.model = ViewerModel()
        self.panels = Panels(self.model, colors=colors)
        self.plane = plane
        self._crosshair = CrosshairOverlay((0.0, 0.0, 0.0))

    def show(self, contents: Contents, role: str, plane: Plane, like: Any, *, marks: bool) -> None:
        """Show a panel.

        Parameters
        ----------
        contents : Contents
            What the main viewer shows.
        role : str
            Which panel of it.
        plane : {"axial", "coronal", "sagittal"}
            Which slices.
        like : napari layer or None
            The main viewer's layer of that panel, whose window in HU and colours it takes.
        marks : bool
            Whether marks are shown.
        """
        if role not in self.panels.chosen or len(self.panels.chosen) > 1:
            self.panels.choose((role,))
        before = self.panels.contents
        if before is not None and not before.scan.same_grid(contents.scan):
            self.panels.clear()
        begins = self.panels.contents is None
        if self.panels.contents is not contents:
            self.panels.show(contents)
        if begins:
            self.panels.set_overlay(CROSSHAIR, self._crosshair)
        if begins or self.panels.view.plane != plane:
            self.plane = plane
            self.panels.view.turn_to(plane)
        if self.panels.marks_on != marks:
            self.panels.set_marks(marks)
        self.take_window(like)

    def take_window(self, like: Any) -> None:
        """Take the window in HU and the colours of a layer."""
        image = next((layer for role in self.panels.shown if (layer := self.panels.image(role)) is not None), None)
        if image is None or like is None or DIFFERENCE in self.panels.shown:
            return
        if tuple(image.contrast_limits) != tuple(like.contrast_limits):
            image.contrast_limits = tuple(like.contrast_limits)
        if image.colormap.name != like.colormap.name:
            image.colormap = like.colormap

    def go_to(self, point: tuple[float, ...]) -> None:
        """Show the slice through a point in the world, and cross the lines there."""
        contents = self.panels.contents
        if contents is None:
            return
        if tuple(self.model.dims.point) != point:
            self.model.dims.set_point((0, 1, 2), point)
        layers = [layer for role in self.panels.shown if (layer := self.panels.overlay(CROSSHAIR, role)) is not None]
        at = voxel_at(contents.scan, point)
        self._crosshair.move(layers, contents.scan, at, self.panels.view.across)

    def look_closely(self, point: tuple[float, ...], pixels_per_mm: float | None) -> None:
        """Draw a millimetre as large as told, with a point in the middle; None fits the whole slice in."""
        if pixels_per_mm is None:
            self.panels.view.show_whole()
        else:
            self.panels.view.zoom_on(point, pixels_per_mm)

    def close(self) -> None:
        """It goes away, with its layers: taking them out one by one would draw the canvas after each."""
        self.panels.close()
