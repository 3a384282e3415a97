"""Unpacking a zip or tar file into a private temporary folder that is removed with what was read from it.

Nothing in an archive is trusted: no file is made outside the folder, links and devices are refused, and sizes are
counted as they are written, whatever the archive says of them.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import weakref
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from napari_mits_gan.errors import MitsGanError, ReadError
from napari_mits_gan.files.unfinished import new_folder, remove_leftovers
from napari_mits_gan.progress import Progress, silent

MOST_FILES = 200_000
"""An archive with more files is no scan."""
MOST_BYTES = 64 << 30
"""Nor is one that holds more than this."""
MOST_RATIO = 200
"""CT packs to a third, drawn phantoms to a tenth; what packs better than this is made to fill disks."""
_ALWAYS_BYTES = 256 << 20
"""So much may be unpacked of the smallest archive."""
_MARGIN_BYTES = 64 << 20
_PIECE = 1 << 20
_TAR_PIECE = 20 * tarfile.BLOCKSIZE
_LONGEST_NAME = 1024
_TAR_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
"""By the bytes that a compressed tar file begins with."""


class Unpacked:
    """The folder of an archive's files, removed once nobody needs it any more, or when the program ends.

    A copy in another process, which pickling makes, only borrows the folder.

    Parameters
    ----------
    folder : Path
        The folder.
    held : int or None
        The handle that locks it; None for a borrowed one, and where folders cannot be locked.
    owned : bool
        Whether to remove it.
    """

    def __init__(self, folder: Path, held: int | None = None, *, owned: bool = True) -> None:
        self.folder = folder
        self._remove = weakref.finalize(self, _removed, folder, held, os.getpid()) if owned else None

    def __reduce__(self) -> tuple[Any, ...]:
        return _borrowed, (self.folder,)

    def remove(self) -> None:
        """Remove the folder now."""
        if self._remove is not None:
            self._remove()


def _borrowed(folder: Path) -> Unpacked:
    return Unpacked(folder, owned=False)


def _removed(folder: Path, held: int | None, process: int) -> None:
    if os.getpid() != process:  # a fork of the process that unpacked it
        return
    shutil.rmtree(folder, ignore_errors=True)
    if held is not None:
        with suppress(OSError):
            os.close(held)


def unpacked(path: Path, progress: Progress = silent) -> Unpacked:
    """The files of a zip or tar file in a folder of their own.

    Parameters
    ----------
    path : Path
        A zip file, or a tar file that may be compressed with gzip, bzip2 or xz.
    progress : Progress
        Told how many bytes of it are read.

    Returns
    -------
    Unpacked
        With folders as the archive has them.

    Raises
    ------
    ReadError
        If it is no such file, damaged, encrypted, holds links, devices or names that lead out of it, or more than a
        scan can be.
    """
    place = Path(tempfile.gettempdir())
    try:
        size = path.stat().st_size
        remove_leftovers(place)
        folder, held = new_folder(place, "archive")
    except OSError as error:
        raise ReadError(f"{path.name} cannot be unpacked: {error.strerror or type(error).__name__}.") from None
    result = Unpacked(folder, held)
    try:
        writer = _Writer(path.name, folder, size)
        if zipfile.is_zipfile(path):
            _unzip(path, writer, progress)
        else:
            _untar(path, writer, size, progress)
    except BaseException as error:
        result.remove()
        if isinstance(error, OSError):
            cause = error.strerror or "it is damaged"
            raise ReadError(f"{path.name} cannot be unpacked: {cause}; copy it again, or unpack it by hand.") from None
        if isinstance(error, (RuntimeError, NotImplementedError)):  # zipfile's of encryption and unknown compression
            raise ReadError(
                f"{path.name} is encrypted, or compressed in a way that is not known here; unpack it by hand."
            ) from None
        if isinstance(error, Exception) and not isinstance(error, MitsGanError):  # whatever a damaged byte leads to
            raise ReadError(f"{path.name} is damaged, cut off or not what its name says; copy it again.") from None
        raise
    return result


class _Writer:
    """Writes the files of an archive, and keeps count."""

    def __init__(self, name: str, folder: Path, packed_bytes: int) -> None:
        self._name, self._folder = name, folder
        self._files = 0
        self._bytes = 0
        self._free = shutil.disk_usage(folder).free - _MARGIN_BYTES
        self.most = min(MOST_BYTES, max(_ALWAYS_BYTES, MOST_RATIO * packed_bytes))

    def write(self, name: str, content: IO[bytes]) -> None:
        """One file."""
        target = self._place(name)
        self._files += 1
        if self._files > MOST_FILES:
            raise ReadError(f"{self._name} holds more than {MOST_FILES} files, which no scan does.")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            stream = target.open("xb")
        except FileExistsError:
            raise ReadError(
                f"{self._name} holds two files called {target.name} in one folder; unpack it by hand."
            ) from None
        with stream:
            while piece := content.read(_PIECE):
                self.count(len(piece))
                stream.write(piece)

    def count(self, size: int) -> None:
        """Refuse what unpacks to more than it should."""
        self._bytes += size
        if self._bytes > self._free:
            raise ReadError(f"{self._name} does not fit onto the disk for temporary files when it is unpacked.")
        if self._bytes > self.most:
            raise ReadError(
                f"{self._name} unpacks to more than {self.most >> 20} MiB, which no scan of its size does; unpack it "
                "by hand if you trust it."
            )

    def refuse(self, name: str, what: str) -> ReadError:
        """Of a member that is no file."""
        shown = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
        return ReadError(f"{self._name} holds {what} ({shown}), which is not unpacked; pack the files themselves.")

    def _place(self, name: str) -> Path:
        """Where a member goes, inside the folder."""
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        outside = name.startswith(("/", "\\")) or ".." in parts or (len(name) > 1 and name[1] == ":")
        unfit = not parts or len(name) > _LONGEST_NAME or "\0" in name or (os.name == "nt" and ":" in name)
        if outside or unfit:
            raise ReadError(f"{self._name} holds a file whose name leads out of it, or is none; unpack it by hand.")
        return self._folder.joinpath(*parts)


def _unzip(path: Path, writer: _Writer, progress: Progress) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        total = sum(member.compress_size for member in members) or 1
        done = 0
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise writer.refuse(member.filename, "a link" if kind == stat.S_IFLNK else "a device")
            if not member.is_dir():
                with archive.open(member) as content:
                    writer.write(member.filename, content)
            done += member.compress_size
            progress(min(done, total), total)


def _untar(path: Path, writer: _Writer, size: int, progress: Progress) -> None:
    with _tar_stream(path) as (raw, stream):
        counted: Any = _Counted(stream, writer)
        with tarfile.open(fileobj=counted, mode="r|", bufsize=_TAR_PIECE) as archive:
            for member in archive:
                if member.isfile():
                    content = archive.extractfile(member)
                    if content is not None:
                        writer.write(member.name, content)
                elif not member.isdir():
                    raise writer.refuse(member.name, "a link" if member.issym() or member.islnk() else "a device")
                progress(min(raw.tell(), size), size)
            # The library takes a damaged header, and the end of the file, for the archive's end.
            if any(end := counted.read_before(archive.offset)) or not end:
                raise tarfile.ReadError("no end of the archive")


@contextmanager
def _tar_stream(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A file, and the tar stream in it, compressed or not."""
    with ExitStack() as stack:
        raw = stack.enter_context(path.open("rb"))
        start = raw.read(6)
        raw.seek(0)
        for magic, opener in _TAR_OPENERS.items():
            if start.startswith(magic):
                yield raw, stack.enter_context(opener(raw, "rb"))
                return
        yield raw, raw


class _Counted:
    """A stream of which headers, too, are read only so far, and which remembers what it gave last."""

    def __init__(self, stream: IO[bytes], writer: _Writer) -> None:
        self._stream, self._most = stream, 2 * writer.most
        self._given, self._last = 0, b""

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._given += len(data)
        self._last = (self._last + data)[-2 * _TAR_PIECE :]
        if self._given > self._most:
            raise tarfile.ReadError("longer than it can be")
        return data

    def read_before(self, offset: int) -> bytes:
        """The block at an offset that was read just now."""
        at = offset - (self._given - len(self._last))
        return self._last[at : at + tarfile.BLOCKSIZE] if at >= 0 else b""
