"""The guided tour: a few steps that point at what to do next, and go on by themselves once that is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QWidget

from napari_mits_gan.widgets.controls.tour_bubble import TourBubble
from napari_mits_gan.widgets.preferences import offer_tour
from napari_mits_gan.widgets.workspace import Workspace

_MOVES = (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide)


@dataclass(frozen=True)
class Step:
    """One step.

    Parameters
    ----------
    page : str
        The page that it is about.
    title, text : str
        What it says.
    target : QWidget
        What it points at.
    done : callable
        Whether the user has done what it asks for.
    """

    page: str
    title: str
    text: str
    target: QWidget
    done: Callable[[], bool] = lambda: False


class Tour(QObject):
    """Shows one step after the other; the window can be used meanwhile.

    Parameters
    ----------
    workspace : Workspace
        What the steps look at.
    steps : sequence of Step
        What to show.
    show_page : callable
        Shows a page by its name.
    parent : QWidget
        The dock.
    """

    def __init__(
        self, workspace: Workspace, steps: Sequence[Step], show_page: Callable[[str], None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.steps = tuple(steps)
        self.current = -1
        """Which step is shown; -1 for none."""
        self.bubble: TourBubble | None = None
        self._dock = parent
        self._show_page = show_page
        self._watched: list[QWidget] = []
        self._was_done = False
        workspace.changed.connect(self._on_changed)

    @property
    def on(self) -> bool:
        """Whether a step is shown."""
        return self.bubble is not None

    def start(self) -> None:
        """Begin with the first step that is not done yet; with the first of all where all are."""
        self.stop()
        self.bubble = TourBubble(self._window)
        self.bubble.back_requested.connect(self._back)
        self.bubble.next_requested.connect(self._next)
        self.bubble.close_requested.connect(self.stop)
        self.bubble.never_requested.connect(self._never)
        self._show(next((number for number, step in enumerate(self.steps) if not step.done()), 0))

    def stop(self) -> None:
        """Put it away; it can be begun again."""
        self._watch(())
        if self.bubble is not None:
            self.bubble.put_away()
        self.bubble, self.current = None, -1

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Follow what is pointed at."""
        if event.type() in _MOVES and self.on:
            QTimer.singleShot(0, self._place)
        return False

    def _show(self, number: int) -> None:
        if self.bubble is None:
            return
        self.current, step = number, self.steps[number]
        self._show_page(step.page)
        self.bubble.show_step(step.title, step.text, number + 1, len(self.steps))
        self._watch((self._window, self._dock, step.target))
        self._place()

    @property
    def _window(self) -> QWidget:
        """The window that the dock is in; the dock itself while it is in none."""
        return self._dock.window() or self._dock

    def _place(self) -> None:
        if self.bubble is not None and self.current >= 0:
            self.bubble.point_at(self.steps[self.current].target, self._dock)

    def _next(self) -> None:
        if self.current + 1 < len(self.steps):
            self._show(self.current + 1)
        else:
            self._never()

    def _back(self) -> None:
        self._show(max(0, self.current - 1))

    def _never(self) -> None:
        offer_tour(False)
        self.stop()

    def _on_changed(self) -> None:
        """What this step asked for is done: go on; a step that is shown again on purpose stays."""
        if not self.on or self.current < 0:
            return
        done = self.steps[self.current].done()
        if done and not self._was_done:
            self._next()
        self._was_done = self.on and self.steps[self.current].done()

    def _watch(self, widgets: Sequence[QWidget]) -> None:
        for widget in self._watched:
            widget.removeEventFilter(self)
        self._watched = list(widgets)
        for widget in self._watched:
            widget.installEventFilter(self)
        self._was_done = self.current >= 0 and self.steps[self.current].done()
