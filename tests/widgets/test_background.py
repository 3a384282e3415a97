from __future__ import annotations

from threading import Event

import pytest

from napari_mits_gan.errors import AttackError, Cancelled
from napari_mits_gan.session import Injection, ReplayError
from napari_mits_gan.widgets.background import Background, Work, sentence

TIMEOUT_MS = 20_000


class Record:
    """What work came to."""

    def __init__(self) -> None:
        self.done: list = []
        self.errors: list = []

    def work(self, function, key: str | None = None) -> Work:
        return Work("Testing", function, self.done.append, self.errors.append, key=key)


@pytest.fixture
def background(qtbot):
    made = Background()
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def record():
    return Record()


def finish(qtbot, background: Background) -> None:
    qtbot.waitUntil(lambda: not background.busy, timeout=TIMEOUT_MS)


def test_work_is_done_one_after_the_other_in_its_order(qtbot, background, record):
    for number in range(4):
        background.run(record.work(lambda progress, n=number: n))
    finish(qtbot, background)
    assert record.done == [0, 1, 2, 3]
    assert record.errors == []


def test_progress_arrives_in_the_window(qtbot, background, record):
    told = []
    background.progressed.connect(lambda done, total: told.append((done, total)))

    def function(progress):
        for step in range(11):
            progress(step, 10)

    background.run(record.work(function))
    finish(qtbot, background)
    assert told[-1] == (10, 10)


@pytest.mark.parametrize(
    "error", [ValueError("no"), RuntimeError("CUDA out of memory"), MemoryError(), AttackError("x")]
)
def test_no_error_is_lost_not_even_those_that_napari_swallows(qtbot, background, record, error):
    def function(progress):
        raise error

    background.run(record.work(function))
    background.run(record.work(lambda progress: "next"))
    finish(qtbot, background)
    assert record.errors == [error]
    assert record.done == ["next"]


def test_cancel_stops_what_runs_and_what_waits(qtbot, background, record):
    running, release = Event(), Event()

    def function(progress):
        running.set()
        while not release.wait(0.005):
            progress(0, 1)

    background.run(record.work(function))
    background.run(record.work(lambda progress: "never"))
    qtbot.waitUntil(running.is_set, timeout=TIMEOUT_MS)
    background.cancel()
    finish(qtbot, background)
    release.set()
    assert record.done == []
    assert len(record.errors) == 2
    assert all(isinstance(error, Cancelled) for error in record.errors)


def test_of_waiting_work_with_one_key_only_the_newest_is_done(qtbot, background, record):
    release = Event()
    background.run(record.work(lambda progress: release.wait(20)))
    for number in range(5):
        background.run(record.work(lambda progress, n=number: n, key="look"))
    release.set()
    finish(qtbot, background)
    assert record.done == [True, 4]


def test_nobody_is_called_after_closing(qtbot, background, record):
    running, release, ended = Event(), Event(), Event()

    def function(progress):
        try:
            running.set()
            release.wait(20)
            progress(0, 1)
        finally:
            ended.set()

    background.run(record.work(function))
    qtbot.waitUntil(running.is_set, timeout=TIMEOUT_MS)
    background.close()
    release.set()
    qtbot.waitUntil(ended.is_set, timeout=TIMEOUT_MS)
    background.run(record.work(lambda progress: "never"))
    assert record.done == []
    assert record.errors == []


def test_work_begun_by_a_callback_is_done(qtbot, background, record):
    def then(value):
        record.done.append(value)
        background.run(record.work(lambda progress: "second"))

    background.run(Work("Testing", lambda progress: "first", then, record.errors.append))
    qtbot.waitUntil(lambda: record.done == ["first", "second"], timeout=TIMEOUT_MS)


def test_the_reason_of_a_failed_replay_is_said(caplog):
    error = ReplayError(Injection("inject", (1, 2, 3)), AttackError("too thin; choose another scan"))
    assert sentence("Attacking", error) == "too thin; choose another scan"
    foreign = ReplayError(Injection("inject", (1, 2, 3)), ValueError("Jane Doe"))
    assert "Jane" not in sentence("Attacking", foreign)


def test_texts_of_foreign_errors_are_not_logged(qtbot, background, record, caplog):
    name = "Jane Doe 1234"

    def function(progress):
        raise ValueError(name)

    background.run(record.work(function))
    finish(qtbot, background)
    assert "ValueError" in caplog.text
    assert "Jane" not in caplog.text


def test_quick_work_computes_with_one_thread_and_other_work_with_all(qtbot, record):
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    quick, slow = Background(threads=1), Background()
    try:
        # In turn, since both are done by the same few threads.
        for made in (slow, quick, slow, quick, slow):
            made.run(record.work(lambda progress: torch.get_num_threads()))
            finish(qtbot, made)
        assert record.done == [3, 1, 3, 1, 3]
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
        for made in (quick, slow):
            made.close()
            made.deleteLater()
