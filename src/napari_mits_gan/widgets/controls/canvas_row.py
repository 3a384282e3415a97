"""Canvases of napari beside each other, that can stand in a dock of their own below the main canvas."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.qt import QtViewer
from qtpy.QtCore import QEvent, Qt, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QMainWindow, QSizePolicy, QVBoxLayout, QWidget


class CanvasRow(QWidget):
    """Canvases beside each other, each below its title."""

    left = Signal()
    """It was taken out of the window, or the window is closed."""
    resized = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.titles: list[QLabel] = []
        self.canvases: list[QtViewer] = []
        self._window: QMainWindow | None = None
        self._freed = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(4)

    def add_canvas(self, model: ViewerModel) -> None:
        """Draw a viewer that has no window, right of the others."""
        canvas = QtViewer(model)
        canvas.setAcceptDrops(False)
        canvas.dims.setVisible(False)
        title = QLabel()
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(title)
        column.addWidget(canvas, 1)
        self.row.addLayout(column, 1)
        self.titles.append(title)
        self.canvases.append(canvas)

    def resizeEvent(self, event: Any) -> None:
        """The canvases have another size soon."""
        super().resizeEvent(event)
        self.resized.emit()

    def end_with(self, window: QMainWindow) -> None:
        """Tell when this window is closed: until then canvases must be closed, not only deleted."""
        self._window = window
        window.installEventFilter(self)

    def free(self) -> None:
        """Close the canvases."""
        if not self._freed:
            self._freed = True
            if self._window is not None:
                self._window.removeEventFilter(self)
            for canvas in self.canvases:
                canvas.close()
            self.canvases.clear()
            self.titles.clear()

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """The window closes."""
        if watched is self._window and event.type() == QEvent.Type.Close:
            self.left.emit()
        return False

    def event(self, event: Any) -> bool:
        """Notice when napari takes this widget out of its dock."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None and not self._freed:
            # napari moves docks by taking them out and putting them in: closed is what stays out
            QTimer.singleShot(0, self._leave_if_closed)
        return bool(super().event(event))

    def _leave_if_closed(self) -> None:
        if self.parent() is None and not self._freed:
            self.left.emit()
