"""A small window beside the main one that lists what mouse and keys do, and begins the tour."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_mits_gan.widgets.controls.rows import note

MOUSE = (
    ("Wheel", "through the slices"),
    ("Shift + wheel", "zoom"),
    ("Drag, left button", "move; the line of a swipe, where it is grabbed; a line to measure, while “Measure” is on"),
    ("Drag, right button", "window in HU: to the right wider, downwards darker"),
    ("Click", "go to the marker there, or move the crosshair; an attack while clicks are armed"),
)
"""What the mouse does in the panels."""
EXPLANATION = (
    "Keys work on every page. The device, budget, window, colours and folder to begin with are set in napari's "
    "Preferences, under MITS-GAN."
)


class HelpWindow(QDialog):
    """Lists mouse actions and keys.

    Parameters
    ----------
    keys : sequence of (str, str)
        Keys, and what they do.
    """

    tour_requested = Signal()

    def __init__(self, keys: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("MITS-GAN: mouse and keys")
        self.resize(780, 600)
        self.list = QTreeWidget()
        self.list.setColumnCount(2)
        self.list.setHeaderLabels(["Mouse or keys", "What it does"])
        self.list.setRootIsDecorated(False)
        self.list.setAccessibleName("Mouse actions and keys")
        self.list.setToolTip("What mouse and keys do in this window")
        for told in (*MOUSE, *keys):
            item = QTreeWidgetItem(list(told))
            item.setToolTip(1, told[1])
            self.list.addTopLevelItem(item)
        if (header := self.list.header()) is not None:
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.tour_button = QPushButton("Begin the tour")
        self.tour_button.setToolTip("A few steps that point at what to do next")
        self.close_button = QPushButton("Close")
        self.close_button.setToolTip("Close this window")
        layout = QVBoxLayout(self)
        layout.addWidget(self.list, 1)
        layout.addWidget(note(EXPLANATION))
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.tour_button)
        row.addWidget(self.close_button)
        layout.addLayout(row)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.tour_button.clicked.connect(self._tour)
        self.close_button.clicked.connect(lambda: self.close())

    def rows(self) -> list[tuple[str, str]]:
        """What stands in the list."""
        items = [self.list.topLevelItem(row) for row in range(self.list.topLevelItemCount())]
        return [(item.text(0), item.text(1)) for item in items if item is not None]

    def _tour(self) -> None:
        self.tour_requested.emit()
        self.close()
