"""Finding the series of an archive, folder by folder, and remembering what was found."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from napari_mits_gan.archive.names import without_names
from napari_mits_gan.archive.output import STATE, Output
from napari_mits_gan.archive.series import ArchiveSeries, facts_of, folder_name, listing_digest
from napari_mits_gan.ct.dicom.series import Found, files_below, find
from napari_mits_gan.ct.dicom.survey import series_of_folder
from napari_mits_gan.ct.image.read import is_image_file
from napari_mits_gan.ct.suffixes import DETACHED_SUFFIXES, PACKED_SUFFIXES
from napari_mits_gan.errors import ReadError
from napari_mits_gan.files.replace import replaced_file
from napari_mits_gan.files.unfinished import is_unfinished

Part = tuple[int, int]
"""Which part of how many, counted from 1."""
ALL: Part = (1, 1)
_VOXEL_BYTES = 2
_PACKED_VOXEL_BYTES = 1.1
"""About what a losslessly compressed voxel of a chest takes."""


def folders_of(root: Path) -> Iterator[str]:
    """All folders of an archive, the archive's own first, those that cannot be listed included.

    Links to folders are not followed.
    """
    unlisted: list[str] = []

    def unlistable(error: OSError) -> None:
        unlisted.append(str(error.filename))

    for base, folders, _ in os.walk(root, onerror=unlistable):
        folders[:] = sorted(name for name in folders if name != STATE and not is_unfinished(name))
        while unlisted:
            yield Path(unlisted.pop(0)).relative_to(root).as_posix()
        yield Path(base).relative_to(root).as_posix()
    for path in unlisted:
        yield Path(path).relative_to(root).as_posix()


def series_in(output: Output, place: str, part: Part = ALL, *, remember: bool = True) -> list[ArchiveSeries]:
    """The series in one folder of an archive.

    Parameters
    ----------
    output : Output
        Knows the archive, and what was found before: of a folder whose files have the names, sizes and times that they
        had then no header is read again.
    place : str
        The folder, below the archive's.
    part : (int, int)
        Which part of the series to take, of how many. A folder's DICOM series stay together.
    remember : bool
        Whether to write down what was found.

    Returns
    -------
    list of ArchiveSeries
        A folder that cannot be read, or holds nothing but damaged DICOM files, is one as well, with the refusal.
    """
    try:
        paths = files_below(output.root / place, recursive=False)
        images = [p for p in paths if is_image_file(p)]
        found = [_image(place, p, paths) for p in images if is_in_part(f"{place}/{p.name}", part)]
        others = [p for p in paths if p not in set(images)]
        if others and is_in_part(place, part):
            found += _dicom(output, place, others, remember)
        return found
    except ReadError as error:
        return [ArchiveSeries.unreadable(place, str(error))] if is_in_part(place, part) else []
    except OSError as error:
        why = f"The folder cannot be read: {error.strerror or type(error).__name__}."
        return [ArchiveSeries.unreadable(place, why)] if is_in_part(place, part) else []


def is_in_part(name: str, part: Part) -> bool:
    """Whether what has this name belongs to a part; each name belongs to exactly one."""
    number, parts = part
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % parts == number - 1


def _image(place: str, path: Path, beside: list[Path]) -> ArchiveSeries:
    detached = path.suffix.lower() in DETACHED_SUFFIXES
    own = [path, *(p for p in beside if detached and p.stem.split(".")[0] == path.stem and p != path)]
    files = facts_of(own)
    first = next(f for f in files if f[0] == path.name)
    size = sum(size for _, size, _ in files)
    packed = path.name.lower().endswith(PACKED_SUFFIXES)
    voxels = int(size / (_PACKED_VOXEL_BYTES if packed else _VOXEL_BYTES))
    return ArchiveSeries(place, path.name, None, (first, *(f for f in files if f != first)), voxels)


def _dicom(output: Output, place: str, paths: list[Path], remember: bool) -> list[ArchiveSeries]:
    listing = listing_digest(facts_of(p for p in paths if p.exists()))
    memory = output.survey_file(place)
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(memory.read_text("utf-8"))
        if told["listing"] == listing:
            return [ArchiveSeries.from_json(each) for each in told["series"]]
    found = _surveyed(place, find(paths), [p.name for p in paths])
    if remember:
        with suppress(OSError), replaced_file(memory) as part:  # it is found again another time
            part.write_text(json.dumps({"listing": listing, "series": [s.as_json() for s in found]}), "utf-8")
    return found


def _surveyed(place: str, found: Found, names: list[str]) -> list[ArchiveSeries]:
    series = [
        ArchiveSeries(
            place=place,
            name=folder_name(each.uid),
            uid=each.uid,
            files=facts_of(each.files),
            voxels=0 if each.shape is None else each.shape[0] * each.shape[1] * each.shape[2],
            refusal=without_names(each.refusal, names),
            is_ct=each.is_ct,
        )
        for each in series_of_folder(found, place)
    ]
    if not series and found.damaged:
        cause = next(iter(found.damaged.values()))
        why = f"{len(found.damaged)} damaged DICOM file(s) and no other ({cause}); copy the series again."
        return [ArchiveSeries.unreadable(place, why)]
    return series
