"""Finding the DICOM series in a folder, and the slices of one series that form its volume."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.uid import UID

from napari_mits_gan.ct.dicom.ct_slice import CTSlice, checked
from napari_mits_gan.ct.dicom.geometry import SAME_PLACE_MM
from napari_mits_gan.ct.dicom.header import DamagedFile, SliceHeader, read_headers
from napari_mits_gan.ct.dicom.source import named
from napari_mits_gan.errors import ReadError
from napari_mits_gan.files.quiet import quiet
from napari_mits_gan.files.unfinished import is_unfinished
from napari_mits_gan.progress import Progress, silent

WORKERS = min(8, os.cpu_count() or 1)
"""Threads that read, decode and encode; with more than there are cores they only wait for each other."""
STRAYS = 3
"""A volume of at least this many slices may have single reference images of another plane in its series."""


@dataclass(frozen=True)
class SeriesInfo:
    """A DICOM series, as far as one has to know it to choose it; it holds nothing about the patient.

    Parameters
    ----------
    uid : str
        SeriesInstanceUID.
    description : str
        SeriesDescription, or a description made up from number and modality.
    modality : str
        Modality, "CT" for instance.
    number_of_files, number_of_images : int
        Files, and images (frames) in them.
    is_ct : bool
        Whether it holds CT slices, so that it can be read.
    """

    uid: str
    description: str
    modality: str
    number_of_files: int
    number_of_images: int
    is_ct: bool


class SeveralSeriesError(ReadError):
    """Several CT series were found and none was chosen; `series` lists them."""

    def __init__(self, series: Sequence[SeriesInfo]) -> None:
        self.series = list(series)
        listed = "; ".join(f"{s.description}, {s.number_of_images} images, {s.uid}" for s in self.series)
        super().__init__(f"{len(self.series)} CT series are here; choose one of them by its UID: {listed}.")


@dataclass(frozen=True)
class Found:
    """What a search found.

    Parameters
    ----------
    slices : tuple of SliceHeader
        Every DICOM image.
    damaged : dict of str to str
        Names of files that say they are DICOM and are damaged, with the cause.
    others : tuple of str
        Names of all other files.
    """

    slices: tuple[SliceHeader, ...] = ()
    damaged: dict[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def files_below(folder: Path, *, recursive: bool = True) -> list[Path]:
    """Files in a folder, and in the folders in it, in alphabetical order.

    Links to folders are not followed, and what a killed export left behind is not looked into.
    """
    try:
        if not recursive:
            return sorted(p for p in folder.iterdir() if p.is_file())
        found: list[Path] = []
        for base, folders, names in os.walk(folder, onerror=_raise):
            folders[:] = [name for name in folders if not is_unfinished(name)]
            found += [Path(base) / name for name in names]
        return sorted(found)
    except OSError as error:
        raise ReadError(f"The folder cannot be read: {error.strerror or type(error).__name__}.") from None


def _raise(error: OSError) -> None:
    raise error


def find(files: Sequence[Path], progress: Progress = silent) -> Found:
    """Read the headers of `files`; `progress` counts files."""
    slices: list[SliceHeader] = []
    damaged: dict[str, str] = {}
    others: list[str] = []
    with quiet(), ThreadPoolExecutor(WORKERS) as pool:
        try:
            for done, (path, found) in enumerate(zip(files, pool.map(_try_headers, files), strict=True), start=1):
                if isinstance(found, str):
                    damaged[path.name] = found
                elif found:
                    slices.extend(found)
                else:
                    others.append(path.name)
                progress(done, len(files))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Found(tuple(slices), damaged, tuple(others))


def _try_headers(path: Path) -> list[SliceHeader] | str:
    try:
        return read_headers(path)
    except DamagedFile as error:
        return str(error)


def series_in(found: Found) -> dict[str, list[SliceHeader]]:
    """The images by SeriesInstanceUID."""
    grouped: dict[str, list[SliceHeader]] = {}
    for header in found.slices:
        grouped.setdefault(header.series_uid, []).append(header)
    return grouped


def info(headers: Sequence[SliceHeader]) -> SeriesInfo:
    """What to tell the user about one series."""
    first = headers[0]
    modality = first.modality or ("CT" if first.is_ct else "unknown modality")
    number = "" if first.series_number is None else f" series {first.series_number}"
    return SeriesInfo(
        uid=first.series_uid,
        description=first.series_description or f"{modality}{number}",
        modality=modality,
        number_of_files=len({h.path for h in headers}),
        number_of_images=len(headers),
        is_ct=any(h.is_ct and not h.is_localizer for h in headers),
    )


def choose(found: Found, series: str | None) -> list[SliceHeader]:
    """The images of the series that `series` (a SeriesInstanceUID) names, or of the only CT series.

    Raises
    ------
    SeveralSeriesError
        If there are several CT series and `series` is None.
    ReadError
        If there is no CT series, or not the one named.
    """
    grouped = series_in(found)
    if series is not None:
        if series not in grouped:
            raise ReadError(f"There is no series with the UID {series} here; list_series tells which there are.")
        if not info(grouped[series]).is_ct:
            raise ReadError(_why_no_ct(grouped[series]))
        return grouped[series]
    with_ct = [headers for headers in grouped.values() if info(headers).is_ct]
    if len(with_ct) > 1:
        raise SeveralSeriesError(sorted((info(h) for h in with_ct), key=lambda s: (s.description, s.uid)))
    if with_ct:
        return with_ct[0]
    if found.slices:
        raise ReadError(_why_no_ct(found.slices))
    if found.damaged:
        name, cause = next(iter(found.damaged.items()))
        raise ReadError(f"{name} cannot be read as DICOM: {cause}; copy the series again.")
    if found.others:
        raise ReadError(
            f"None of the {len(found.others)} file(s) here is a DICOM image ({named(found.others)}); open a folder "
            "with a CT series, or a NIfTI, MetaImage or NRRD file."
        )
    raise ReadError("The folder is empty; open a folder that holds a CT series.")


def _why_no_ct(headers: Sequence[SliceHeader]) -> str:
    kinds = Counter(
        "localizer image(s)" if h.is_ct else f"image(s) of the kind {UID(h.sop_class).name or h.modality or 'unknown'}"
        for h in headers
    )
    listed = " and ".join(f"{count} {kind}" for kind, count in kinds.items())
    names = named([h.name for h in headers])
    return f"There are no CT slices here, only {listed} ({names}); open a series of CT slices."


def slices_of_volume(headers: Sequence[SliceHeader], chosen: Path | None = None) -> tuple[list[CTSlice], list[str]]:
    """The slices of one series that form its volume, and the names of the images left out.

    Localizers and screen captures are left out. So is a single image of another size or plane beside at least three
    slices that agree (reformatted series often begin with a reference image). A file that is there twice is taken once;
    of different versions of the same image, the one that the user chose.

    Raises
    ------
    ReadError
        If it cannot be told which images form the volume, or a slice leaves open what its pixels mean or where it lies.
    """
    slices = [checked(h) for h in headers if h.is_ct and not h.is_localizer]
    left_out = [h.name for h in headers if not h.is_ct or h.is_localizer]
    slices = _without_copies(slices, chosen)
    groups: dict[object, list[CTSlice]] = {}
    for image in slices:
        groups.setdefault(_geometry_key(image), []).append(image)
    ordered = sorted(groups.values(), key=len, reverse=True)
    main, others = ordered[0], ordered[1:]
    if others and (len(main) < STRAYS or any(len(group) > 1 for group in others)):
        raise ReadError(
            f"The series mixes images of {len(groups)} sizes or orientations ({main[0].name} and {others[0][0].name} "
            "differ); put the slices of one volume into a folder of their own and open that."
        )
    return main, left_out + [image.name for group in others for image in group]


def _geometry_key(image: CTSlice) -> object:
    plane, header = image.plane, image.header
    where = tuple(round(v, 2) for v in (*plane.row, *plane.column, *plane.pixel_spacing))
    return header.rows, header.columns, header.frame_of_reference, where


def _without_copies(slices: Sequence[CTSlice], chosen: Path | None) -> list[CTSlice]:
    """`slices` without second copies of an image, and without what lies where the chosen file lies."""
    picked = next((s for s in slices if s.header.path == chosen and s.header.frames == 1), None)
    if picked is not None:
        same_uid = picked.header.sop_uid
        slices = [s for s in slices if s is picked or not (s.header.sop_uid == same_uid or _same_place(s, picked))]
    kept: dict[tuple[str, int], CTSlice] = {}
    for image in slices:
        header = image.header
        other = kept.setdefault((header.sop_uid or str(header.path), header.frame), image)
        if other is not image and other.header.path.read_bytes() != header.path.read_bytes():
            raise ReadError(
                f"{other.name} and {header.name} are different versions of the same image (they share one SOP instance "
                "UID); keep one of them, or open the file that you mean."
            )
    return list(kept.values())


def _same_place(one: CTSlice, other: CTSlice) -> bool:
    apart = (abs(a - b) for a, b in zip(one.plane.position, other.plane.position, strict=True))
    return max(apart) < SAME_PLACE_MM
