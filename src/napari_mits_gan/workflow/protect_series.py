"""Read a scan, protect and seal it, write it as a DICOM series: what command line, dock and a cluster have in common.

`protect_series` does all of it; the dock, where the user looks at the scan in between, does one after the other. Every
options class here is frozen and can be pickled, and so can `protect_series`, which another process may call.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.workflow.sealing import SealingOptions, check_sidecar, seal_volume, signatures_broken

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
    again : bool
        Whether to protect a scan that is protected already.
    """

    method: str | Method = "mits-gan"
    max_change_hu: int = 20
    seed: int = 0
    key: str | None = field(default=None, repr=False)
    device: str = "auto"
    without_lungs: bool = False
    again: bool = False


@dataclass(frozen=True)
class WritingOptions:
    """How to write a DICOM series; see `ct.dicom.write.write_dicom`.

    Parameters
    ----------
    transfer_syntax : str or None
        How to encode; as the input does unless told.
    series_description : str or None
        What to call the series; the input's, with what was done, unless told.
    signature : tuple of Path or None
        PEM files of an RSA private key and its certificate, to sign every file with by DCMTK's `dcmsign`.
    anonymise : bool
        Whether to take the patient out of a series that is derived from DICOM.
    reproducible_at : datetime or None
        When the series is said to be made; its UIDs are then drawn from what is written.
    """

    transfer_syntax: str | None = None
    series_description: str | None = None
    signature: tuple[Path, Path] | None = None
    anonymise: bool = False
    reproducible_at: datetime | None = None


@dataclass(frozen=True)
class SeriesJob:
    """One scan to protect, to seal, or both.

    Parameters
    ----------
    input : Path
        DICOM folder or file, NIfTI, MetaImage or NRRD.
    output : Path
        A new or empty folder.
    series : str or None
        Number or UID, where the input holds several CT series or volumes; see `ct.read.read_ct`.
    protection : ProtectionOptions or None
        How to protect; None does not.
    sealing : SealingOptions or None
        How to seal; None does not.
    writing : WritingOptions
        How to write.
    """

    input: Path
    output: Path
    series: str | None = None
    protection: ProtectionOptions | None = ProtectionOptions()
    sealing: SealingOptions | None = None
    writing: WritingOptions = WritingOptions()


def unseen(title: str) -> AbstractContextManager[Progress]:
    """The stage of a caller who does not ask for progress."""
    return nullcontext(silent)


def untold(sentence: str) -> None:
    """What becomes of sentences for a caller who does not want them."""


@dataclass(frozen=True)
class Exported:
    """What a job wrote.

    Parameters
    ----------
    files : tuple of Path
        The DICOM files, by ascending z.
    source : CTVolume
        What was read.
    volume : CTVolume
        What they hold.
    broken_signatures : int
        Files of the input that carried a digital signature, which changed pixels break; none is carried over.
    """

    files: tuple[Path, ...]
    source: CTVolume
    volume: CTVolume
    broken_signatures: int = 0


def protect_series(
    job: SeriesJob, stage: Stage = unseen, tell: Callable[[str], None] = lambda sentence: None
) -> Exported:
    """Read, protect, seal, write: all or nothing.

    Parameters
    ----------
    job : SeriesJob
        What to do.
    stage : callable
        Where to show progress.
    tell : callable
        Told in a sentence what the user should know of how the input was read, and, before anything is written, that
        digital signatures of the input will be broken.

    Returns
    -------
    Exported

    Raises
    ------
    MitsGanError
        If a step fails; what can be known to fail is found out before the long work.
    """
    check_job(job)
    with stage("Reading") as progress:
        source = read_ct(job.input, series=job.series, progress=progress)
    for note in source.notes:
        tell(note)
    broken = signatures_broken(source)
    if broken:
        tell(
            f"{broken} file(s) of the input carry a digital signature, which changed pixels break; the export carries "
            "none of them over."
        )
    if job.writing.anonymise and job.sealing is not None and job.sealing.sidecar is not None:
        tell(
            "The sidecar holds the input's files as they are, the patient's name among them, encrypted; do not hand it "
            "out with the key."
        )
    volume = source
    if job.protection is not None:
        with stage("Protecting") as progress:
            volume = protect_volume(volume, job.protection, progress)
        _tell_what_was_allowed(source, job.protection, tell)
    finish = None
    if job.sealing is not None:
        with stage("Sealing") as progress:
            volume, finish = seal_volume(source, volume, job.sealing, _image_files(job.input, source), progress)
    with stage("Writing") as progress:
        try:
            files = write_series(volume, job.output, job.writing, progress, finish)
        except BaseException:
            if job.sealing is not None and job.sealing.sidecar is not None:
                job.sealing.sidecar.unlink(missing_ok=True)  # check_job made sure that none was there before
            raise
    return Exported(tuple(files), source, volume, broken)


def _tell_what_was_allowed(source: CTVolume, options: ProtectionOptions, tell: Callable[[str], None]) -> None:
    """Say what would have been refused had it not been asked for."""
    from napari_mits_gan.ct.anatomy import lung_mask

    if options.without_lungs and not lung_mask(source).any():
        tell("No lung was found in this scan: the whole body is changed.")
    before = [step for step in source.earlier if step.kind == "protection"]
    if options.again and before:
        tell(f"The scan was protected before ({before[-1].words}): both changes add up.")


def check_job(job: SeriesJob) -> None:
    """Find out before minutes of work what would fail afterwards.

    Raises
    ------
    WriteError
        If the output folder is not empty, or there is no such transfer syntax.
    ProtectionError
        If there is no such method, or the budget, the seed or the key is not valid.
    EvidenceError
        If there is no such key file.
    """
    from pydicom.uid import ExplicitVRLittleEndian

    from napari_mits_gan.ct.dicom.transfer_syntax import chosen_syntax
    from napari_mits_gan.files.publish import check_empty
    from napari_mits_gan.protection.budget import checked_budget
    from napari_mits_gan.protection.protect import METHODS

    check_empty(job.output)
    chosen_syntax(job.writing.transfer_syntax, ExplicitVRLittleEndian)
    if job.sealing is not None:
        from napari_mits_gan.evidence.key import read_key

        read_key(job.sealing.key_file)
        if job.sealing.sidecar is not None:
            check_sidecar(job.sealing.sidecar, job.input)
    if job.protection is None:
        return
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
        again=options.again,
    )


def _image_files(path: Path, volume: CTVolume) -> tuple[Path, ...]:
    """The files of a scan that is not DICOM."""
    return () if volume.source is not None else (path,)


def write_series(
    volume: CTVolume,
    folder: Path,
    options: WritingOptions = WritingOptions(),
    progress: Progress = silent,
    finish: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Write a volume as a DICOM series; see `ct.dicom.write.write_dicom`.

    `finish` is called with the folder of the series, signed if that is asked for, before it is published.
    """
    from napari_mits_gan.ct.dicom.signatures import sign_series
    from napari_mits_gan.ct.dicom.write import write_dicom

    def before_publishing(temporary: Path) -> None:
        if options.signature is not None:
            sign_series(temporary, *options.signature)
        if finish is not None:
            finish(temporary)

    return write_dicom(
        volume,
        folder,
        progress=progress,
        transfer_syntax=options.transfer_syntax,
        series_description=options.series_description,
        anonymise=options.anonymise,
        before_publishing=before_publishing,
        reproducible_at=options.reproducible_at,
    )
