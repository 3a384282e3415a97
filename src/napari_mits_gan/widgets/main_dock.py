"""The dock: the sections below each other, and a line for messages and progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from napari_mits_gan.widgets.controls.message_line import MessageLine
from napari_mits_gan.widgets.controls.vertical_scroll import VerticalScroll
from napari_mits_gan.widgets.sections import SECTIONS
from napari_mits_gan.widgets.sections.section import Section
from napari_mits_gan.widgets.workspace import workspace_of

if TYPE_CHECKING:
    import napari

PLUGIN, WIDGET = "napari-mits-gan", "MITS-GAN"
"""What napari's Plugins menu calls the dock."""
S = TypeVar("S", bound=Section)
WIDTH = 400
"""Smallest width of the dock in pixels."""


class MitsGanDock(QWidget):
    """Load, protect, attack, compare and export, in one dock.

    Closing the dock leaves the workspace as it is: panels stay, work that was begun goes on, only clicks do nothing any
    more. A dock that is opened afterwards shows what there is. Closing the window ends the workspace.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Where the panels are shown; napari fills this in by its name.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        self.workspace = workspace_of(napari_viewer)
        self.sections = {kind.name: kind(self.workspace) for kind in SECTIONS}
        self.message = MessageLine()
        self._ends_with_window = False
        self._lay_out()
        self._connect()

    def section(self, kind: type[S]) -> S:
        """A section by its class.

        Raises
        ------
        KeyError
            If the dock has none of that class.
        """
        for section in self.sections.values():
            if isinstance(section, kind):
                return section
        raise KeyError(kind.__name__)

    @property
    def main_window(self) -> QMainWindow | None:
        """The window that the dock is in; None while it is in none."""
        parent = self.parentWidget()
        while parent is not None and not isinstance(parent, QMainWindow):
            parent = parent.parentWidget()
        return parent

    def _lay_out(self) -> None:
        parts = QWidget()
        column = QVBoxLayout(parts)
        column.setContentsMargins(4, 2, 4, 2)
        column.setSpacing(4)
        for section in self.sections.values():
            column.addWidget(section)
        column.addStretch(1)
        # No smallest width of the dock itself: it would stand for that of what the dock holds, which may be more.
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(2)
        outer.addWidget(VerticalScroll(parts, WIDTH), 1)
        outer.addWidget(self.message)

    def _connect(self) -> None:
        """Only methods, which Qt disconnects with the dock: the workspace lives longer."""
        work, messages = self.workspace, self.workspace.messages
        messages.said.connect(self.message.say)
        messages.complained.connect(self._complain)
        self.destroyed.connect(work.close)
        self.message.cancel_requested.connect(work.slow.cancel)
        work.slow.started.connect(self._on_slow_started)
        work.slow.progressed.connect(self.message.show_progress)
        work.quick.started.connect(self._on_quick_started)
        work.quick.progressed.connect(self._on_quick_progressed)
        work.slow.idle.connect(self._on_idle)
        work.quick.idle.connect(self._on_idle)
        if work.slow.busy:
            self._on_slow_started(work.slow.title)

    def event(self, event: Any) -> bool:
        """Notice when napari docks this widget, and when it takes it out again."""
        if event.type() == QEvent.Type.ParentAboutToChange:
            self._end_with_window()
        elif event.type() == QEvent.Type.ParentChange and self.parent() is None:
            # napari moves docks by taking them out and putting them in: closed is what stays out
            QTimer.singleShot(0, self._leave_if_closed)
        return bool(super().event(event))

    def showEvent(self, event: Any) -> None:
        """Docked by now."""
        super().showEvent(event)
        self._end_with_window()

    def _end_with_window(self) -> None:
        """The workspace ends with the window."""
        window = self.main_window
        if window is not None and not self._ends_with_window:
            self._ends_with_window = True
            window.destroyed.connect(self.workspace.close)

    def _leave_if_closed(self) -> None:
        if self.parent() is None:
            self.workspace.clicking.arm(False)
            self.destroyed.disconnect(self.workspace.close)
            self.deleteLater()

    def _complain(self, text: str) -> None:
        self.message.complain(text)
        _notify(text)

    def _on_slow_started(self, title: str) -> None:
        self.message.start_work(title, can_cancel=True)
        self.workspace.changed.emit()

    def _on_quick_started(self, title: str) -> None:
        if not self.workspace.slow.busy:
            self.message.start_work(title, can_cancel=False)

    def _on_quick_progressed(self, done: int, total: int) -> None:
        if not self.workspace.slow.busy:
            self.message.show_progress(done, total)

    def _on_idle(self) -> None:
        if not self.workspace.slow.busy and not self.workspace.quick.busy:
            self.message.stop_work()


def _notify(text: str) -> None:
    from napari.utils.notifications import show_error

    show_error(text)


def open_dock(viewer: napari.Viewer) -> MitsGanDock:
    """Open the dock as napari's Plugins menu does; where it is open already, that one."""
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    return dock  # type: ignore[no-any-return]
