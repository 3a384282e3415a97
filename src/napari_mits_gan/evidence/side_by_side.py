"""Parts of a scan worked on at the same time: NumPy lets go of the interpreter while it computes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from napari_mits_gan.progress import Progress, silent

Item = TypeVar("Item")
Result = TypeVar("Result")
_MOST_THREADS = 4
"""Each holds a part of the scan: more would take memory."""
_ASKED_EVERY_S = 0.1


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item], progress: Progress = silent) -> list[Result]:
    """Results in the order of the items; what a call or `progress` raises comes out at once, and nothing more is begun.

    `progress` is called by the thread that waits.
    """
    every = list(items)
    pool = ThreadPoolExecutor(max(1, min(_MOST_THREADS, os.cpu_count() or 1)))
    try:
        progress(0, len(every))
        futures = [pool.submit(work, item) for item in every]
        waiting = set(futures)
        while waiting:
            # Asked again and again, so that whoever wants to stop need not wait for a part.
            done, waiting = wait(waiting, timeout=_ASKED_EVERY_S, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            progress(len(every) - len(waiting), len(every))
        return [future.result() for future in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
