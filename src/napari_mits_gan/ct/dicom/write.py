"""Writing a volume as a DICOM series: derived from its source, or new where there is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pydicom
from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset

from napari_mits_gan.ct.dicom.anonymise import Anonymiser
from napari_mits_gan.ct.dicom.ct_slice import CTSlice
from napari_mits_gan.ct.dicom.derive import NewSeries, check_unchanged, derived_object
from napari_mits_gan.ct.dicom.identity import Identity
from napari_mits_gan.ct.dicom.new import new_object, new_study, padding_value
from napari_mits_gan.ct.dicom.series import WORKERS
from napari_mits_gan.ct.dicom.source import DicomSource
from napari_mits_gan.ct.dicom.transfer_syntax import chosen_syntax
from napari_mits_gan.ct.source import Source
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import MitsGanError, TamperedVolumeError, WriteError
from napari_mits_gan.files.publish import check_empty, check_space, checked_target, whole_folder
from napari_mits_gan.files.quiet import quiet
from napari_mits_gan.progress import Progress, silent

_HEADER_BYTES = 8192
"""Room for the header of one new file."""


def write_dicom(
    volume: CTVolume,
    folder: str | os.PathLike[str],
    *,
    progress: Progress = silent,
    transfer_syntax: str | None = None,
    series_description: str | None = None,
    patient_name: str | None = None,
    patient_id: str | None = None,
    anonymise: bool = False,
    before_publishing: Callable[[Path], None] | None = None,
    reproducible_at: datetime | None = None,
) -> list[Path]:
    """Write a volume as a DICOM CT series, all of it or nothing.

    Parameters
    ----------
    volume : CTVolume
        The scan; one that carries a simulated attack is refused. If it was read from DICOM a derived series is written:
        the same patient, study and positions, every stored value copied bit for bit in padding and where the HU are
        unchanged, and changed HU rounded through the slice's own slope and intercept. Otherwise a new series is made.
    folder : path-like
        Where to write; must not exist, or be empty.
    progress : Progress
        Called with files written and their number; may raise `Cancelled`, and nothing is left behind.
    transfer_syntax : {"explicit-le", "deflated", "rle", "jpeg-ls", "jpeg-2000"}, optional
        How to encode, always without loss. By default as the source, where that is lossless and can be encoded, else
        Explicit VR Little Endian.
    series_description : str, optional
        At most 64 characters; by default the source's, with what was done.
    patient_name, patient_id : str, optional
        The patient of a new series ("Anonymous" by default); a derived series keeps its source's patient.
    anonymise : bool
        Whether to take the patient out of a derived series, by the basic profile of DICOM PS3.15, annex E: names,
        dates, identifiers, descriptions, private attributes and overlays go, and every UID becomes another one. The
        pixels stay as they are, and so does what they show.
    before_publishing : callable, optional
        Called with the temporary folder once all slices are in it, to add or sign files; if it raises, nothing is left.
    reproducible_at : datetime, optional
        When the series is said to be made, with a time zone; its UIDs are then drawn from what is written, so that the
        same scan gives the same files, byte for byte. By default now, and UIDs like no other.

    Returns
    -------
    list of Path
        The files, by ascending z.

    Raises
    ------
    TamperedVolumeError
        If the volume carries a simulated attack.
    WriteError
        If the folder is not empty, the disk too full, the source files are gone, or a text is unfit for DICOM.

    Examples
    --------
    >>> files = write_dicom(protected, "export", transfer_syntax="jpeg-ls")  # doctest: +SKIP
    """
    if volume.is_tampered:
        raise TamperedVolumeError(
            "This scan carries a simulated attack, and a tampered scan is never exported as DICOM; export the "
            "protected or original scan, or save this one as a labelled NIfTI file."
        )
    target = checked_target(folder)
    check_empty(target)
    _check_texts(SeriesDescription=series_description, PatientName=patient_name, PatientID=patient_id)
    chosen_syntax(transfer_syntax, "")
    if anonymise and (patient_name is not None or patient_id is not None):
        raise WriteError("An anonymous series has no patient; leave patient name and identifier out.")
    if reproducible_at is None:
        identity = Identity.now()
    else:
        settings = (transfer_syntax, series_description, patient_name, patient_id, anonymise)
        identity = Identity.of_content(volume, reproducible_at, *settings)
    anonymiser = Anonymiser() if anonymise else None
    series = NewSeries(identity.uid("series"), series_description, identity, transfer_syntax, anonymiser)
    if volume.source is not None:
        if patient_name is not None or patient_id is not None:
            raise WriteError("A derived series keeps the patient of its source; leave patient name and identifier out.")
        makers, needed = _derived(volume, _dicom_source(volume.source), series)
    else:
        makers, needed = _new(volume, series, patient_name, patient_id)
    check_space(target.parent, needed)
    names = [f"{number:06d}.dcm" for number in range(1, len(makers) + 1)]
    with whole_folder(target) as temporary:
        sizes = _write_all([(temporary / name, make) for name, make in zip(names, makers, strict=True)], progress)
        _check_complete({temporary / name: size for name, size in zip(names, sizes, strict=True)})
        if before_publishing is not None:
            before_publishing(temporary)
    return [target / name for name in names]


def _dicom_source(source: Source) -> DicomSource:
    """The source of a derived series, if it is one that such a series can be derived from."""
    if not isinstance(source, DicomSource):
        raise WriteError("The volume came from something else than DICOM, so no DICOM series can be derived from it.")
    return source


def _derived(volume: CTVolume, source: DicomSource, series: NewSeries) -> tuple[list[Callable[[], Dataset]], int]:
    """What makes each file of a derived series, and about how many bytes they take."""
    headers = [s.header for s in source.slices]
    size = (len(headers), headers[0].rows, headers[0].columns)
    # Slices of a tilted gantry became larger when they were moved onto a grid.
    if size != volume.shape and not (source.tilt_degrees and size[0] == volume.shape[0]):
        raise WriteError(
            "The volume has another size than the series it was read from, so no series can be derived; export the "
            "whole scan."
        )
    files: dict[Path, list[tuple[int, CTSlice]]] = {}
    for z, item in enumerate(source.slices):
        files.setdefault(item.header.path, []).append((z, item))
    for path, slices in files.items():
        header = slices[0][1].header
        check_unchanged(header)
        slices.sort(key=lambda item: item[1].header.frame)
        if len(slices) != header.frames:
            raise WriteError(f"Only some frames of {path.name} are part of the volume, so no series can be derived.")
        if series.description is not None:
            _check_encodable(series.description, header.character_set)
    pixel_bytes = volume.hu.nbytes + sum(_header_room(slices) for slices in files.values())

    def maker(slices: list[tuple[int, CTSlice]]) -> Callable[[], Dataset]:
        return lambda: derived_object(volume, source, slices, series)

    return [maker(slices) for slices in files.values()], pixel_bytes


def _header_room(slices: list[tuple[int, CTSlice]]) -> int:
    """Bytes for what a derived file holds beside its pixels; exact where the source is not compressed."""
    header = slices[0][1].header
    room = header.pixel_offset if header.pixel_offset is not None else 2 * _HEADER_BYTES
    return room + _HEADER_BYTES


def _new(
    volume: CTVolume, series: NewSeries, patient_name: str | None, patient_id: str | None
) -> tuple[list[Callable[[], Dataset]], int]:
    """What makes each file of a new series, and about how many bytes they take."""
    if max(volume.shape[1:]) > 65535:
        raise WriteError(f"DICOM images have at most 65535 rows and columns; the volume has {volume.shape[1:]}.")
    study = new_study(series.identity, patient_name, patient_id)
    padding = padding_value(volume)

    def maker(z: int) -> Callable[[], Dataset]:
        return lambda: new_object(volume, z, series, study, padding)

    return [maker(z) for z in range(volume.shape[0])], volume.hu.nbytes + volume.shape[0] * _HEADER_BYTES


def _write_all(work: list[tuple[Path, Callable[[], Dataset]]], progress: Progress) -> list[int]:
    """Write all files; the size of each in bytes."""
    sizes = []
    with quiet(), ThreadPoolExecutor(WORKERS) as pool:
        try:
            for done, size in enumerate(pool.map(_write_one, work), start=1):
                sizes.append(size)
                progress(done, len(work))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return sizes


def _check_complete(sizes: dict[Path, int]) -> None:
    """Refuse to publish if a file that was written is gone, or has another size."""
    for path, size in sizes.items():
        try:
            there = path.stat().st_size
        except OSError:
            there = -1
        if there != size:
            raise WriteError(
                f"{path.name} vanished or was changed by another program while the series was written; nothing was "
                "written: export again, to another folder if that program looks after this one."
            )


def _write_one(item: tuple[Path, Callable[[], Dataset]]) -> int:
    path, make = item
    try:
        ds = make()
        with path.open("xb") as stream:
            pydicom.dcmwrite(stream, ds, enforce_file_format=True)
            stream.flush()
            os.fsync(stream.fileno())
            return stream.tell()
    except (MitsGanError, OSError):
        raise
    except Exception as error:  # a source element that pydicom cannot write; its text may quote patient data
        raise WriteError(
            f"{path.name} cannot be written, because the source holds an element that is not valid DICOM "
            f"({type(error).__name__}); nothing was written."
        ) from None


def _check_texts(**texts: str | None) -> None:
    """Refuse texts that DICOM cannot hold."""
    for keyword, text in texts.items():
        if text is None:
            continue
        # A person's name may be structured by ^ and =; a backslash would split any of these values into two.
        if "\\" in text or not text.isprintable():
            raise WriteError(f"{keyword} may not contain a backslash or control characters.")
        if len(text) > 64:
            raise WriteError(f"{keyword} may have at most 64 characters; it has {len(text)}.")


def _check_encodable(text: str, character_set: str) -> None:
    try:
        text.encode(convert_encodings(character_set.split("\\"))[0])
    except (UnicodeError, LookupError, IndexError):
        raise WriteError(
            "The series description has characters that the source's character set cannot hold; use plain ASCII."
        ) from None
