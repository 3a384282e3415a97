"""What a DICOMDIR, the table of contents of a disc, lists, and what of it is not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from napari_mits_gan.ct.dicom.elements import printable
from napari_mits_gan.ct.dicom.header import CT_CLASSES

DICOMDIR = "DICOMDIR"
_MOST_RECORDS = 1_000_000


def missing_of(directory: Path) -> dict[str, tuple[str, ...]]:
    """The CT images that a DICOMDIR lists and that are not there.

    Parameters
    ----------
    directory : Path
        The DICOMDIR; where its files lie is told from its folder on.

    Returns
    -------
    dict of str to tuple of str
        Their names, by SeriesInstanceUID; empty if all are there, and if the DICOMDIR cannot be understood, which says
        nothing of the images.
    """
    missing: dict[str, list[str]] = {}
    disc = _Disc(directory.parent)
    try:
        for series, parts in _listed(pydicom.dcmread(directory)):
            if not disc.has(parts):
                missing.setdefault(series, []).append(printable(parts[-1]))
    except Exception:  # whatever a damaged record leads to
        return {}
    return {series: tuple(names) for series, names in missing.items()}


def _listed(ds: Dataset) -> Iterator[tuple[str, list[str]]]:
    """Series and path of each CT image, as the records point to each other (PS3.3, F.2)."""
    records = {record.seq_item_tell: record for record in ds.get("DirectoryRecordSequence") or []}
    first = int(ds.get("OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity") or 0)
    waiting = [(first, "")]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_RECORDS:
        offset, series = waiting.pop()
        record = records.get(offset)
        if record is None or offset in seen:
            continue
        seen.add(offset)
        waiting.append((int(record.get("OffsetOfTheNextDirectoryRecord") or 0), series))
        series = str(record.get("SeriesInstanceUID") or series)
        waiting.append((int(record.get("OffsetOfReferencedLowerLevelDirectoryEntity") or 0), series))
        named = record.get("ReferencedFileID")
        if named and str(record.get("ReferencedSOPClassUIDInFile", "")) in CT_CLASSES:
            yield series, [named] if isinstance(named, str) else [str(part) for part in named]


class _Disc:
    """The files of a disc; systems show their names in small letters, or with a version behind them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[Path, dict[str, str]] = {}

    def has(self, parts: list[str]) -> bool:
        """Whether there is a file of this path."""
        place = self._folder
        for part in parts:
            if place not in self._names:
                inside = os.listdir(place) if place.is_dir() else []
                self._names[place] = {_plain(name): name for name in inside}
            name = self._names[place].get(_plain(part))
            if name is None:
                return False
            place = place / name
        return place.is_file()


def _plain(name: str) -> str:
    return name.strip().partition(";")[0].rstrip(".").casefold()
