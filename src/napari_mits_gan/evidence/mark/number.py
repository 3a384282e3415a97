"""The number of a marked scan, carried by a weak pattern of its own, so that no two scans have the same mark.

The pattern that finds tampering is drawn under key and number; averaging many scans marked with one key leaves nothing
of it. The number itself is spread over all of the lungs: the sign of each box of cells is the parity of some of its
bits, which ones the key says, so that any part of the boxes tells all of it.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.keyed_order import keystream
from napari_mits_gan.evidence.mark.pattern import PERIOD, Layer, keyed_layer

BITS = 16
SHARE = 0.06
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
    pattern, carrier, masks = scan_layer(key, number), number_layer(key), box_masks(key)

    def layer(at: int) -> NDArray[np.float32]:
        signs = _signs(masks(at // BOX), number).repeat(BOX, axis=0).repeat(BOX, axis=1)
        strong, weak = np.float32((1 - SHARE) ** 0.5), np.float32(SHARE**0.5)
        return strong * pattern(at) + weak * (signs * carrier(at))

    return layer


def box_masks(key: SealKey) -> Layer:
    """From the number of a layer of boxes to the bits whose parity is the sign of each box, shape (boxes, boxes)."""
    secret = key.derive("mark: boxes of the number")

    @lru_cache(maxsize=4)
    def masks(at: int) -> NDArray[np.uint16]:
        stream = keystream(_for_layer(secret, at), 2 * _BOXES * _BOXES)
        return np.frombuffer(stream, "<u2").astype(np.uint16).reshape(_BOXES, _BOXES)

    return masks


def _signs(masks: NDArray[np.number], number: int) -> NDArray[np.int8]:
    """1 where an even number of a mask's bits is set in a number, else -1."""
    held = masks.astype(np.uint16) & np.uint16(number)
    odd = np.unpackbits(held.view(np.uint8).reshape(*held.shape, 2), axis=-1).sum(axis=-1) & 1
    return np.asarray(1 - 2 * odd.astype(np.int8), np.int8)


def _for_layer(secret: bytes, at: int) -> bytes:
    return SealKey(secret).derive("layer", at.to_bytes(8, "big", signed=True))
