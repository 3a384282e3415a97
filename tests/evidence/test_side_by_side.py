"""Parts worked on at the same time: results in order, errors and wishes to stop at once."""

from __future__ import annotations

import threading
import time

import pytest

from napari_mits_gan.errors import Cancelled
from napari_mits_gan.evidence.side_by_side import side_by_side


def test_results_stand_in_the_order_of_the_items() -> None:
    def late_first(n: int) -> int:
        time.sleep(0.02 * (3 - n))
        return n * n

    assert side_by_side(late_first, range(4)) == [0, 1, 4, 9]
    assert side_by_side(late_first, []) == []


def test_whoever_waits_is_asked_while_a_part_takes_long_and_can_stop() -> None:
    release, told = threading.Event(), []

    def stop(done: int, total: int, /) -> None:
        told.append((done, total))
        if len(told) == 4:
            raise Cancelled("stop")

    begun: list[int] = []

    def work(n: int) -> None:
        begun.append(n)
        release.wait(10)

    try:
        with pytest.raises(Cancelled):
            side_by_side(work, range(100), stop)
    finally:
        release.set()
    assert told == [(0, 100)] * 4
    assert len(begun) < 10


def test_an_error_comes_out() -> None:
    def work(n: int) -> int:
        return 1 // n

    with pytest.raises(ZeroDivisionError):
        side_by_side(work, [1, 0, 2])
