"""The dock: what is always seen, the pages, and a line for messages and progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDockWidget,
    QMainWindow,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_mits_gan.widgets.controls.message_line import MessageLine
from napari_mits_gan.widgets.controls.task_bar import TaskBar
from napari_mits_gan.widgets.controls.vertical_scroll import VerticalScroll
from napari_mits_gan.widgets.sections import SECTIONS
from napari_mits_gan.widgets.sections.header import Header
from napari_mits_gan.widgets.sections.help_window import HelpWindow
from napari_mits_gan.widgets.sections.section import Section
from napari_mits_gan.widgets.sections.tour import Tour
from napari_mits_gan.widgets.sections.tour_steps import tour_steps
from napari_mits_gan.widgets.shader_sources import search_each_source_once
from napari_mits_gan.widgets.workspace import workspace_of

if TYPE_CHECKING:
    import napari

PLUGIN, WIDGET = "napari-mits-gan", "MITS-GAN"
"""What napari's Plugins menu calls the dock."""
S = TypeVar("S", bound=Section)
WIDTH = 400
"""Smallest width of the dock in pixels."""
WINDOW_SIZE = (1600, 1000)
"""Width and height of the window, in pixels, where the screen is large enough."""
HELP_SHORTCUT = "F1"
_TOUR_DELAY_MS = 400
"""The window is laid out by then."""
QUICK_DELAY_MS = 300
"""Work that is over sooner is not announced: it would flicker, and each change draws the whole window anew."""
_NAPARIS_DOCKS = ("layer list", "layer controls")


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
        search_each_source_once()
        self.workspace = workspace_of(napari_viewer)
        self.header = Header(self.workspace)
        self.sections = {kind.name: kind(self.workspace) for kind in SECTIONS}
        self.tasks = TaskBar()
        self.pages = QStackedWidget()
        self.scrolls: list[VerticalScroll] = []
        self.message = MessageLine()
        self.offers_tour = self.workspace.preferences.tour
        """Whether the tour begins when the dock is shown for the first time."""
        self._ends_with_window = False
        self._quick_timer = QTimer(self)
        self._quick_timer.setSingleShot(True)
        self._quick_timer.setInterval(QUICK_DELAY_MS)
        self._quick_timer.timeout.connect(self._show_quick)
        self._lay_out()
        self._connect()
        self.tour = Tour(self.workspace, tour_steps(self), self.show_page, self)
        self.show_page("attack" if self.workspace.is_open else "scan")

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

    def show_page(self, name: str) -> None:
        """Show the page of a section by its name."""
        self.pages.setCurrentIndex(list(self.sections).index(name))
        self.tasks.show_chosen(name)

    def show_help(self) -> HelpWindow:
        """List mouse actions and keys in a window of its own; returns it."""
        window = HelpWindow(self.keys, self)
        window.tour_requested.connect(self.tour.start)
        window.show()
        return window

    @property
    def keys(self) -> list[tuple[str, str]]:
        """All keys of the dock, and what they do."""
        pages = list(enumerate(self.tasks.buttons.values(), start=1))
        told = [(f"Alt+{number}", button.accessibleName()) for number, button in pages]
        for section in (self.header, *self.sections.values()):
            told += [(keys, button.toolTip().replace(f" ({keys})", "")) for keys, button in section.shortcuts]
        return [*told, (HELP_SHORTCUT, "This list")]

    @property
    def page(self) -> str:
        """The name of the section whose page is shown."""
        return list(self.sections)[self.pages.currentIndex()]

    @property
    def main_window(self) -> QMainWindow | None:
        """The window that the dock is in; None while it is in none."""
        parent = self.parentWidget()
        while parent is not None and not isinstance(parent, QMainWindow):
            parent = parent.parentWidget()
        return parent

    def _lay_out(self) -> None:
        for section in self.sections.values():
            self.tasks.add(section.name, section.title, section.help or section.title)
            page = QWidget()
            column = QVBoxLayout(page)
            column.setContentsMargins(0, 0, 0, 0)
            column.addWidget(section, int(section.stretches))
            if not section.stretches:
                column.addStretch(1)
            self.scrolls.append(VerticalScroll(page, WIDTH))
            self.pages.addWidget(self.scrolls[-1])
        # No smallest width of the dock itself: it would stand for that of what the dock holds, which may be more.
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(2)
        outer.addWidget(self.header)
        outer.addWidget(self.tasks)
        # Else napari adds a stretch of its own below, a larger one for each dock that it has opened before.
        self.pages.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        outer.addWidget(self.pages, 1)
        outer.addWidget(self.message)
        self.tasks.add_help(f"What mouse and keys do, and the tour ({HELP_SHORTCUT})")
        self._on_keys(HELP_SHORTCUT, "", self.tasks.help_button)
        for number, (name, button) in enumerate(self.tasks.buttons.items(), start=1):
            button.setToolTip(f"{button.toolTip()} (Alt+{number})")
            self._on_keys(f"Alt+{number}", name, button)
        for section in (self.header, *self.sections.values()):
            for keys, own_button in section.shortcuts:
                self._on_keys(keys, section.name, own_button)

    def _on_keys(self, keys: str, name: str, button: QAbstractButton) -> None:
        """A button's own shortcut would do nothing while its page is not shown."""

        def press() -> None:
            if button.isEnabled() and name in self.sections:
                self.show_page(name)
            button.click()

        QShortcut(QKeySequence(keys), self).activated.connect(press)

    def _connect(self) -> None:
        """Only methods, which Qt disconnects with the dock: the workspace lives longer."""
        work, messages = self.workspace, self.workspace.messages
        self.tasks.chosen.connect(self.show_page)
        self.tasks.help_requested.connect(lambda: self.show_help())
        self.header.protect_requested.connect(self._protect)
        messages.said.connect(self._say)
        messages.warned.connect(self._warn)
        messages.complained.connect(self._complain)
        messages.outdated.connect(self.message.forget)
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
        """Docked by now: every page gets the width that it needs, so that the dock keeps its own from page to page."""
        super().showEvent(event)
        for scroll in self.scrolls:
            for part in scroll.findChildren(QWidget):
                part.ensurePolished()  # without its style, a page that was not seen yet takes itself for narrower
            scroll.fit()
        self._end_with_window()
        QTimer.singleShot(_TOUR_DELAY_MS, self._offer_tour)

    def _offer_tour(self) -> None:
        """Once, where the user has not put it away for ever."""
        if self.offers_tour and self.isVisible() and self.main_window is not None:
            self.offers_tour = False
            self.tour.start()

    def _end_with_window(self) -> None:
        """The workspace ends with the window."""
        window = self.main_window
        if window is not None and not self._ends_with_window:
            self._ends_with_window = True
            window.destroyed.connect(self.workspace.close)

    def _leave_if_closed(self) -> None:
        if self.parent() is None:
            self.workspace.clicking.arm(False)
            self.workspace.blinking.stop()
            self.workspace.sharing.stop()
            self.workspace.three_planes.stop()
            self.workspace.nodule_3d.stop()
            self.workspace.measuring.stop()
            self.tour.stop()
            self.destroyed.disconnect(self.workspace.close)
            self.deleteLater()

    def _protect(self) -> None:
        from napari_mits_gan.widgets.sections.protect import ProtectSection

        self.section(ProtectSection).protect()

    def _say(self, text: str) -> None:
        self.message.say(text)
        self.message.show_history(self.workspace.messages.kept)

    def _warn(self, text: str) -> None:
        self.message.warn(text)
        self.message.show_history(self.workspace.messages.kept)

    def _complain(self, text: str) -> None:
        self.message.complain(text)
        self.message.show_history(self.workspace.messages.kept)
        _notify(text)

    def _on_slow_started(self, title: str) -> None:
        self.message.dismiss()
        self.message.start_work(title, can_cancel=True)
        self.workspace.changed.emit()

    def _on_quick_started(self, _title: str) -> None:
        if self.message.is_working:
            self._show_quick()
        elif not self._quick_timer.isActive():
            self._quick_timer.start()

    def _show_quick(self) -> None:
        if self.workspace.quick.busy and not self.workspace.slow.busy:
            self.message.start_work(self.workspace.quick.title, can_cancel=False)

    def _on_quick_progressed(self, done: int, total: int) -> None:
        if self.message.is_working and not self.workspace.slow.busy:
            self.message.show_progress(done, total)

    def _on_idle(self) -> None:
        if not self.workspace.quick.busy:
            self._quick_timer.stop()
            if not self.workspace.slow.busy:
                self.message.stop_work()


def _notify(text: str) -> None:
    from napari.utils.notifications import show_error

    show_error(text)


def open_dock(viewer: napari.Viewer) -> MitsGanDock:
    """Open the dock as napari's Plugins menu does; where it is open already, that one."""
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    return dock  # type: ignore[no-any-return]


def arrange_window(viewer: napari.Viewer, dock: MitsGanDock) -> None:
    """Give the panels the room: fill the screen up to a size, and hide napari's own docks, kept in its Window menu."""
    main_window = dock.main_window
    if main_window is not None:
        for holder in main_window.findChildren(QDockWidget):
            if holder.objectName() in _NAPARIS_DOCKS:
                holder.setVisible(False)
    screen = QApplication.primaryScreen()
    if screen is not None:
        there = screen.availableGeometry()
        viewer.window.resize(min(WINDOW_SIZE[0], there.width()), min(WINDOW_SIZE[1], there.height()))
