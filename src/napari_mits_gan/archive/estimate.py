"""What working on an archive would take: time, memory and space, without doing anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from napari_mits_gan.archive.contract import Job
from napari_mits_gan.archive.find import Part, folders_of, series_in
from napari_mits_gan.archive.memory import MIB
from napari_mits_gan.archive.output import Output
from napari_mits_gan.archive.record import DONE, read_record
from napari_mits_gan.progress import Progress, silent


@dataclass(frozen=True)
class Estimate:
    """What is left to do, and what it takes.

    Parameters
    ----------
    series, were_done, refused, no_ct : int
        Series to work on; series that have a record of being done; series and folders that cannot be read; series that
        are no CT.
    voxels, input_bytes, output_bytes : int
        Of the series to work on.
    seconds : float
        With the number of workers that was asked for.
    worker_mib : float
        Memory that a worker needs for the largest of them.
    measured : bool
        Whether the time comes from series of this archive that were done, not from another machine.
    """

    series: int
    were_done: int
    refused: int
    no_ct: int
    voxels: int
    input_bytes: int
    output_bytes: int
    seconds: float
    worker_mib: float
    measured: bool


def estimate(output: Output, job: Job, workers: int, part: Part, progress: Progress = silent) -> Estimate:
    """Look through an archive; nothing is written.

    Parameters
    ----------
    output : Output
        The archive; its output need not exist.
    job : Job
        What would be done.
    workers : int
        Processes that would work on it.
    part : (int, int)
        Which part, of how many.
    progress : Progress
        Told how many folders were looked into.
    """
    to_do, were_done, refused, no_ct = [], [], 0, 0
    for number, place in enumerate(folders_of(output.root), start=1):
        for series in series_in(output, place, part, remember=False):
            record = read_record(output, output.id_of(series))
            if series.refusal:
                refused, no_ct = refused + series.is_ct, no_ct + (not series.is_ct)
            elif record is not None and record.status == DONE and record.job == job.name:
                were_done.append(record)
            else:
                to_do.append(series)
        progress(number, number + 1)
    cost = job.cost
    rates = [1e6 * record.seconds / record.voxels for record in were_done if record.voxels and record.seconds]
    voxels = [series.voxels for series in to_do]
    return Estimate(
        series=len(to_do),
        were_done=len(were_done),
        refused=refused,
        no_ct=no_ct,
        voxels=sum(voxels),
        input_bytes=sum(series.input_bytes for series in to_do),
        output_bytes=round(cost.written * 2 * sum(voxels)),
        seconds=(median(rates) if rates else cost.seconds) * sum(voxels) / 1e6 / max(1, workers),
        worker_mib=cost.base_mib + cost.bytes_per_voxel * _largest(voxels) / MIB,
        measured=bool(rates),
    )


def _largest(voxels: Iterable[int]) -> int:
    return max(voxels, default=0)
