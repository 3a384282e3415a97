"""How long work tells its caller how far it is, and how the caller stops it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A callable told `done` of `total` steps; it may raise `Cancelled` (or anything else) to stop the work."""

    def __call__(self, done: int, total: int, /) -> None: ...


def silent(done: int, total: int, /) -> None:
    """The progress callback of a caller who does not ask for progress."""
