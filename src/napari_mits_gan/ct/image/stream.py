"""Whether the voxels that a header announces are there: ITK reads on with stray memory where a stream is damaged."""

from __future__ import annotations

import zlib
from pathlib import Path

from napari_mits_gan.errors import ReadError

_PIECE = 1 << 20
_ZLIB_OR_GZIP = 47
"""zlib's word for: look whether the stream is zlib's or gzip's."""


def check_plain(path: Path, offset: int, wanted: int, name: str) -> None:
    """Refuse a file that holds fewer than `wanted` bytes from `offset` on."""
    if _size(path, name) - offset < wanted:
        raise _cut_off(name)


def check_deflated(path: Path, offset: int, length: int | None, wanted: int, name: str) -> None:
    """Refuse a compressed stream that is damaged, cut off, or holds another number of bytes than `wanted`.

    Parameters
    ----------
    path : Path
        The file that it lies in.
    offset, length : int
        Where it begins and how long it is; None for to the end of the file.
    wanted : int
        Bytes that it must hold.
    name : str
        What to call it in an error.
    """
    left = _size(path, name) - offset
    if length is not None and length > left:
        raise _cut_off(name)
    left = left if length is None else length
    inflate, held = zlib.decompressobj(_ZLIB_OR_GZIP), 0
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            while not inflate.eof and left > 0 and held <= wanted:
                data = stream.read(min(left, _PIECE))
                left -= len(data)
                if not data:
                    break
                while data and not inflate.eof and held <= wanted:
                    held += len(inflate.decompress(data, _PIECE))
                    data = inflate.unconsumed_tail
                while not inflate.eof and held <= wanted and (more := inflate.decompress(b"", _PIECE)):
                    held += len(more)
    except OSError:
        raise ReadError(f"{name} cannot be read; copy it again.") from None
    except zlib.error:
        raise ReadError(f"The compressed voxels of {name} are damaged; copy it again.") from None
    if held > wanted:
        raise ReadError(f"{name} holds more voxels than its header says: it is damaged; copy it again.")
    if held < wanted or not inflate.eof:
        raise _cut_off(name)


def _size(path: Path, name: str) -> int:
    try:
        if path.is_file():  # no device or pipe, which may have no end
            return path.stat().st_size
    except (OSError, ValueError):  # a damaged header may name anything
        pass
    raise ReadError(f"{_shown(path.name)}, which {name} keeps its voxels in, is not there; copy both files.")


def _shown(name: str) -> str:
    return name if name.isprintable() else "The file"


def _cut_off(name: str) -> ReadError:
    return ReadError(f"{name} holds fewer voxels than its header says: it is damaged or cut off; copy it again.")
