"""An existing dask.distributed cluster that works on an archive."""

from __future__ import annotations

from typing import Any

import napari_mits_gan
from napari_mits_gan.archive.output import ArchiveError
from napari_mits_gan.archive.tasks import Tasks
from napari_mits_gan.archive.work import Answer, Context, Task, work

_ANSWERS_WITHIN_S = 20
_IN_FLIGHT = 2
"""Tasks handed over for each thread of the cluster: the next is there when one is done, and no more wait than that."""


def run_on_cluster(tasks: Tasks, context: Context, address: str) -> None:
    """Do all tasks on the workers of a scheduler.

    Parameters
    ----------
    tasks : Tasks
        What is to be done.
    context : Context
        What every process has to know; its paths must mean the same on all machines.
    address : str
        Of the scheduler, such as tcp://host:8786.

    Raises
    ------
    ArchiveError
        If distributed is not installed, nobody answers, there is no worker, or a worker has another version of this
        package.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise ArchiveError(
            "Working on a cluster needs the package distributed; install napari-mits-gan[dask]."
        ) from None
    try:
        client = Client(address, timeout=_ANSWERS_WITHIN_S)
    except (OSError, ValueError):  # the client's own errors of the network, and a text that is no address
        raise ArchiveError("No scheduler answers at the address that --scheduler names; check it.") from None
    with client:
        _check_workers(client)
        at_work: dict[Any, Task] = {}
        done = as_completed(raise_errors=False)
        while True:
            room = _IN_FLIGHT * max(1, sum(client.nthreads().values()))
            while len(at_work) < room and (task := tasks.take()) is not None:
                # Not pure: what was computed for a task once must not stand for doing it again.
                future = client.submit(work, context, task, pure=False)
                at_work[future] = task
                done.add(future)
            if not at_work:
                return
            future = next(done)
            task = at_work.pop(future)
            answer = None if future.status != "finished" else future.result()
            if isinstance(answer, Answer):
                tasks.answered(task, answer)
            else:
                # Dask has given a task whose worker was lost to others already, as often as it is set up to.
                tasks.lost(task, for_good=future.status == "error")


def _check_workers(client: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=_ANSWERS_WITHIN_S)
    except (OSError, TimeoutError):
        raise ArchiveError("The scheduler has no workers; start some, as docs/archive.md shows.") from None
    ours = napari_mits_gan.__version__
    theirs = set(client.run(version_here, on_error="return").values())
    if theirs != {ours}:
        raise ArchiveError(
            f"Every worker of the cluster must have napari-mits-gan {ours}, as this machine does; install it there."
        )


def version_here() -> str:
    """The version of this package where this is called."""
    return napari_mits_gan.__version__
