"""What is said to the user: one sentence at a time, plain, a warning or a complaint; the last ones are kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from qtpy.QtCore import QObject, Signal

from napari_mits_gan.errors import Cancelled
from napari_mits_gan.widgets.background import sentence

T = TypeVar("T")
KEPT = 30
"""How many sentences are kept to be read again."""


class Messages(QObject):
    """Where controllers and sections say what happened; the dock shows it."""

    said = Signal(str)
    """Something is as it should be."""
    warned = Signal(str)
    """Something was done, but must not be taken for what it seems."""
    complained = Signal(str)
    """Something went wrong."""
    outdated = Signal()
    """What was said last is no longer so."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.kept: deque[str] = deque(maxlen=KEPT)
        """What was said, with the time, oldest first."""

    def say(self, text: str) -> None:
        """Tell something that is as it should be."""
        self._keep(text)
        self.said.emit(text)

    def warn(self, text: str) -> None:
        """Tell what must not be taken for what it seems."""
        self._keep(text)
        self.warned.emit(text)

    def complain(self, text: str) -> None:
        """Tell what went wrong."""
        text = text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
        self._keep(text)
        self.complained.emit(text)

    def forget(self) -> None:
        """What was said last is no longer so: an attack was taken back, or another scan opened."""
        self.outdated.emit()

    def report(self, title: str, error: Exception) -> None:
        """Tell why some work ended early.

        Parameters
        ----------
        title : str
            What was being done: "Protecting the scan".
        error : Exception
            Why it ended; `Cancelled` is no complaint.
        """
        if isinstance(error, Cancelled):
            self.say(f"{title}: stopped; nothing was changed.")
        else:
            self.complain(sentence(title, error))

    def attempt(self, title: str, action: Callable[[], T]) -> T | None:
        """Do something short; what goes wrong is told, and None returned."""
        try:
            return action()
        except Exception as error:
            self.report(title, error)
            return None

    def _keep(self, text: str) -> None:
        self.kept.append(f"{datetime.now():%H:%M:%S} {text}")
