"""Which images of a series form its volume, and whether they belong together."""

from __future__ import annotations

import filecmp
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from napari_mits_gan.ct.dicom.ct_slice import CTSlice, checked
from napari_mits_gan.ct.dicom.geometry import SAME_PLACE_MM, Grid, grid_of, unit_axes
from napari_mits_gan.ct.dicom.header import Shared, SliceHeader
from napari_mits_gan.ct.dicom.source import named
from napari_mits_gan.errors import ReadError

CORNER_TOLERANCE = 0.1
"""Slices of one volume may differ in orientation and pixel spacing by what moves a corner by this part of a pixel."""
LEAST_SLICES_BESIDE_A_REFERENCE = 3
"""A volume of at least this many slices may have one reference image of another plane in its series."""
OTHER_PLANE_DEGREES = 10.0
"""An image whose plane is turned by more than this is no slice of the volume."""
_NAMES = {
    "patient": ("patient", "patients"),
    "study": ("study", "studies"),
    "frame_of_reference": ("frame of reference", "frames of reference"),
    "kernel": ("kernel", "convolution kernels"),
    "kind": ("kind", "kinds of image"),
    "stack": ("stack", "stacks"),
}
"""What slices share: one of them, and several."""
_TOLD = ("kernel", "kind", "stack")
"""What differs is told in words only where the words say nothing of a patient."""
_OFTEN_UNIQUE = ("study", "frame_of_reference", "stack")
"""De-identifying programs give each file a value of its own here; then it says nothing."""

_Kind = tuple[str, str, Callable[[SliceHeader], float | str | None]]
_INTERLEAVED: tuple[_Kind, ...] = (
    ("acquisitions", "acquisition {}", lambda header: header.acquisition),
    ("series numbers", "series number {}", lambda header: header.series_number),
    ("tube voltages", "{:g} kV", lambda header: header.kilovolts),
    ("slice thicknesses", "{:g} mm", lambda header: header.nominal_thickness_mm),
)
"""What continues along a volume, or is the same all over it: several of them, one of them, and its value."""
_REPEATED: tuple[_Kind, ...] = (
    ("temporal positions", "temporal position {:g}", lambda header: header.phase.temporal_position),
    ("cardiac phases", "{:g} % of the cardiac cycle", lambda header: header.phase.cardiac_percent),
    ("respiratory phases", "{:g} % of the respiratory cycle", lambda header: header.phase.respiratory_percent),
    ("trigger times", "{:g} ms after the trigger", lambda header: header.phase.trigger_ms),
    ("acquisition times", "acquisition time {}", lambda header: header.phase.acquisition_time or None),
)
"""What may differ from slice to slice of one volume: it counts only where several slices lie at one place."""


class MixedSeriesError(ReadError):
    """A series holds slices of several volumes; `what` says what differs, and `groups` has the slices apart."""

    def __init__(self, what: str, groups: Sequence[tuple[str, list[CTSlice]]]) -> None:
        super().__init__(f"{what}; put the slices of one volume into a folder of their own and open that.")
        self.what, self.groups = what, list(groups)


