"""The records of a sidecar: each holds one file, its pixels as differences from a changed scan, and is encrypted."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from numpy.typing import NDArray

from napari_mits_gan.ct.dicom.rescale import Rescale, StoredFormat
from napari_mits_gan.ct.dicom.storage import storage_of
from napari_mits_gan.errors import SidecarError
from napari_mits_gan.evidence.key import SealKey

_LONGEST_RECORD = 1 << 32


@dataclass(frozen=True)
class StoredPixels:
    """Where uncompressed values stand in a file, and how they follow from HU; slices are those of the changed scan."""

    offset: int
    slices: tuple[int, ...]
    rescales: tuple[tuple[float, float], ...]
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool

    @staticmethod
    def of(fields: Any, slices: int) -> StoredPixels:
        """What a table of contents says, of a scan with so many slices; SidecarError where that cannot be."""
        names = {field.name for field in dataclasses.fields(StoredPixels)}
        if not isinstance(fields, dict) or set(fields) != names or not isinstance(fields["signed"], bool):
            raise damaged()
        bits, stored, high = (_whole(fields[name], 16) for name in ("bits_allocated", "bits_stored", "high_bit"))
        if bits not in (8, 16) or not 1 <= stored <= high + 1 <= bits or not isinstance(fields["rescales"], list):
            raise damaged()
        zs, rescales = fields["slices"], fields["rescales"]
        if not isinstance(zs, list) or len(zs) != len(rescales):
            raise damaged()
        try:
            checked = [Rescale(float(slope), float(intercept)) for slope, intercept in rescales]
        except (ValueError, TypeError, OverflowError):
            raise damaged() from None
        return StoredPixels(
            _whole(fields["offset"], _LONGEST_RECORD),
            tuple(_whole(z, slices - 1) for z in zs),
            tuple((rescale.slope, rescale.intercept) for rescale in checked),
            bits,
            stored,
            high,
            fields["signed"],
        )

    def predicted(self, hu: NDArray[np.int16]) -> bytes:
        """The values that the changed scan would be stored as."""
        stored = StoredFormat(self.bits_allocated, self.bits_stored, self.high_bit, self.signed)
        return b"".join(
            storage_of(Rescale(slope, intercept), stored).stored(hu[z]).astype(stored.dtype).tobytes()
            for z, (slope, intercept) in zip(self.slices, self.rescales, strict=True)
        )


@dataclass(frozen=True)
class Content:
    """One file in the table of contents: its name, length and digest, and what its pixels follow from."""

    name: str
    length: int
    sha256: str
    pixels: StoredPixels | None

    @staticmethod
    def of(fields: Any, slices: int) -> Content:
        """What a table of contents says; SidecarError where that cannot be, or the name leads out of the folder."""
        if not isinstance(fields, dict) or set(fields) != {"name", "length", "sha256", "pixels"}:
            raise damaged()
        name, digest = fields["name"], fields["sha256"]
        if not isinstance(name, str) or not isinstance(digest, str):
            raise damaged()
        if {"", ".", ".."} & set(name.split("/")) or "\\" in name or "\0" in name or not _is_encodable(name):
            raise damaged()
        pixels = None if fields["pixels"] is None else StoredPixels.of(fields["pixels"], slices)
        return Content(name, _whole(fields["length"], _LONGEST_RECORD), digest, pixels)


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise damaged()
    return value


def _is_encodable(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


class Records:
    """Encrypts and decrypts numbered records; `count` is how many there are."""

    def __init__(self, key: SealKey, nonce: bytes, count: int) -> None:
        self._aead = ChaCha20Poly1305(key.derive("sidecar", nonce))
        self.count = count

    def _told(self, number: int) -> bytes:
        # The table of contents says how many records there are, so it alone is read without knowing.
        return number.to_bytes(8, "big") + (self.count if number else 0).to_bytes(8, "big")

    def write(self, stream: BinaryIO, number: int, plain: bytes) -> None:
        """Append a record."""
        sealed = self._aead.encrypt(number.to_bytes(12, "big"), plain, self._told(number))
        stream.write(len(sealed).to_bytes(8, "big") + sealed)

    def read(self, stream: BinaryIO, number: int) -> bytes:
        """Read the next record, which has to be the one of this number; SidecarError where it is not."""
        length = int.from_bytes(_exactly(stream, 8), "big")
        if length > _LONGEST_RECORD or length > _left(stream):
            raise damaged()
        try:
            return self._aead.decrypt(number.to_bytes(12, "big"), _exactly(stream, length), self._told(number))
        except InvalidTag:
            raise damaged() from None


def damaged() -> SidecarError:
    """What to raise where anything does not fit."""
    return SidecarError("The sidecar is damaged or cut off, so nothing was restored; use an intact copy.")


def _left(stream: BinaryIO) -> int:
    return os.fstat(stream.fileno()).st_size - stream.tell()


def _exactly(stream: BinaryIO, n: int) -> bytes:
    data = stream.read(n)
    if len(data) != n:
        raise damaged()
    return data


def packed(data: bytes, content: Content, hu: NDArray[np.int16]) -> bytes:
    """One file as its record has it: what is not pixels, and how the pixels differ from those of the changed scan."""
    if hashlib.sha256(data).hexdigest() != content.sha256:
        raise SidecarError(f"{content.name} was changed while the sidecar was written; try again.")
    difference = b""
    rest, pixels = data, content.pixels
    if pixels is not None:
        predicted = pixels.predicted(hu)
        end = pixels.offset + len(predicted)
        if end > len(data):
            raise SidecarError(f"{content.name} is shorter than when the scan was read from it; read it again.")
        rest = data[: pixels.offset] + data[end:]
        difference = _deflated(difference_of(data[pixels.offset : end], predicted, pixels.bits_allocated))
    packed_rest = zlib.compress(rest)
    return len(packed_rest).to_bytes(8, "big") + packed_rest + difference


def unpacked(record: bytes, content: Content, hu: NDArray[np.int16]) -> bytes:
    """The file of a record, as `packed` took it; SidecarError where its digest is another."""
    length = int.from_bytes(record[:8], "big")
    pixels = content.pixels
    if pixels is None:
        data = _inflated(record[8:], content.length)
    else:
        predicted = pixels.predicted(hu)
        rest = _inflated(record[8 : 8 + length], content.length - len(predicted))
        difference = _inflated(record[8 + length :], len(predicted))
        middle = added(predicted, difference, pixels.bits_allocated)
        data = rest[: pixels.offset] + middle + rest[pixels.offset :]
    if hashlib.sha256(data).hexdigest() != content.sha256:
        raise damaged()
    return data


def _deflated(data: bytes) -> bytes:
    """Deflated as runs and Huffman codes only: differences are noise, in which a search for repeats finds nothing."""
    packer = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return packer.compress(data) + packer.flush()


def _inflated(data: bytes, length: int) -> bytes:
    if length < 0:
        raise damaged()
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, max(1, length))
    except zlib.error:
        raise damaged() from None
    if len(plain) != length:
        raise damaged()
    return plain


def difference_of(data: bytes, predicted: bytes, bits: int) -> bytes:
    """Differences modulo the word, small ones of both signs first, the bytes of like weight together."""
    word = np.dtype(f"<u{bits // 8}")
    difference = (np.frombuffer(data, word) - np.frombuffer(predicted, word)).astype(word)
    signed = difference.view(f"<i{bits // 8}")
    folded = (difference << 1).astype(word) ^ (signed >> (bits - 1)).view(word)
    return folded.view(np.uint8).reshape(-1, bits // 8).T.tobytes()


def added(predicted: bytes, difference: bytes, bits: int) -> bytes:
    """What `difference_of` took the difference of."""
    word = np.dtype(f"<u{bits // 8}")
    folded = np.ascontiguousarray(np.frombuffer(difference, np.uint8).reshape(bits // 8, -1).T).view(word).ravel()
    signed = (folded >> 1) ^ (np.zeros_like(folded) - (folded & 1))
    return (np.frombuffer(predicted, word) + signed.astype(word)).astype(word).tobytes()
