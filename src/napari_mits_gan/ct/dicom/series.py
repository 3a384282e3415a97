"""Finding the DICOM series in a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from napari_mits_gan.ct.dicom.directory import DICOMDIR, missing_of
from napari_mits_gan.ct.dicom.header import DamagedFile, DoubtfulFile, OtherFile, SliceHeader, read_headers
from napari_mits_gan.errors import ReadError
from napari_mits_gan.files.quiet import quiet
from napari_mits_gan.files.unfinished import is_unfinished
from napari_mits_gan.progress import Progress, silent

WORKERS = min(8, os.cpu_count() or 1)
"""Threads that read, decode and encode; with more than there are cores they only wait for each other."""


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
    doubtful : dict of Path to str
        Those of them that may be slices of which nothing is there yet, with what speaks for it.
    unknown : tuple of Path
        Those of the others that are not DICOM.
    missing : dict of str to tuple of str
        Names of the images that a DICOMDIR lists and that are not there, by SeriesInstanceUID.
    """

    slices: tuple[SliceHeader, ...] = ()
    damaged: dict[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    doubtful: dict[Path, str] = field(default_factory=dict)
    unknown: tuple[Path, ...] = ()
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)


def files_below(folder: Path, *, recursive: bool = True) -> list[Path]:
    """Files in a folder, and in the folders in it, in alphabetical order.

    Links to folders are not followed, what a killed export left behind is not looked into, and devices, sockets and
    pipes, which may have no end, are no files. A link to a file that is gone is one: a slice may be missing.
    """
    try:
        if not recursive:
            return sorted(p for p in folder.iterdir() if _is_file(p))
        found: list[Path] = []
        for base, folders, names in os.walk(folder, onerror=_raise):
            folders[:] = [name for name in folders if not is_unfinished(name)]
            found += [path for name in names if _is_file(path := Path(base) / name)]
        return sorted(found)
    except OSError as error:
        raise ReadError(f"The folder cannot be read: {error.strerror or type(error).__name__}.") from None


def _is_file(path: Path) -> bool:
    return path.is_file() or (path.is_symlink() and not path.exists())


def _raise(error: OSError) -> None:
    raise error


def find(files: Sequence[Path], progress: Progress = silent) -> Found:
    """Read the headers of `files`; `progress` counts files."""
    slices: list[SliceHeader] = []
    damaged: dict[str, str] = {}
    others: list[str] = []
    doubtful: dict[Path, str] = {}
    unknown: list[Path] = []
    with quiet(), ThreadPoolExecutor(WORKERS) as pool:
        try:
            for done, (path, found) in enumerate(zip(files, pool.map(_try_headers, files), strict=True), start=1):
                if isinstance(found, DamagedFile):
                    damaged[path.name] = str(found)
                elif isinstance(found, DoubtfulFile):
                    doubtful[path] = str(found)
                    others.append(path.name)
                elif isinstance(found, OtherFile):
                    unknown.append(path)
                    others.append(path.name)
                elif found:
                    slices.extend(found)
                else:
                    others.append(path.name)
                progress(done, len(files))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        missing = {
            uid: names for path in files if path.name.upper() == DICOMDIR for uid, names in missing_of(path).items()
        }
    return Found(tuple(slices), damaged, tuple(others), doubtful, tuple(unknown), missing)


def _try_headers(path: Path) -> list[SliceHeader] | DamagedFile | DoubtfulFile | OtherFile:
    try:
        return read_headers(path)
    except (DamagedFile, DoubtfulFile, OtherFile) as error:
        return error


def series_in(found: Found) -> dict[str, list[SliceHeader]]:
    """The images by SeriesInstanceUID."""
    grouped: dict[str, list[SliceHeader]] = {}
    for header in found.slices:
        grouped.setdefault(header.series_uid, []).append(header)
    return grouped


def may_be_slices(found: Found, headers: Sequence[SliceHeader]) -> dict[str, str]:
    """Names of the files that lie among the slices of a series and are named as they are, with the reason.

    Of files that are empty or zeros the ending, and whether there is a number, tells; of those with something else in
    them all of the name but its numbers.
    """
    folders: dict[tuple[Path, str], bool] = {}
    for header in headers:
        place = (header.path.parent, header.path.suffix.lower())
        folders[place] = folders.get(place, False) or not _has_number(header.path)
    patterns = {(header.path.parent, _pattern(header.path)) for header in headers} if found.unknown else set()
    unreadable = {
        path.name: "it is not DICOM inside" for path in found.unknown if (path.parent, _pattern(path)) in patterns
    }
    return unreadable | {
        path.name: cause
        for path, cause in found.doubtful.items()
        if not path.name.startswith(".")
        and (without_number := folders.get((path.parent, path.suffix.lower()))) is not None
        and (without_number or _has_number(path))
    }


def _pattern(path: Path) -> str:
    return re.sub(r"\d+", "#", path.name.casefold())


def _has_number(path: Path) -> bool:
    return any(character.isdigit() for character in path.stem)
