"""Choosing what to read where a folder offers several volumes: several series, or one series that mixes several."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydicom.uid import UID

from napari_mits_gan.ct.dicom.geometry import unit_axes
from napari_mits_gan.ct.dicom.header import SliceHeader
from napari_mits_gan.ct.dicom.layout import Layout, layout_of
from napari_mits_gan.ct.dicom.series import Found, series_in
from napari_mits_gan.ct.dicom.source import named
from napari_mits_gan.ct.dicom.stack import MixedSeriesError, grid_of_volume, slices_of_volume
from napari_mits_gan.errors import ReadError

LEAST_SLICES = 2
"""A series that mixes volumes is taken apart only if each of them has as many slices."""
_PART = "#"
"""Stands between a SeriesInstanceUID and the number of a volume in that series."""

_DATE = re.compile(r"\d{8}")


@dataclass(frozen=True)
class SeriesInfo:
    """A DICOM series, or one of the volumes that a series mixes, as far as one has to know it to choose it.

    It holds nothing about the patient but a number that tells patients of one folder apart.

    Parameters
    ----------
    uid : str
        What it is chosen by: its SeriesInstanceUID, and `#` with a number where the series mixes several volumes.
    description : str
        SeriesDescription, or a description made up from number and modality, and what tells the volume from others of
        its series.
    modality : str
        Modality, "CT" for instance.
    number_of_files, number_of_images : int
        Files, and images (frames) in them.
    is_ct : bool
        Whether it holds CT slices, so that it can be read.
    number : int or None
        SeriesNumber.
    kernel : str
        Convolution kernel; empty where it is not stated.
    thickness_mm : float or None
        What the header says of the spacing or thickness of its slices.
    study_date : str
        As DICOM has it, YYYYMMDD; empty where it is not stated.
    patient, patients : int
        Which patient of the folder it is of, from 1 on, in the order of the list, and how many there are.
    """

    uid: str
    description: str
    modality: str
    number_of_files: int
    number_of_images: int
    is_ct: bool
    number: int | None = None
    kernel: str = ""
    thickness_mm: float | None = None
    study_date: str = ""
    patient: int = 1
    patients: int = 1

    @property
    def patient_words(self) -> str:
        """Which patient it is of; empty where all series are of one."""
        return f"patient {self.patient} of {self.patients}" if self.patients > 1 else ""


class SeveralSeriesError(ReadError):
    """There are several CT volumes and none was chosen; `series` lists them, `numbers` says what chooses each."""

    def __init__(self, series: Sequence[SeriesInfo], numbers: Sequence[int] | None = None, cause: str = "") -> None:
        self.series = list(series)
        self.numbers = list(numbers or range(1, len(self.series) + 1))
        listed = "; ".join(f"{n}: {_told(s)}, {s.uid}" for n, s in zip(self.numbers, self.series, strict=True))
        several = f"{len(self.series)} CT series are here"
        super().__init__(f"{cause or several}; choose one of them by its number or UID: {listed}.")


@dataclass(frozen=True)
class Choice:
    """A series, or one of the volumes that it mixes.

    Parameters
    ----------
    info : SeriesInfo
        What to tell the user.
    headers : tuple of SliceHeader
        Its images.
    part : str
        Which volume of its series it is; empty where that is one volume.
    """

    info: SeriesInfo
    headers: tuple[SliceHeader, ...]
    part: str = ""


def info(headers: Sequence[SliceHeader], number: int = 0, words: str = "") -> SeriesInfo:
    """What to tell the user about one series, or about one of its volumes with a number and words that tell it."""
    first = headers[0]
    modality = first.modality or ("CT" if first.is_ct else "unknown modality")
    in_words = "" if first.series_number is None else f" series {first.series_number}"
    description = first.series_description or f"{modality}{in_words}"
    return SeriesInfo(
        uid=f"{first.series_uid}{_PART}{number}" if number else first.series_uid,
        description=f"{description}, {words}" if words else description,
        modality=modality,
        number_of_files=len({h.path for h in headers}),
        number_of_images=len(headers),
        is_ct=any(h.is_ct and not h.is_localizer for h in headers),
        number=first.series_number,
        kernel=first.shared.kernel,
        thickness_mm=first.thickness_mm,
        # What is no date may be anything, a patient's number for one.
        study_date=first.study_date if _DATE.fullmatch(first.study_date) else "",
    )


def choices_in(found: Found) -> list[Choice]:
    """All that a folder offers, series with CT slices first, then by description; mixed series by volume."""
    offered = [choice for headers in series_in(found).values() for choice in _choices_of(headers)]

    def order(choice: Choice) -> tuple[bool, list[tuple[str, float]], str, int]:
        uid, _, number = choice.info.uid.partition(_PART)
        return not choice.info.is_ct, _natural(choice.info.description), uid, int(number or 0)

    return _with_patients(sorted(offered, key=order))


def _with_patients(choices: Sequence[Choice]) -> list[Choice]:
    """Number the patients in the order in which they appear; who they are is not told."""
    identifiers = [choice.headers[0].shared.patient for choice in choices]
    numbers = {patient: number for number, patient in enumerate(dict.fromkeys(identifiers), start=1)}
    return [
        replace(choice, info=replace(choice.info, patient=numbers[patient], patients=len(numbers)))
        for choice, patient in zip(choices, identifiers, strict=True)
    ]


def layout_chosen(found: Found, series: str | None, file: Path | None = None) -> tuple[Layout, str]:
    """The layout of the volume that is to be read, and which volume of its series that is.

    Parameters
    ----------
    found : Found
        All that the search found.
    series : str or None
        The number of a volume in the list of those that there are, a SeriesInstanceUID, or `SeriesInfo.uid`; None
        where there is but one.
    file : Path or None
        The file that the user chose, which decides between volumes that a series mixes, and versions of one image.

    Raises
    ------
    SeveralSeriesError
        If there are several CT volumes, and what was given does not choose one.
    ReadError
        If there is no CT volume that can be read without guessing, or not the one named.
    """
    headers, part = _chosen(found, series)
    try:
        return layout_of(found, headers, file), part
    except MixedSeriesError as mixed:
        parts = _parts(headers)
        if not parts:
            raise
        of_file = [choice for choice in parts if file in {h.path for h in choice.headers}]
        if len(of_file) == 1:
            return layout_of(found, of_file[0].headers, file), of_file[0].part
        offered = {choice.info.uid: (number, choice.info) for number, choice in enumerate(choices_in(found), start=1)}
        known = [offered[choice.info.uid] for choice in parts]
        raise SeveralSeriesError([info for _, info in known], [number for number, _ in known], mixed.what) from None


def _chosen(found: Found, series: str | None) -> tuple[Sequence[SliceHeader], str]:
    """The images of what `series` names, or of the only CT series."""
    grouped = series_in(found)
    if series is None:
        with_ct = [headers for headers in grouped.values() if info(headers).is_ct]
        if len(with_ct) == 1:
            return with_ct[0], ""
        if with_ct:
            raise SeveralSeriesError([choice.info for choice in choices_in(found) if choice.info.is_ct])
        raise ReadError(_why_nothing(found))
    if series in grouped:
        if not info(grouped[series]).is_ct:
            raise ReadError(_why_no_ct(grouped[series]))
        return grouped[series], ""
    offered = [choice for choice in choices_in(found) if choice.info.is_ct]
    for number, choice in enumerate(offered, start=1):
        if series in (choice.info.uid, str(number)):
            return choice.headers, choice.part
    raise ReadError(
        f"There is no series with the number or UID {series} here; leave it out to be told which there are."
    )


def _choices_of(headers: Sequence[SliceHeader]) -> list[Choice]:
    """One series, or the volumes that it mixes."""
    whole = Choice(info(headers), tuple(headers))
    return (_parts(headers) if whole.info.is_ct else []) or [whole]


def _parts(headers: Sequence[SliceHeader]) -> list[Choice]:
    """The volumes that a series mixes; empty where it is one, or cannot be taken apart into regular ones."""
    try:
        apart = _taken_apart(headers)
    except ReadError:
        return []
    if len(apart) < 2 or min(len(images) for _, images in apart) < LEAST_SLICES:
        return []
    apart.sort(key=lambda part: (_natural(part[0]), _first_place(part[1])))
    told = [f"{words}, {number} of {len(apart)}" for number, (words, _) in enumerate(apart, start=1)]
    return [
        Choice(info(images, number, words), tuple(images), part)
        for number, ((words, images), part) in enumerate(zip(apart, told, strict=True), start=1)
    ]


def _taken_apart(headers: Sequence[SliceHeader], words: str = "") -> list[tuple[str, list[SliceHeader]]]:
    """Regular volumes with what tells each from the others.

    Raises
    ------
    ReadError
        If some of the images form none.
    """
    try:
        grid_of_volume(slices_of_volume(headers)[0])
    except MixedSeriesError as mixed:
        found = []
        for told, images in mixed.groups:
            found += _taken_apart([image.header for image in images], f"{words}, {told}" if words else told)
        return found
    return [(words, list(headers))]


def _natural(words: str) -> list[tuple[str, float]]:
    """What brings words into the order of the numbers in them: 80 kV before 140 kV."""
    return [("", float(part)) if n % 2 else (part, 0.0) for n, part in enumerate(re.split(r"(\d+(?:\.\d+)?)", words))]


def _first_place(headers: Sequence[SliceHeader]) -> tuple[float, str]:
    """Where a volume begins, to bring volumes into an order that does not depend on that of their files."""
    planes = [h.plane for h in headers if h.plane is not None]
    normal = unit_axes(planes[0])[:, 0]
    return float(min(np.dot(plane.position, normal) for plane in planes)), min(h.sop_uid for h in headers)


def _told(series: SeriesInfo) -> str:
    """A series in words."""
    kernel = f"kernel {series.kernel}" if series.kernel and series.kernel not in series.description else ""
    thickness = f"{series.thickness_mm:.4g} mm" if series.thickness_mm else ""
    parts = [series.description, kernel, thickness, f"{series.number_of_images} images", series.patient_words]
    return ", ".join(part for part in parts if part)


def _why_nothing(found: Found) -> str:
    """Why there is no CT series."""
    if found.slices:
        return _why_no_ct(found.slices)
    if found.damaged:
        name, cause = next(iter(found.damaged.items()))
        return f"{name} cannot be read as DICOM: {cause}; copy the series again."
    if found.others:
        return (
            f"None of the {len(found.others)} file(s) here is a DICOM image ({named(found.others)}); open a folder "
            "with a CT series, or a NIfTI, MetaImage or NRRD file."
        )
    return (
        "The folder is empty, or holds nothing but folders and links to folders, which are not followed; open a folder "
        "that holds a CT series."
    )


def _why_no_ct(headers: Sequence[SliceHeader]) -> str:
    kinds = Counter(
        "localizer image(s)" if h.is_ct else f"image(s) of the kind {UID(h.sop_class).name or h.modality or 'unknown'}"
        for h in headers
    )
    listed = " and ".join(f"{count} {kind}" for kind, count in kinds.items())
    names = named([h.name for h in headers])
    return f"There are no CT slices here, only {listed} ({names}); open a series of CT slices."
