"""A dock with canvases below the main canvas, that opens and closes with what it shows."""

from __future__ import annotations

from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from napari_mits_gan.widgets.controls.canvas_row import CanvasRow
from napari_mits_gan.widgets.workspace import Workspace

_SHARE = 0.4
"""Of the window's height that the dock gets."""
_SETTLED_MS = 120
"""The window is laid out anew by then."""


class CanvasDock(QObject):
    """Opens the dock when it is wanted, and closes it when it is not; a subclass says when, and what is in it.

    Parameters
    ----------
    workspace : Workspace
        Whose canvases.
    parent : QWidget
        Lives as long; in the window.
    """

    name = ""
    """What the dock is called in the window."""

    def __init__(self, workspace: Workspace, parent: QWidget) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self._row: CanvasRow | None = None
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLED_MS)
        self._settled.timeout.connect(self._arrange)
        workspace.changed.connect(self.refresh)

    # ---- what a subclass says

    @property
    def wanted(self) -> bool:
        """Whether the dock has anything to show."""
        raise NotImplementedError

    def make(self) -> CanvasRow:
        """What is in the dock."""
        raise NotImplementedError

    def fit(self) -> None:
        """The canvases have another size."""
        raise NotImplementedError

    def stop(self) -> None:
        """The user closed the dock: it is not wanted any more."""
        raise NotImplementedError

    def show(self) -> None:
        """Show what there is by now."""

    # ---- open and close

    def refresh(self, _: object = None) -> None:
        """Open or close the dock as it is wanted."""
        if self.wanted and self._row is None:
            self._open()
        elif not self.wanted and self._row is not None:
            self._close()
        if self._row is not None:
            self.show()

    def _open(self) -> None:
        row = self._row = self.make()
        row.left.connect(self._on_left)
        row.resized.connect(self._on_resized)
        window = self.workspace.viewer.window
        window.add_dock_widget(row, name=self.name, area="bottom", add_vertical_stretch=False)
        main_window = row.window()
        if isinstance(main_window, QMainWindow):
            # the docks at the sides keep all their height
            for corner, area in (
                (Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea),
                (Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea),
            ):
                main_window.setCorner(corner, area)
            holders = main_window.findChildren(QDockWidget)
            mine = next(dock for dock in holders if dock.isAncestorOf(row))
            for other in holders:
                # both beside each other would be too small on a low screen: each gets a tab
                if other is not mine and other.findChildren(CanvasRow):
                    main_window.tabifyDockWidget(other, mine)
                    mine.raise_()
            main_window.resizeDocks([mine], [round(_SHARE * main_window.height())], Qt.Orientation.Vertical)
            row.end_with(main_window)
        self._settled.start()

    def _close(self) -> None:
        row, self._row = self._row, None
        if row is not None:
            row.left.disconnect(self._on_left)
            row.resized.disconnect(self._on_resized)
            row.free()
            if row.parent() is not None:
                self.workspace.viewer.window.remove_dock_widget(row)
            row.deleteLater()
        self._settled.start()

    def _on_left(self) -> None:
        """The dock was closed by its ×, or the window is closed."""
        self.stop()

    def _on_resized(self) -> None:
        self.fit()

    def _arrange(self) -> None:
        """The panels have another room now."""
        panels = self.workspace.panels
        if panels.shown:
            panels.set_side_by_side(panels.side_by_side)
