"""The nodule of the chosen attack in 3-D, in a dock of its own below the main canvas."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QPushButton, QSlider, QVBoxLayout

from napari_mits_gan.widgets.controllers.nodule_3d import NoduleIn3D
from napari_mits_gan.widgets.controls.canvas_row import CanvasRow
from napari_mits_gan.widgets.sections.canvas_dock import CanvasDock

SURFACE_RANGE_HU = (-900, 300)
_STEP_HU = 25


class NoduleDock(CanvasDock):
    """Opens the dock when the nodule is asked for, and closes it with the last attack."""

    name = "Nodule in 3-D"

    @property
    def widget(self) -> NoduleCanvas | None:
        """What is in the dock; None while it is closed."""
        return self._row if isinstance(self._row, NoduleCanvas) else None

    @property
    def wanted(self) -> bool:
        """Whether the nodule is shown."""
        return self.workspace.nodule_3d.on

    def make(self) -> NoduleCanvas:
        """The canvas, and what can be set of it."""
        return NoduleCanvas(self.workspace.nodule_3d)

    def fit(self) -> None:
        """As large as there is room."""
        self.workspace.nodule_3d.fit()

    def stop(self) -> None:
        """Show it no more."""
        self.workspace.nodule_3d.stop()

    def show(self) -> None:
        """Which attack, and where its surface lies."""
        if self.widget is not None:
            self.widget.show_words()


class NoduleCanvas(CanvasRow):
    """One canvas, a slider for the surface, and a button that turns it as it was.

    Parameters
    ----------
    nodule : NoduleIn3D
        What it shows; on.
    """

    def __init__(self, nodule: NoduleIn3D) -> None:
        super().__init__()
        self._nodule = nodule
        if nodule.view is not None:
            self.add_canvas(nodule.view.model)
        self.surface = QSlider(Qt.Orientation.Vertical)
        self.surface.setRange(*(value // _STEP_HU for value in SURFACE_RANGE_HU))
        self.surface.setAccessibleName("Surface in HU")
        self.surface.setToolTip(
            "The surface lies where tissue becomes denser than this: lung has around -850 HU, a nodule around 0"
        )
        self.surface.valueChanged.connect(self._choose)
        self.front_button = QPushButton("Front")
        self.front_button.setToolTip("Look from the front again, head up; drag with the left mouse button to turn")
        self.front_button.clicked.connect(self._look_from_the_front)
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(QLabel("HU"), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.surface, 1, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.front_button)
        self.row.addLayout(column)
        for canvas in self.canvases:
            canvas.setAccessibleName("Nodule in 3-D")
            canvas.setToolTip("Drag to turn, wheel to zoom; all cells turn together")
        self.show_words()

    def show_words(self) -> None:
        """Which attack, and where its surface lies."""
        for title in self.titles:
            title.setText(self._nodule.words)
        self.surface.blockSignals(True)
        self.surface.setValue(round(self._nodule.surface_hu / _STEP_HU))
        self.surface.blockSignals(False)

    def _choose(self, value: int) -> None:
        self._nodule.choose_surface(float(value * _STEP_HU))

    def _look_from_the_front(self) -> None:
        self._nodule.look_from_the_front()
