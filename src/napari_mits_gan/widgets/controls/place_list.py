"""A list of places in the scan."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QListWidget

_LEAST_HEIGHT = 70
"""The least, in pixels."""


class PlaceList(QListWidget):
    """Its lines wrap, and lead to their places: by a click, by the arrow keys and by Enter.

    Parameters
    ----------
    name : str
        What it lists, for screen readers.
    tip : str
        Its tooltip.
    """

    chosen = Signal(int)
    """The user wants to go to the place in this row."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        self.setMinimumHeight(_LEAST_HEIGHT)
        self.setAccessibleName(name)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrap(True)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setToolTip(tip)
        self.itemClicked.connect(lambda _: self.chosen.emit(self.currentRow()))

    def keyPressEvent(self, event: Any) -> None:
        """Go where the keys led to; rows that change otherwise, as when a line is taken out, lead nowhere."""
        before = self.currentRow()
        super().keyPressEvent(event)
        row = self.currentRow()
        if row >= 0 and (row != before or event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)):
            self.chosen.emit(row)
