"""One series of an archive, as it was found: where it lies, which files it has, and whether it can be read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FileFacts = tuple[str, int, int]
"""Name, size in bytes and time of the last change in nanoseconds."""

_UID = re.compile(r"[0-9][0-9.]{0,62}[0-9]")


@dataclass(frozen=True)
class ArchiveSeries:
    """One series: a DICOM series within one folder, or an image file.

    Parameters
    ----------
    place : str
        Its folder below the archive's, with slashes; "." for the archive's own.
    name : str
        What its folder below the output is called; unique in `place`.
    uid : str or None
        SeriesInstanceUID; None for an image file.
    files : tuple of FileFacts
        Its files, by name.
    voxels : int
        About how many voxels it has; 0 where that is not known.
    refusal : str
        Why nothing can be done with it; empty where something can.
    is_ct : bool
        Whether it claims to be a CT, so that a refusal is a failure.
    """

    place: str
    name: str
    uid: str | None
    files: tuple[FileFacts, ...]
    voxels: int = 0
    refusal: str = ""
    is_ct: bool = True

    @classmethod
    def unreadable(cls, place: str, why: str) -> ArchiveSeries:
        """What stands for a folder whose series could not be found."""
        return cls(place, ".", None, (), refusal=why)

    def folder(self, root: Path) -> Path:
        """Where its files lie."""
        return root / self.place

    def source(self, root: Path) -> Path:
        """One of its files, by which `read_ct` finds all of them and looks into no other folder."""
        return root / self.place / self.files[0][0]

    @property
    def input_bytes(self) -> int:
        """Size of its files."""
        return sum(size for _, size, _ in self.files)

    def as_json(self) -> dict[str, Any]:
        """All of it, for a file."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> ArchiveSeries:
        """The series that `as_json` told."""
        files = tuple((str(name), int(size), int(time)) for name, size, time in told["files"])
        return cls(**{**told, "files": files})


def folder_name(uid: str) -> str:
    """The name of a series' folder: its UID, or a digest of it where it is no UID and might lead elsewhere."""
    return uid if _UID.fullmatch(uid) else "series-" + hashlib.sha256(uid.encode()).hexdigest()[:16]


def listing_digest(files: Iterable[FileFacts]) -> str:
    """A digest of names, sizes and times."""
    return hashlib.sha256(repr(sorted(files)).encode("utf-8", "surrogateescape")).hexdigest()


def content_digest(folder: Path, files: Iterable[FileFacts]) -> str:
    """A digest of the names and contents of files.

    Raises
    ------
    OSError
        If one cannot be read.
    """
    digest = hashlib.sha256()
    for name, _, _ in sorted(files):
        with (folder / name).open("rb") as stream:
            digest.update(f"{name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode(errors="replace"))
    return digest.hexdigest()


def facts_of(paths: Iterable[Path]) -> tuple[FileFacts, ...]:
    """Names, sizes and times of files, by name.

    Raises
    ------
    OSError
        If one is gone.
    """
    return tuple(sorted((p.name, (s := p.stat()).st_size, s.st_mtime_ns) for p in paths))
