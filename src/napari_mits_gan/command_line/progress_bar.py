"""A progress bar on stderr, as the callback that long functions take."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

from napari_mits_gan.progress import Progress


def note(sentence: str) -> None:
    """Tell the user something on stderr; stdout belongs to the results."""
    print(sentence, file=sys.stderr)


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Show how far the work inside the `with` block is.

    Parameters
    ----------
    title : str
        What is being done, in a few words.

    Yields
    ------
    Progress
        To hand to the function that works.
    """
    columns: tuple[ProgressColumn, ...] = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # stdout belongs to the results, so that they can be piped.
    columns = (*columns, TimeElapsedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(title, total=None)

        def show(done: int, total: int, /) -> None:
            bars.update(task, completed=done, total=total)

        yield show
