"""Read a scan, protect it, write it as a DICOM series: what the command line, the dock and a cluster have in common.

`protect_series` does all three; the dock, where the user looks at the scan in between, does one after the other. Every
options class here is frozen and can be pickled, and so can `protect_series`, which another process may call.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.protection.contract import Method

Stage = Callable[[str], AbstractContextManager[Progress]]
"""Called with what is being done now, gives a context that yields the progress callback for it."""


@dataclass(frozen=True)
class ProtectionOptions:
    """How to protect a scan; see `protection.protect.protect`.

    Parameters
    ----------
    method : str or Method
        One of `METHODS`, or a method with settings of its own.
    max_change_hu : int
        The budget: no voxel changes by more, in HU.
    seed : int
        Decides all that is drawn.
    key : str or None
        A text that the seed is derived from, instead of `seed`. It is pickled, but not shown.
    device : str
        "auto", "cpu", "cuda" or "mps".
    without_lungs : bool
        Whether to protect the whole body of a scan in which no lung was found.
    """

    method: str | Method = "mits-gan"
    max_change_hu: int = 20
    seed: int = 0
    key: str | None = field(default=None, repr=False)
    device: str = "auto"
    without_lungs: bool = False


@dataclass(frozen=True)
class WritingOptions:
    """How to write a DICOM series; see `ct.dicom.write.write_dicom`.

    Parameters
    ----------
    transfer_syntax : str or None
        How to encode; as the input does unless told.
    series_description : str or None
        What to call the series; the input's, with what was done, unless told.
    """

    transfer_syntax: str | None = None
    series_description: str | None = None


@dataclass(frozen=True)
class SeriesJob:
    """One scan to protect.

    Parameters
    ----------
    input : Path
        DICOM folder or file, NIfTI, MetaImage or NRRD.
    output : Path
        A new or empty folder.
    series : str or None
        SeriesInstanceUID, where the input holds several CT series.
    protection : ProtectionOptions
        How to protect.
    writing : WritingOptions
        How to write.
    """

    input: Path
    output: Path
    series: str | None = None
    protection: ProtectionOptions = ProtectionOptions()
    writing: WritingOptions = WritingOptions()


def unseen(title: str) -> AbstractContextManager[Progress]:
    """The stage of a caller who does not ask for progress."""
    return nullcontext(silent)


def protect_series(job: SeriesJob, stage: Stage = unseen) -> list[Path]:
    """Read, protect, write: all or nothing.

    Parameters
    ----------
    job : SeriesJob
        What to do.
    stage : callable
        Where to show progress.

    Returns
    -------
    list of Path
        The files, by ascending z.

    Raises
    ------
    MitsGanError
        If a step fails; what can be known to fail is found out before the long work.
    """
    check_job(job)
    with stage("Reading") as progress:
        volume = read_ct(job.input, series=job.series, progress=progress)
    with stage("Protecting") as progress:
        protected = protect_volume(volume, job.protection, progress)
    with stage("Writing") as progress:
        return write_series(protected, job.output, job.writing, progress)


def check_job(job: SeriesJob) -> None:
    """Find out before minutes of work what would fail afterwards.

    Raises
    ------
    WriteError
        If the output folder is not empty, or there is no such transfer syntax.
    ProtectionError
        If there is no such method, or the budget, the seed or the key is not valid.
    """
    from pydicom.uid import ExplicitVRLittleEndian

    from napari_mits_gan.ct.dicom.transfer_syntax import chosen_syntax
    from napari_mits_gan.files.publish import check_empty
    from napari_mits_gan.protection.budget import checked_budget
    from napari_mits_gan.protection.protect import METHODS

    check_empty(job.output)
    chosen_syntax(job.writing.transfer_syntax, ExplicitVRLittleEndian)
    checked_budget(job.protection.max_change_hu)
    if isinstance(job.protection.method, str) and job.protection.method not in METHODS:
        raise ProtectionError(
            f"there is no protection method '{job.protection.method}'; choose one of {', '.join(METHODS)}."
        )


def protect_volume(volume: CTVolume, options: ProtectionOptions, progress: Progress = silent) -> CTVolume:
    """Protect a volume; see `protection.protect.protect`."""
    from napari_mits_gan.protection.protect import protect

    return protect(
        volume,
        method=options.method,
        max_change_hu=options.max_change_hu,
        seed=options.seed,
        key=options.key,
        device=options.device,
        progress=progress,
        without_lungs=options.without_lungs,
    )


def write_series(
    volume: CTVolume, folder: Path, options: WritingOptions = WritingOptions(), progress: Progress = silent
) -> list[Path]:
    """Write a volume as a DICOM series; see `ct.dicom.write.write_dicom`."""
    from napari_mits_gan.ct.dicom.write import write_dicom

    return write_dicom(
        volume,
        folder,
        progress=progress,
        transfer_syntax=options.transfer_syntax,
        series_description=options.series_description,
    )
