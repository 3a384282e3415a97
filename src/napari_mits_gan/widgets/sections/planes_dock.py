"""The two planes that the main canvas does not show, in a dock of their own below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QMainWindow, QSizePolicy, QVBoxLayout, QWidget

from napari_mits_gan.widgets.layers.side_plane import SidePlane
from napari_mits_gan.widgets.workspace import Workspace

NAME = "Other planes"
_SHARE = 0.4
"""Of the window's height that the dock gets."""
_SETTLED_MS = 120
"""The window is laid out anew by then."""


class PlanesDock(QObject):
    """Opens the dock when three planes are asked for, and closes it with them.

    Parameters
    ----------
    workspace : Workspace
        Whose planes.
    parent : QWidget
        Lives as long; in the window.
    """

    def __init__(self, workspace: Workspace, parent: QWidget) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.widget: PlaneViewers | None = None
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLED_MS)
        self._settled.timeout.connect(self._arrange)
        workspace.changed.connect(self.refresh)

    def refresh(self) -> None:
        """Open or close the dock as the workspace wants it."""
        planes = self.workspace.three_planes
        if planes.on and self.widget is None:
            self._open(planes.sides)
        elif not planes.on and self.widget is not None:
            self._close()
        if self.widget is not None:
            self.widget.show_titles()

    def _open(self, sides: Sequence[SidePlane]) -> None:
        widget = self.widget = PlaneViewers(sides)
        widget.left.connect(self._on_left)
        widget.resized.connect(self.workspace.three_planes.fit)
        window = self.workspace.viewer.window
        window.add_dock_widget(widget, name=NAME, area="bottom", add_vertical_stretch=False)
        main_window = widget.window()
        if isinstance(main_window, QMainWindow):
            # the docks at the sides keep all their height
            for corner, area in (
                (Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea),
                (Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea),
            ):
                main_window.setCorner(corner, area)
            docks = [dock for dock in main_window.findChildren(QDockWidget) if dock.isAncestorOf(widget)]
            main_window.resizeDocks(docks, [round(_SHARE * main_window.height())], Qt.Orientation.Vertical)
            widget.end_with(main_window)
        self._settled.start()

    def _close(self) -> None:
        widget, self.widget = self.widget, None
        if widget is not None:
            widget.left.disconnect(self._on_left)
            widget.resized.disconnect(self.workspace.three_planes.fit)
            widget.free()
            if widget.parent() is not None:
                self.workspace.viewer.window.remove_dock_widget(widget)
            widget.deleteLater()
        self._settled.start()

    def _on_left(self) -> None:
        """The dock was closed by its ×, or the window is closed."""
        self.workspace.three_planes.stop()

    def _arrange(self) -> None:
        """The panels have another room now."""
        panels = self.workspace.panels
        if panels.shown:
            panels.set_side_by_side(panels.side_by_side)


class PlaneViewers(QWidget):
    """Two canvases beside each other, each below the name of its plane.

    Parameters
    ----------
    sides : sequence of SidePlane
        What they show.
    """

    left = Signal()
    """It was taken out of the window, or the window is closed."""
    resized = Signal()

    def __init__(self, sides: Sequence[SidePlane]) -> None:
        super().__init__()
        self._sides = tuple(sides)
        self.titles: list[QLabel] = []
        self.canvases: list[QtViewer] = []
        self._window: QMainWindow | None = None
        self._freed = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for side in self._sides:
            canvas = QtViewer(side.model)
            side.panels.view.write_letters_anew()
            canvas.setAcceptDrops(False)
            canvas.dims.setVisible(False)
            title = QLabel()
            title.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column = QVBoxLayout()
            column.setSpacing(0)
            column.addWidget(title)
            column.addWidget(canvas, 1)
            row.addLayout(column, 1)
            self.titles.append(title)
            self.canvases.append(canvas)
        self.show_titles()

    def show_titles(self) -> None:
        """Which planes these are by now."""
        for side, title, canvas in zip(self._sides, self.titles, self.canvases, strict=True):
            title.setText(side.plane.capitalize())
            canvas.setAccessibleName(f"{side.plane.capitalize()} plane")
            canvas.setToolTip("A click moves the crosshair here, in all planes; the wheel scrolls slices")

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
            self._sides = ()
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