def slices_of_volume(
    headers: Sequence[SliceHeader], chosen: Path | None = None
) -> tuple[list[CTSlice], list[SliceHeader]]:
    """The slices of one series that form its volume, and the images left out.

    Localizers and screen captures are left out. So is one image of another plane beside at least three slices that
    agree (reformatted series often begin with a reference image). A file that is there twice is taken once; of
    different versions of the same image, the one that the user chose.

    Raises
    ------
    ReadError
        If it cannot be told which images form the volume, if they belong to several acquisitions or patients, or if a
        slice leaves open what its pixels mean or where it lies.
    """
    slices = [checked(h) for h in headers if h.is_ct and not h.is_localizer]
    if not slices:
        raise ReadError("The series holds no CT slices.")
    left_out = [h for h in headers if not h.is_ct or h.is_localizer]
    slices = _without_copies(slices, chosen)
    groups: list[list[CTSlice]] = []
    for image in slices:
        group = next((g for g in groups if _same_grid(g[0], image)), None)
        if group is None:
            groups.append([image])
        else:
            group.append(image)
    groups.sort(key=len, reverse=True)
    main, others = groups[0], groups[1:]
    strays = [image for group in others for image in group]
    reference = len(strays) == 1 and len(main) >= LEAST_SLICES_BESIDE_A_REFERENCE and _other_plane(main[0], strays[0])
    if strays and not reference:
        raise MixedSeriesError(
            f"The series mixes images of {len(groups)} sizes, pixel spacings or orientations ({main[0].name} and "
            f"{strays[0].name} differ)",
            [(_grid_words(group[0]), group) for group in groups],
        )
    _check_shared(main)
    return main, left_out + [image.header for image in strays]


def grid_of_volume(slices: Sequence[CTSlice]) -> Grid:
    """The grid on which the slices of a volume lie.

    Raises
    ------
    ReadError
        If they do not lie on one, or if slices of several acquisitions lie between each other.
    """
    try:
        grid = grid_of([s.plane for s in slices], [s.name for s in slices], slices[0].header.thickness_mm)
    except ReadError:
        _check_interleaved(slices, (*_INTERLEAVED, *_REPEATED))
        raise
    _check_interleaved(slices, _INTERLEAVED)
    return grid


def _check_interleaved(slices: Sequence[CTSlice], kinds: Sequence[_Kind]) -> None:
    """Refuse acquisitions and the like that lie over or between each other; those that continue are one volume."""
    for several, one, value_of in kinds:
        stated = [s for s in slices if value_of(s.header) is not None]
        counts: Counter[Any] = Counter(value_of(s.header) for s in stated)
        if not 1 < len(counts) < len(stated) or min(counts.values()) < 2:
            continue
        along = np.array([s.plane.position for s in stated]) @ unit_axes(stated[0].plane)[:, 0]
        ascending = [value_of(stated[i].header) for i in np.argsort(along, kind="stable")]
        if sum(a != b for a, b in pairwise(ascending)) < len(counts):
            continue
        told = ", ".join(f"{n} slices of {one.format(value)}" for value, n in sorted(counts.items())[:4])
        examples = named([next(s.name for s in stated if value_of(s.header) == v) for v in sorted(counts)], most=2)
        groups: dict[float | str | None, list[CTSlice]] = {}
        for image in slices:
            groups.setdefault(value_of(image.header), []).append(image)
        raise MixedSeriesError(
            f"The series holds {len(counts)} {several} that lie over or between each other ({told}; {examples})",
            [("nothing stated" if v is None else one.format(v), group) for v, group in groups.items()],
        )


def _same_grid(one: CTSlice, other: CTSlice) -> bool:
    """Whether two slices have pixels of the same number, size and direction, as far as a corner can tell."""
    a, b = one.header, other.header
    if (a.rows, a.columns) != (b.rows, b.columns):
        return False
    if (one.plane.row, one.plane.column, one.plane.pixel_spacing) == (
        other.plane.row,
        other.plane.column,
        other.plane.pixel_spacing,
    ):
        return True
    p, q = one.plane, other.plane
    along_row = np.subtract(np.multiply(p.row, p.pixel_spacing[1]), np.multiply(q.row, q.pixel_spacing[1]))
    along_column = np.subtract(np.multiply(p.column, p.pixel_spacing[0]), np.multiply(q.column, q.pixel_spacing[0]))
    far_row, far_column = (a.columns - 1) * along_row, (a.rows - 1) * along_column
    apart = max(float(np.linalg.norm(v)) for v in (far_row, far_column, far_row + far_column))
    return apart <= CORNER_TOLERANCE * min(p.pixel_spacing)


