"""Lets two panels take turns in the same place, so that the eye finds what differs."""

from __future__ import annotations

from qtpy.QtCore import QObject, QTimer

from napari_mits_gan.widgets.controllers.controller import Controller, Parts

INTERVAL_MS = 600


class Blinking(Controller):
    """Blinks until it is stopped, or one of the two panels has nothing to show any more."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._chosen: tuple[str, str] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._next)

    @property
    def chosen(self) -> tuple[str, str] | None:
        """The pair that was chosen last, where there is such; else the first there is."""
        pairs = self.parts.panels.pairs
        return self._chosen if self._chosen in pairs else pairs[0] if pairs else None

    def choose(self, pair: tuple[str, str] | None) -> None:
        """Take another pair from now on; one that blinks goes on with it."""
        self._chosen = pair
        if self.on:
            self.start(pair)
        else:
            self.changed.emit()

    @property
    def on(self) -> bool:
        """Whether anything blinks."""
        return self.parts.panels.pair is not None and not self.parts.panels.sharing

    def start(self, pair: tuple[str, str] | None) -> None:
        """Let these two take turns."""
        if pair in self.parts.panels.pairs:
            self._chosen = pair
            self.parts.panels.blink(pair)
            self._timer.start()
            self.changed.emit()

    def stop(self) -> None:
        """Panels beside each other again."""
        self._timer.stop()
        if self.on:
            self.parts.panels.blink(None)
        self.changed.emit()

    def close(self) -> None:
        """The window goes away."""
        self._timer.stop()

    def _next(self) -> None:
        if not self.on:
            self._timer.stop()
            self.changed.emit()
            return
        self.parts.panels.next_of_pair()
