"""Working on an archive from its folders to its report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_mits_gan.archive.cluster import run_on_cluster
from napari_mits_gan.archive.contract import Job
from napari_mits_gan.archive.find import ALL, Part, folders_of
from napari_mits_gan.archive.output import Output, check_apart
from napari_mits_gan.archive.record import BUSY, FAILED, Record, all_records
from napari_mits_gan.archive.report import Summary, write_report
from napari_mits_gan.archive.tasks import Tasks
from napari_mits_gan.archive.work import Context
from napari_mits_gan.archive.workers import run_here, run_in_this_process
from napari_mits_gan.progress import Progress, silent


@dataclass(frozen=True)
class ArchiveRun:
    """A job for every series below a folder.

    Parameters
    ----------
    root : Path
        The archive; nothing in it is ever written.
    out : Path
        Where the mirrored tree, the records and the report go; a run that was interrupted goes on there.
    job : Job
        What to do.
    workers : int
        Processes on this machine; 0 does it in this one.
    threads : int or None
        Threads of each of them; None divides the cores among them.
    part : (int, int)
        Which part of the archive, of how many; parts may run at the same time on machines that share the output.
    scheduler : str or None
        Address of a dask scheduler whose workers do it, instead of processes of this machine.
    thumbnails : bool
        Whether the report shows a small picture of each series.
    with_names : bool
        Whether the report's table says where each series lies, which may tell who the patients are.
    """

    root: Path
    out: Path
    job: Job
    workers: int = 1
    threads: int | None = None
    part: Part = ALL
    scheduler: str | None = None
    thumbnails: bool = True
    with_names: bool = False


@dataclass(frozen=True)
class Finished:
    """What a run came to.

    Parameters
    ----------
    records : tuple of Record
        Of the series that this run has seen.
    were_done : int
        How many of them had been done before.
    summary : Summary
        Of all series of the output, those of other parts and earlier runs included.
    """

    records: tuple[Record, ...]
    were_done: int
    summary: Summary

    @property
    def failed(self) -> int:
        """Series of this run that failed."""
        return sum(record.status == FAILED for record in self.records)

    @property
    def alarms(self) -> int:
        """Series of this run that someone should look at."""
        return sum(record.alarm for record in self.records)

    @property
    def busy(self) -> int:
        """Series that another run was at."""
        return sum(record.status == BUSY for record in self.records)


def run_archive(run: ArchiveRun, progress: Progress = silent) -> Finished:
    """Do a job for every series, and write the report.

    Parameters
    ----------
    run : ArchiveRun
        What to do.
    progress : Progress
        Told how many series are done, of those that were found so far; may raise `Cancelled`.

    Returns
    -------
    Finished

    Raises
    ------
    MitsGanError
        If the job cannot be done for any series at all, or the report cannot be written. What goes wrong with one
        series is in the report.
    """
    check_apart(run.root, run.out)
    run.job.check()
    output = Output.opened(run.root, run.out, run.job.name)
    context = Context.of(output, run.job, run.part, thumbnails=run.thumbnails)
    tasks = Tasks(context, folders_of(run.root), progress)
    if run.scheduler is not None:
        run_on_cluster(tasks, context, run.scheduler)
    elif run.workers == 0:
        run_in_this_process(tasks, context)
    else:
        run_here(tasks, context, run.workers, run.threads)
    seen = tasks.records
    # What this run knows comes before what the disk, which may be full, has of it.
    every = {record.id: record for record in all_records(output)} | seen
    summary = write_report(output, every.values(), with_names=run.with_names)
    return Finished(tuple(seen.values()), tasks.were_done, summary)
