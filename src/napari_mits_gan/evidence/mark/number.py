"""The number of a marked scan, carried by a weak pattern of its own, so that no two scans have the same mark.

The pattern that finds tampering is drawn under key and number; averaging many scans marked with one key leaves nothing
of it. The number itself is spread over all of the lungs: each box of cells adds to one bit of it.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.keyed_order import keystream
from napari_mits_gan.evidence.mark.pattern import PERIOD, Layer, keyed_layer

BITS = 32
SHARE = 0.08
"""Of the mark's energy."""
BOX = 8
"""Cells of a box along each axis."""
_BOXES = PERIOD // BOX


def new_number() -> int:
    """A number for a scan, at random."""
    return secrets.randbits(BITS)


def number_layer(key: SealKey) -> Layer:
    """Cells of the pattern that carries the number, for a number of zeros."""
    return keyed_layer(key.derive("mark: carrier of the number"))


def scan_layer(key: SealKey, number: int) -> Layer:
    """Cells of the pattern of one scan, without its number's."""
    return keyed_layer(key.derive("mark: pattern", number.to_bytes(BITS // 8, "big")))


def marked_layer(key: SealKey, number: int) -> Layer:
    """Cells of the whole mark of one scan; their RMS is 1."""
    pattern, carrier, bits = scan_layer(key, number), number_layer(key), bits_of(number)
    which = bit_of_box(key)

    def layer(at: int) -> NDArray[np.float32]:
        signs = (1 - 2 * bits[which(at // BOX)]).repeat(BOX, axis=0).repeat(BOX, axis=1)
        strong, weak = np.float32((1 - SHARE) ** 0.5), np.float32(SHARE**0.5)
        return strong * pattern(at) + weak * (signs * carrier(at))

    return layer


def bit_of_box(key: SealKey) -> Layer:
    """From the number of a layer of boxes to which bit each box adds to, shape (boxes, boxes)."""
    secret = key.derive("mark: boxes of the number")

    @lru_cache(maxsize=4)
    def which(at: int) -> NDArray[np.intp]:
        bytes_ = keystream(_for_layer(secret, at), _BOXES * _BOXES)
        return np.frombuffer(bytes_, np.uint8).reshape(_BOXES, _BOXES).astype(np.intp) % BITS

    return which


def _for_layer(secret: bytes, at: int) -> bytes:
    return SealKey(secret).derive("layer", at.to_bytes(8, "big", signed=True))


def bits_of(number: int) -> NDArray[np.int8]:
    """Bits of a number, the highest first."""
    return np.array([number >> (BITS - 1 - i) & 1 for i in range(BITS)], np.int8)


def number_of(bits: NDArray[np.bool_]) -> int:
    """The number of these bits."""
    return int("".join("1" if bit else "0" for bit in bits), 2)
