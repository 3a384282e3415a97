"""The tag of a block: a keyed code over its values and its place, which no changed, moved or foreign block has."""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.layout import TAG_BITS

CARRIED, APART = 0, 1
"""Whether the tag stands in the block itself, or in the index since the block has too few carriers."""
_PLACE_WORDS = 4


def place_tags(
    key: bytes, z: int, numbers: NDArray[np.integer], blocks: NDArray[np.int16], kind: int
) -> NDArray[np.uint32]:
    """Tags of blocks of one slice.

    Parameters
    ----------
    key : bytes
        The key for the tags of this scan.
    z : int
        The slice.
    numbers : ndarray of int, shape (n,)
        Which blocks of the slice.
    blocks : ndarray of int16, shape (n, 256)
        Their values in the key's order; bits that hold header or tag are 0.
    kind : int
        `CARRIED` or `APART`.

    Returns
    -------
    ndarray of uint32, shape (n,)
        The first four bytes, little endian, of keyed BLAKE2b over kind, z and number (16-bit each, the number as two)
        and the values, all little endian.
    """
    message = np.empty((len(blocks), _PLACE_WORDS + blocks.shape[1]), "<i2")
    message[:, 0] = kind
    message[:, 1] = np.array(z, np.uint16).astype(np.int16)
    message[:, 2] = (np.asarray(numbers) & 0xFFFF).astype(np.uint16).view(np.int16)
    message[:, 3] = np.asarray(numbers) >> 16
    message[:, _PLACE_WORDS:] = blocks
    # Hashing a copy of a keyed state saves preparing the key for every block.
    fresh = hashlib.blake2b(digest_size=TAG_BITS // 8, key=key)
    view = memoryview(message.tobytes())
    size = message.shape[1] * 2
    out = []
    for at in range(0, len(view), size):
        state = fresh.copy()
        state.update(view[at : at + size])
        out.append(state.digest())
    return np.frombuffer(b"".join(out), "<u4").astype(np.uint32)


def fits(expected: NDArray[np.uint32], stated: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which tags are the expected ones, shape (n,).

    Whether all are is decided by a comparison whose time tells nothing of them; where not all are, each pair is
    compared in full, without an early end.
    """
    if hmac.compare_digest(expected.tobytes(), stated.tobytes()):
        return np.ones(len(expected), bool)
    return np.asarray((expected ^ stated) == 0)


def tag_bits(tags: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Bits of tags, shape (n, 32), the highest of each byte first."""
    return np.unpackbits(tags.astype("<u4").view(np.uint8).reshape(-1, 4), axis=1)


def tags_of_bits(bits: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Tags of bits, shape (n, 32)."""
    return np.packbits(bits, axis=1).view("<u4").ravel().astype(np.uint32)