def _other_plane(one: CTSlice, other: CTSlice) -> bool:
    cosine = abs(float(unit_axes(one.plane)[:, 0] @ unit_axes(other.plane)[:, 0]))
    return cosine < float(np.cos(np.radians(OTHER_PLANE_DEGREES)))


def _grid_words(image: CTSlice) -> str:
    """How the grid of a slice is told from others."""
    rows_mm, columns_mm = image.plane.pixel_spacing
    plane = ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(unit_axes(image.plane)[:, 0])))]
    return f"{plane}, {image.header.columns} x {image.header.rows} pixels of {columns_mm:.4g} x {rows_mm:.4g} mm"


def _check_shared(slices: Sequence[CTSlice]) -> None:
    """Refuse slices that state different patients, studies, kernels or the like."""
    differing: dict[str, list[str]] = {}
    for name in (f.name for f in fields(Shared)):
        stated = [value for s in slices if (value := _stated(s, name))]
        values = sorted(set(stated))
        if len(values) > 1 and not (name in _OFTEN_UNIQUE and len(values) == len(stated)):
            differing[name] = values
    if not differing:
        return
    name, values = next(iter(differing.items()))
    words = f": {'; '.join(values[:4])}" if name in _TOLD else ""
    examples = {value: s.name for s in reversed(slices) if (value := _stated(s, name))}
    files = " and ".join(list(reversed(examples.values()))[:2])
    groups: dict[str, list[CTSlice]] = {}
    for image in slices:
        groups.setdefault(_words_of(image, differing), []).append(image)
    raise MixedSeriesError(
        f"The series mixes slices of {len(values)} {_NAMES[name][1]}{words} ({files} differ)", list(groups.items())
    )


def _stated(image: CTSlice, name: str) -> str:
    return str(getattr(image.header.shared, name))


def _words_of(image: CTSlice, differing: dict[str, list[str]]) -> str:
    """How a slice is told from those that differ from it; what may name a patient is only numbered."""
    told = []
    for name, values in differing.items():
        value = _stated(image, name)
        number = value if name in _TOLD else str(values.index(value) + 1) if value else ""
        one = _NAMES[name][0]
        told.append(f"{one} {number}" if value else f"no {one}")
    return ", ".join(told)


def _without_copies(slices: Sequence[CTSlice], chosen: Path | None) -> list[CTSlice]:
    """`slices` without second copies of an image, and without what lies where the chosen file lies."""
    picked = next((s for s in slices if s.header.path == chosen and s.header.frames == 1), None)
    if picked is not None:
        same_uid = picked.header.sop_uid
        slices = [s for s in slices if s is picked or not (s.header.sop_uid == same_uid or _same_place(s, picked))]
    kept: dict[tuple[str, int], CTSlice] = {}
    same_files: set[tuple[Path, Path]] = set()  # so that the frames of two files are not compared one by one
    for image in slices:
        header = image.header
        other = kept.setdefault((header.sop_uid or str(header.path), header.frame), image)
        files = (other.header.path, header.path)
        if other is image or files in same_files:
            continue
        if not _same_content(*files):
            two = other.header.transfer_syntax != header.transfer_syntax
            encoded = " and are encoded in two transfer syntaxes" if two else ""
            raise ReadError(
                f"{other.name} and {header.name} are different versions of the same image (they share one SOP instance "
                f"UID{encoded}); keep one of them, or open the file that you mean."
            )
        same_files.add(files)
    return list(kept.values())


def _same_content(one: Path, other: Path) -> bool:
    try:
        return filecmp.cmp(one, other, shallow=False)
    except OSError as error:
        raise ReadError(f"{other.name} cannot be read: {error.strerror or type(error).__name__}.") from None


def _same_place(one: CTSlice, other: CTSlice) -> bool:
    apart = (abs(a - b) for a, b in zip(one.plane.position, other.plane.position, strict=True))
    return max(apart) < SAME_PLACE_MM
