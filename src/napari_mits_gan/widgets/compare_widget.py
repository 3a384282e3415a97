"""The part of the dock where the panels and the difference are chosen, beside the figures."""

from __future__ import annotations

from collections.abc import Collection

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QPushButton, QWidget

from napari_mits_gan.session import Difference
from napari_mits_gan.widgets.figures_table import FiguresTable
from napari_mits_gan.widgets.section import Section

ZOOM_SHORTCUT = "Ctrl+Alt+F"


class CompareWidget(Section):
    """Asks for panels side by side or stacked, for marks, for a difference, and for a closer look."""

    side_by_side_chosen = Signal(bool)
    marks_chosen = Signal(bool)
    difference_chosen = Signal(object)
    """A `Difference`."""
    zoom_requested = Signal()
    whole_requested = Signal()
    restore_requested = Signal()
    """Show again what the user removed from the layer list."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Compare", parent)
        self.side_by_side = QCheckBox("Side by side")
        self.side_by_side.setChecked(True)
        self.side_by_side.setToolTip(
            "One panel beside the other, with the same zoom and slice; else one above the other"
        )
        self.marks = QCheckBox("Marks")
        self.marks.setChecked(True)
        self.marks.setToolTip("A ring around every place that was attacked, and the suggested places")
        self.zoom_button = QPushButton("Zoom in")
        self.zoom_button.setShortcut(ZOOM_SHORTCUT)
        self.zoom_button.setToolTip(f"A closer look at the selected attack ({ZOOM_SHORTCUT})")
        self.whole_button = QPushButton("Whole slice")
        self.whole_button.setToolTip("Fit the whole slice into each panel (napari: Ctrl+R)")
        self.difference = QComboBox()
        self.difference.setToolTip(
            "What the difference panel shows, in HU; “between the attacks” is the attack on the protected scan minus "
            "the same attack on the original"
        )
        self.restore_button = QPushButton("Restore the removed panel")
        self.restore_button.setToolTip("Show again what was removed from the layer list")
        self.figures = FiguresTable()

        row = QHBoxLayout()
        row.setSpacing(6)
        for widget in (self.side_by_side, self.marks, self.zoom_button, self.whole_button):
            row.addWidget(widget)
        self.body.addLayout(row)
        row = QHBoxLayout()
        row.addWidget(QLabel("Difference"))
        row.addWidget(self.difference, 1)
        self.body.addLayout(row)
        self.body.addWidget(self.restore_button)
        self.body.addWidget(self.figures)

        self.side_by_side.toggled.connect(self.side_by_side_chosen)
        self.marks.toggled.connect(self.marks_chosen)
        self.zoom_button.clicked.connect(lambda: self.zoom_requested.emit())
        self.whole_button.clicked.connect(lambda: self.whole_requested.emit())
        self.difference.activated.connect(lambda _: self.difference_chosen.emit(self.difference.currentData()))
        self.restore_button.clicked.connect(lambda: self.restore_requested.emit())
        self.offer((), None)
        self.set_complete(True)

    def offer(self, kinds: Collection[Difference], shown: Difference | None) -> None:
        """Say which differences there are, and which one is shown."""
        self.difference.clear()
        for kind in Difference:
            if kind in kinds:
                self.difference.addItem(str(kind), kind)
        if shown is not None:
            self.difference.setCurrentIndex(self.difference.findText(str(shown)))
        self.difference.setEnabled(bool(kinds))

    def set_attacked(self, attacked: bool) -> None:
        """Whether there is an attack to look at."""
        self.zoom_button.setEnabled(attacked)

    def set_complete(self, complete: bool) -> None:
        """Whether all panels are there; where the user removed a layer, they can be restored."""
        self.restore_button.setVisible(not complete)
