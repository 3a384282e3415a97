"""Long work in another thread: one thing after the other, with progress, cancel, and errors as one sentence."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal

from napari_mits_gan.errors import Cancelled, MitsGanError
from napari_mits_gan.session import ReplayError

logger = logging.getLogger(__name__)

TELL_EVERY_S = 0.05
"""Progress is told at most this often, so that quick steps do not keep the window busy."""


@dataclass(frozen=True)
class Work:
    """Something long to do.

    Parameters
    ----------
    title : str
        What is being done, for the user: "Reading the scan".
    function : callable
        Called in another thread as `function(progress=callback)`. It touches neither Qt nor layers.
    on_done : callable
        Called in the window's thread with what the function returned.
    on_error : callable
        Called in the window's thread with the exception, `Cancelled` included; `sentence` says it to the user.
    key : str or None
        Waiting work of the same key is replaced: only the newest is of interest.
    """

    title: str
    function: Callable[..., Any]
    on_done: Callable[[Any], None]
    on_error: Callable[[Exception], None]
    key: str | None = None


class Background(QObject):
    """Does one `Work` after the other. Create it, call it and delete it in the window's thread only.

    Parameters
    ----------
    parent : QObject or None
        What it goes away with.
    threads : int or None
        How many threads PyTorch computes with; None: as many as in the window's thread. One is best for what takes a
        tenth of a second: several wait for one another whenever the window draws meanwhile.
    """

    started = Signal(str)
    """The title of the work that begins."""
    progressed = Signal(int, int)
    """Done, of how many."""
    idle = Signal()
    """Nothing is running and nothing waits."""

    def __init__(self, parent: QObject | None = None, threads: int | None = None) -> None:
        super().__init__(parent)
        self._threads = threads
        self._waiting: deque[Work] = deque()
        self._running: _Task | None = None
        self._worker: Any = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether anything is running or waits."""
        return self._running is not None

    @property
    def title(self) -> str:
        """What is being done; empty for nothing."""
        return "" if self._running is None else self._running.work.title

    def run(self, work: Work) -> None:
        """Begin the work, or let it wait for its turn."""
        if self._closed:
            return
        if work.key is not None:
            self._waiting = deque(w for w in self._waiting if w.key != work.key)
        self._waiting.append(work)
        if self._running is None:
            self._next()

    def cancel(self) -> None:
        """Ask the running work to stop, and forget what waits; each is told by its `on_error(Cancelled)`."""
        forgotten, self._waiting = list(self._waiting), deque()
        if self._running is not None:
            self._running.stop = True
        for work in forgotten:
            work.on_error(Cancelled(f"{work.title}: stopped before it began"))

    def close(self) -> None:
        """The window goes away: stop, and call nobody back."""
        self._closed = True
        self._waiting.clear()
        if self._running is not None:
            self._running.stop = True

    def _next(self) -> None:
        if self._closed:
            self._running = None
            return
        if not self._waiting:
            self._running = None
            self.idle.emit()
            return
        task = _Task(self._waiting.popleft(), self._threads or _threads())
        self._running = task
        self.started.emit(task.work.title)
        worker = create_worker(task, _start_thread=False)
        task.aborted = lambda: bool(worker.abort_requested)
        task.relay.told.connect(self.progressed)
        worker.finished.connect(self._on_finished)
        self._worker = worker
        worker.start()

    def _on_finished(self) -> None:
        task, self._worker = self._running, None
        if task is None:
            return
        task.relay.deleteLater()
        if not self._closed:
            try:
                if task.error is not None:
                    task.work.on_error(task.error)
                else:
                    result, task.result = task.result, None
                    task.work.on_done(result)
            finally:
                self._next()


class _Relay(QObject):
    """Carries the progress from the working thread to the window's; it lives in the latter."""

    told = Signal(int, int)


class _Task:
    """A work on its way. It keeps result and error itself: napari's workers lose every RuntimeError."""

    def __init__(self, work: Work, threads: int | None) -> None:
        self.work = work
        self._threads = threads
        self.relay = _Relay()
        self.result: Any = None
        self.error: Exception | None = None
        self.stop = False
        self.aborted: Callable[[], bool] = lambda: False
        self._last_told = 0.0

    def __repr__(self) -> str:
        return f"MITS-GAN: {self.work.title}"

    def __call__(self) -> None:
        try:
            self._progress(0, 0)
            _compute_with(self._threads)
            self.result = self.work.function(progress=self._progress)
        except Exception as error:
            self.error = error
            if not isinstance(error, MitsGanError):
                _log(self.work.title, error)

    def _progress(self, done: int, total: int) -> None:
        if self.stop or self.aborted():
            raise Cancelled(f"{self.work.title}: stopped; nothing was changed")
        now = time.monotonic()
        if done == total or now - self._last_told >= TELL_EVERY_S:
            self._last_told = now
            try:
                self.relay.told.emit(done, total)
            except RuntimeError as gone:  # the window, and the relay with it, was destroyed
                raise Cancelled(f"{self.work.title}: stopped, the window was closed") from gone


def sentence(title: str, error: BaseException) -> str:
    """One sentence that tells the user what went wrong with some work, and what to do.

    Parameters
    ----------
    title : str
        What was being done: "Protecting the scan".
    error : Exception
        Why it ended. Texts of foreign exceptions are not shown: they may name a patient.
    """
    if isinstance(error, ReplayError):
        error = error.reason
    if isinstance(error, MitsGanError):
        return str(error)
    if type(error).__name__ == "OutOfMemoryError" or "out of memory" in str(error).lower():
        return f"{title}: the graphics processor has too little free memory; choose the device “cpu” and try again."
    if isinstance(error, MemoryError):
        return f"{title}: the computer has too little free memory; close other programs and try again."
    if isinstance(error, ModuleNotFoundError):
        return f"{title}: this installation lacks the part “{error.name}”; install the package anew."
    return f"{title}: failed unexpectedly ({type(error).__name__}); nothing was changed, the log says where."


def _threads() -> int | None:
    """With how many threads PyTorch computes in this thread; None where nobody has loaded it yet."""
    torch = sys.modules.get("torch")
    return None if torch is None else int(torch.get_num_threads())


def _compute_with(threads: int | None) -> None:
    """Let PyTorch compute with so many threads in this one, which may have served other work before."""
    torch = sys.modules.get("torch")
    if torch is not None and threads is not None:
        torch.set_num_threads(threads)


def _log(title: str, error: Exception) -> None:
    """Where it happened, without the exception's text: that may name a patient."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s: %s at\n%s", title, type(error).__name__, where)
