"""What is sent beside a slab's tokens: the coarsest band, bits that the entropy coder carries, compressed bytes."""

from __future__ import annotations

import lzma

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.copy_codec.quantisation import step_of
from napari_mits_gan.evidence.copy_codec.wavelet import Array

_LZMA: list[dict[str, int]] = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 0, "lp": 0, "pb": 0}]


def pack_bytes(data: bytes) -> bytes:
    """Compress side information."""
    return lzma.compress(data, lzma.FORMAT_RAW, filters=_LZMA)


def unpack_bytes(data: bytes, size: int) -> bytes:
    """Decompress exactly `size` bytes; raises EvidenceError on anything else."""
    try:
        plain = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_LZMA).decompress(data, max_length=size)
    except lzma.LZMAError as error:
        raise EvidenceError("the recovery copy is damaged: its side information cannot be read") from error
    if len(plain) != size:
        raise EvidenceError("the recovery copy is damaged: its side information is incomplete")
    return plain


def pack_coarsest(coefficients: Array, step: int) -> bytes:
    """The coarsest band, as differences from value to value."""
    values = np.round(coefficients.ravel() / step_of(step)).astype(np.int32)
    differences = np.diff(values, prepend=np.int32(0))
    return pack_bytes(differences.astype("<i4").view(np.uint8).reshape(-1, 4).T.tobytes())


def unpack_coarsest(data: bytes, shape: tuple[int, ...], step: int) -> Array:
    """What `pack_coarsest` packed."""
    n = int(np.prod(shape))
    planes = np.frombuffer(unpack_bytes(data, 4 * n), np.uint8).reshape(4, n)
    differences = np.ascontiguousarray(planes.T).view("<i4").ravel()
    values = np.cumsum(differences, dtype=np.int32)
    return (values * step_of(step)).astype(np.float32).reshape(shape)


def to_words(bits_: NDArray[np.bool_], states: int) -> tuple[NDArray[np.uint16], bytes]:
    """Bits as one word for each state of the entropy coder, and the bytes that are left."""
    packed = np.packbits(bits_).tobytes()
    spare = packed[: 2 * states].ljust(2 * states, b"\0")
    return np.frombuffer(spare, "<u2").astype(np.uint16), packed[2 * states :]
