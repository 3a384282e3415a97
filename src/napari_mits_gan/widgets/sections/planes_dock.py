"""The two planes that the main canvas does not show, in a dock of their own below it."""

from __future__ import annotations

from collections.abc import Sequence

from napari_mits_gan.widgets.controls.canvas_row import CanvasRow
from napari_mits_gan.widgets.layers.side_plane import SidePlane
from napari_mits_gan.widgets.sections.canvas_dock import CanvasDock


class PlanesDock(CanvasDock):
    """Opens the dock when three planes are asked for, and closes it with them."""

    name = "Other planes"

    @property
    def widget(self) -> PlaneViewers | None:
        """What is in the dock; None while it is closed."""
        return self._row if isinstance(self._row, PlaneViewers) else None

    @property
    def wanted(self) -> bool:
        """Whether three planes are shown."""
        return self.workspace.three_planes.on

    def make(self) -> PlaneViewers:
        """The two planes."""
        return PlaneViewers(self.workspace.three_planes.sides)

    def fit(self) -> None:
        """Look as closely as the main canvas does."""
        self.workspace.three_planes.fit()

    def stop(self) -> None:
        """Show the main canvas only."""
        self.workspace.three_planes.stop()

    def show(self) -> None:
        """Which planes these are by now."""
        if self.widget is not None:
            self.widget.show_titles()


class PlaneViewers(CanvasRow):
    """Two canvases beside each other, each below the name of its plane.

    Parameters
    ----------
    sides : sequence of SidePlane
        What they show.
    """

    def __init__(self, sides: Sequence[SidePlane]) -> None:
        super().__init__()
        self._sides = tuple(sides)
        for side in self._sides:
            self.add_canvas(side.model)
            side.panels.view.write_letters_anew()
        self.show_titles()

    def show_titles(self) -> None:
        """Which planes these are by now."""
        for side, title, canvas in zip(self._sides, self.titles, self.canvases, strict=True):
            title.setText(side.plane.capitalize())
            canvas.setAccessibleName(f"{side.plane.capitalize()} plane")
            canvas.setToolTip("A click moves the crosshair here, in all planes; the wheel scrolls slices")

    def free(self) -> None:
        """Close the canvases."""
        super().free()
        self._sides = ()
