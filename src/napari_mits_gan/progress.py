"""How long work tells its caller how far it is, and how the caller stops it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A callable told `done` of `total` steps; it may raise `Cancelled` (or anything else) to stop the work."""

    def __call__(self, done: int, total: int, /) -> None: ...


def silent(done: int, total: int, /) -> None:
    """The progress callback of a caller who does not ask for progress."""


def part_of(progress: Progress, start: float, stop: float) -> Progress:
    """Progress of a part of the work, told as progress of all of it in thousandths.

    Parameters
    ----------
    progress : callable
        Of all the work.
    start, stop : float
        Where the part begins and ends, 0 to 1.
    """

    def told(done: int, total: int, /) -> None:
        progress(round(1000 * (start + (stop - start) * (done / total if total else 1.0))), 1000)

    return told
