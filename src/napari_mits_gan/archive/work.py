"""What one process does for an archive: look into a folder, or do the job for a series."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_mits_gan.archive.contract import Job
from napari_mits_gan.archive.find import ALL, Part, series_in
from napari_mits_gan.archive.memory import MIB, forget_peak, peak_bytes
from napari_mits_gan.archive.names import without_names
from napari_mits_gan.archive.output import Output
from napari_mits_gan.archive.record import BUSY, DONE, FAILED, NO_CT, Record, is_complete, read_record, written
from napari_mits_gan.archive.series import ArchiveSeries, content_digest, listing_digest
from napari_mits_gan.archive.thumbnail import thumbnail
from napari_mits_gan.errors import MitsGanError
from napari_mits_gan.files.lock import held
from napari_mits_gan.files.publish import failure


@dataclass(frozen=True)
class Context:
    """What every process has to know.

    Parameters
    ----------
    output : Output
        The archive and where what is made of it goes.
    job : Job
        What to do.
    made_with : str
        Digest of job, options and version.
    part : (int, int)
        Which part of the archive, of how many.
    thumbnails : bool
        Whether to draw pictures for the report.
    """

    output: Output
    job: Job
    made_with: str
    part: Part = ALL
    thumbnails: bool = True

    @classmethod
    def of(cls, output: Output, job: Job, part: Part = ALL, *, thumbnails: bool = True) -> Context:
        """The context of a job."""
        import napari_mits_gan

        told = [job.name, job.settings(output.salt), napari_mits_gan.__version__]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
        return cls(output, job, digest, part, thumbnails)


@dataclass(frozen=True)
class Look:
    """The task of looking into a folder."""

    place: str


@dataclass(frozen=True)
class Do:
    """The task of doing the job for a series."""

    series: ArchiveSeries


Task = Look | Do


@dataclass(frozen=True)
class Answer:
    """What a task gave.

    Parameters
    ----------
    found : tuple of ArchiveSeries
        Series that a folder holds.
    record : Record or None
        What became of a series.
    was_done : bool
        Whether it had been done before.
    """

    found: tuple[ArchiveSeries, ...] = ()
    record: Record | None = None
    was_done: bool = False


def work(context: Context, task: Task) -> Answer:
    """Do one task; whatever goes wrong with a series is told in its record."""
    if isinstance(task, Look):
        return Answer(tuple(series_in(context.output, task.place, context.part)))
    return _work_on(context, task.series)


def record_of(context: Context, series: ArchiveSeries, status: str, error: str = "", **more: Any) -> Record:
    """A record that says what every record of a series says."""
    identifier = context.output.id_of(series)
    listing = listing_digest(series.files)
    return Record(
        id=identifier,
        place=series.place,
        name=series.name,
        job=context.job.name,
        status=status,
        error=error,
        made_with=context.made_with,
        listing=listing,
        voxels=more.pop("voxels", series.voxels),
        input_bytes=series.input_bytes,
        **more,
    )


def keep(output: Output, record: Record) -> None:
    """Write a record if that can be done; where the disk is full it cannot, and the report of this run still has it."""
    with suppress(OSError):
        record.write(output)


def _work_on(context: Context, series: ArchiveSeries) -> Answer:
    output = context.output
    identifier = output.id_of(series)
    try:
        with held(output.lock_file(identifier)) as ours:
            if not ours:
                return Answer(record=record_of(context, series, BUSY))
            before = read_record(output, identifier)
            if series.refusal:
                record = record_of(context, series, FAILED if series.is_ct else NO_CT, series.refusal)
                keep(output, record)
                return Answer(record=record)
            if before is not None and is_complete(before, series, output, context.made_with):
                if before.listing != listing_digest(series.files):  # the same contents, copied or touched
                    before = replace(before, listing=listing_digest(series.files))
                    keep(output, before)
                return Answer(record=before, was_done=True)
            record = _done(context, series, {} if before is None else before.output)
            if record.status == FAILED:
                keep(output, record)
            return Answer(record=record)
    except OSError as error:
        return Answer(record=record_of(context, series, FAILED, str(failure(error))))


def _done(context: Context, series: ArchiveSeries, output_before: Mapping[str, int]) -> Record:
    """Do the job; a record of what was published, or of why nothing was."""
    output = context.output
    place = output.work_folder(output.id_of(series))
    start = time.perf_counter()
    forget_peak()
    try:
        shutil.rmtree(place, ignore_errors=True)  # what a killed process left; nobody else is at it
        place.mkdir(parents=True)
        target = output.target(series)
        _check_target(target, output_before)
        content = content_digest(series.folder(output.root), series.files)
        outcome = context.job.run(series.source(output.root), series.uid, place / "new", output.begun)
        output_now = written(place / "new")
        record = record_of(
            context,
            series,
            DONE,
            voxels=outcome.volume.hu.size,
            content=content,
            output=output_now,
            output_bytes=sum(output_now.values()),
            figures=dict(outcome.figures),
            alarm=outcome.alarm,
            seconds=round(time.perf_counter() - start, 3),
            peak_mib=round(peak_bytes() / MIB, 1),
            thumbnail=thumbnail(outcome) if context.thumbnails else "",
        )
        _publish(output, record, place, target)
        return record
    except MitsGanError as error:
        why = str(error)
    except MemoryError:
        why = "There is too little memory for this series; use fewer workers, or a machine with more."
    except OSError as error:
        why = str(failure(error))
    except Exception as error:  # one series must not end the run; its text might quote a header
        why = f"Something unforeseen went wrong ({type(error).__name__}); try this series by itself."
    finally:
        shutil.rmtree(place, ignore_errors=True)
    why = without_names(why, _names_beside(series.folder(output.root)))
    return record_of(
        context, series, FAILED, why, output=dict(output_before), seconds=round(time.perf_counter() - start, 3)
    )


def _names_beside(folder: Path) -> list[str]:
    with suppress(OSError):
        return os.listdir(folder)
    return []


def _check_target(target: Path, output_before: Mapping[str, int]) -> None:
    """Refuse a target that holds what the record does not say was written there; some of that may be gone.

    Raises
    ------
    OSError
        If something else is there.
    """
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir() or not written(target).items() <= output_before.items():
        raise FileExistsError(17, "Something that was not written by this archive's run lies where the output belongs")


def _publish(output: Output, record: Record, place: Path, target: Path) -> None:
    """Put the output and its record into place.

    The record goes first: a record without its output is seen to be incomplete, an output without its record would be
    taken for someone else's. What was made before of the same series is moved away, and gone once all is in place.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        os.rename(target, place / "old")
    record.write(output)
    try:
        os.rename(place / "new", target)
    except OSError:
        with suppress(OSError):
            os.rename(place / "old", target)
        raise
