"""Lets two panels take turns in the same place, so that the eye finds what differs."""

from __future__ import annotations

from qtpy.QtCore import QObject, QTimer

from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.layers.panel_names import ATTACK, HEALED, OTHER_ATTACK, OTHER_SCAN, SCAN

INTERVAL_MS = 600
PAIRS = ((OTHER_ATTACK, ATTACK), (OTHER_SCAN, SCAN), (SCAN, ATTACK), (ATTACK, HEALED))
"""Which panels can take turns."""


class Blinking(Controller):
    """Blinks until it is stopped, or one of the two panels has nothing to show any more."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._next)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The pairs that there are now."""
        panels = self.parts.panels
        return tuple(pair for pair in PAIRS if all(panels.available(role) for role in pair))

    @property
    def on(self) -> bool:
        """Whether anything blinks."""
        return self.parts.panels.pair is not None

    def start(self, pair: tuple[str, str]) -> None:
        """Let these two take turns."""
        if pair in self.pairs:
            self.parts.panels.blink(pair)
            self._timer.start()
            self.changed.emit()

    def stop(self) -> None:
        """Panels beside each other again."""
        self._timer.stop()
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
