"""Processes on this machine that work on an archive; one that dies is replaced, and its series done again."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from napari_mits_gan.archive.output import ArchiveError
from napari_mits_gan.archive.tasks import Tasks
from napari_mits_gan.archive.work import Context, Task, work

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_MOST_FALSE_STARTS = 3
_READY = "ready"


@dataclass(eq=False)
class _Worker:
    """A process, what it is spoken with, and what it is at."""

    process: BaseProcess
    connection: Connection
    is_ready: bool = False
    task: Task | None = None

    def give(self, task: Task) -> None:
        """Hand a task over; that the process is gone is heard when its answer is waited for."""
        self.task = task
        with suppress(OSError):
            self.connection.send(task)

    def end(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


def run_here(tasks: Tasks, context: Context, workers: int, threads: int | None = None) -> None:
    """Do all tasks in processes of this machine.

    Parameters
    ----------
    tasks : Tasks
        What is to be done.
    context : Context
        What every process has to know.
    workers : int
        How many processes.
    threads : int, optional
        Threads of each; by default the cores are divided among them.

    Raises
    ------
    ArchiveError
        If no process can be started.
    """
    threads = threads or max(1, _cores() // workers)
    hired = 0
    false_starts = 0
    staff: list[_Worker] = []
    try:
        while True:
            while len(staff) < workers:
                staff.append(_hire(context, hired, threads))
                hired += 1
            idle = [worker for worker in staff if worker.is_ready and worker.task is None]
            while idle and (task := tasks.take()) is not None:
                idle.pop().give(task)
            if idle and not any(worker.task for worker in staff):
                return
            for connection in wait([worker.connection for worker in staff]):
                worker = next(w for w in staff if w.connection is connection)
                try:
                    answer = worker.connection.recv()
                except (EOFError, OSError):
                    staff.remove(worker)
                    worker.end()
                    if worker.task is not None:
                        tasks.lost(worker.task)
                    elif not worker.is_ready:
                        false_starts += 1
                        if false_starts > _MOST_FALSE_STARTS:
                            raise ArchiveError(
                                "No process can be started to work on the archive: each ends at once, perhaps for lack "
                                "of memory; try with one worker."
                            ) from None
                    continue
                if worker.task is None:
                    worker.is_ready, false_starts = True, 0
                    continue
                tasks.answered(worker.task, answer)
                worker.task = None
    finally:
        for worker in staff:
            worker.end()


def run_in_this_process(tasks: Tasks, context: Context) -> None:
    """Do all tasks one after the other, here: a series that ends the process ends the run."""
    while (task := tasks.take()) is not None:
        tasks.answered(task, work(context, task))


def _hire(context: Context, number: int, threads: int) -> _Worker:
    ours, theirs = multiprocessing.Pipe()
    surroundings = dict.fromkeys(_THREADS, str(threads))
    if gpus := _gpus():
        surroundings["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]  # one scan at a time on each
    # Spawned, not forked: threads and CUDA do not survive a fork.
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, context))
    with _environment(surroundings):
        process.start()
    theirs.close()  # so that the end of the process is the end of what is heard of it
    return _Worker(process, ours)


def _serve(connection: Connection, context: Context) -> None:
    """What a process does: one task after the other, until the one that hired it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that hired it ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        connection.send(_READY)
        while True:
            connection.send(work(context, connection.recv()))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # amid a series: what it has begun is no output yet, and is done again


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables for processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _gpus() -> list[str]:
    """Numbers of the NVIDIA cards that may be used, found without loading PyTorch."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [number.strip() for number in chosen.split(",") if number.strip()]
    with suppress(OSError):
        return [str(number) for number in range(len(os.listdir("/proc/driver/nvidia/gpus")))]
    return []


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
