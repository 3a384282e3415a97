"""Slabs worked on at the same time: NumPy lets go of the interpreter while it computes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from napari_mits_gan.progress import Progress, silent

Item = TypeVar("Item")
Result = TypeVar("Result")
_MOST_THREADS = 4
"""Each holds a slab: more would take memory."""


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item], progress: Progress = silent) -> list[Result]:
    """Results in the order of the items; what a call or `progress` raises comes out, and nothing more is begun."""
    every = list(items)
    results: list[Result] = []
    pool = ThreadPoolExecutor(max(1, min(_MOST_THREADS, os.cpu_count() or 1)))
    try:
        progress(0, len(every))
        for future in [pool.submit(work, item) for item in every]:
            results.append(future.result())
            progress(len(results), len(every))
    finally:
        pool.shutdown(cancel_futures=True)
    return results
