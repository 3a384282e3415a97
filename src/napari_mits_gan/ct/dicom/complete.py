"""Whether a DICOM file without an image is whole, or the beginning of a slice that was cut off."""

from __future__ import annotations

from typing import BinaryIO

_UNDEFINED = 0xFFFFFFFF
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


class _CutOff(Exception):
    """The file ends within an element."""


class _Walker:
    """Walks over the elements of a file from where the stream stands, without looking at their values."""

    def __init__(self, stream: BinaryIO, size: int, *, implicit: bool, little: bool) -> None:
        self._stream, self._size, self._implicit = stream, size, implicit
        self._order = "little" if little else "big"

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data, self._order)  # type: ignore[arg-type]

    def _read(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) < count:
            raise _CutOff
        return data

    def _skip(self, count: int) -> None:
        if self._stream.tell() + count > self._size:
            raise _CutOff
        self._stream.seek(count, 1)

    def element(self) -> int:
        """Step over one element; its tag."""
        head = self._read(8)
        tag = self._number(head[:2]) << 16 | self._number(head[2:4])
        implicit = self._implicit or tag >> 16 == 0xFFFE
        vr = b"" if implicit else head[4:6]
        if implicit:
            length = self._number(head[4:])
        elif vr in _LONG_VRS:
            length = self._number(self._read(4))
        else:
            length = self._number(head[6:])
        if length != _UNDEFINED:
            self._skip(length)
        elif tag == _ITEM:
            while self.element() != _ITEM_END:
                pass
        else:
            # What has VR UN and no length is a sequence in implicit VR.
            outer, self._implicit = self._implicit, self._implicit or vr == b"UN"
            while self.element() != _SEQUENCE_END:
                pass
            self._implicit = outer
        return tag

    def at_end(self) -> bool:
        return self._stream.tell() >= self._size


def last_tag(stream: BinaryIO, start: int, size: int, *, implicit: bool, little: bool) -> int | None:
    """The tag of a file's last element.

    Parameters
    ----------
    stream : file
        The file.
    start, size : int
        Where its first element begins, and the file's size, in bytes.
    implicit, little : bool
        How the dataset is encoded; file meta information before it is always Explicit VR Little Endian.

    Returns
    -------
    int or None
        None if the file ends within an element.
    """
    stream.seek(start)
    tag = 0
    meta = _Walker(stream, size, implicit=False, little=True)
    dataset = _Walker(stream, size, implicit=implicit, little=little)
    try:
        while not meta.at_end():
            if stream.read(2) != b"\x02\x00":
                stream.seek(-2, 1)
                break
            stream.seek(-2, 1)
            tag = meta.element()
        while not dataset.at_end():
            tag = dataset.element()
    except (_CutOff, OSError, RecursionError):
        return None
    return tag
