"""What is said to the user: one sentence at a time, plain or a complaint."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from qtpy.QtCore import QObject, Signal

from napari_mits_gan.errors import Cancelled
from napari_mits_gan.widgets.background import sentence

T = TypeVar("T")


class Messages(QObject):
    """Where controllers and sections say what happened; the dock shows it."""

    said = Signal(str)
    """Something is as it should be."""
    complained = Signal(str)
    """Something went wrong."""

    def say(self, text: str) -> None:
        """Tell something that is as it should be."""
        self.said.emit(text)

    def complain(self, text: str) -> None:
        """Tell what went wrong."""
        self.complained.emit(text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else "."))

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
