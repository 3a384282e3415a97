"""The header of a seal: what a check must know before anything else, repeated all over every slice.

Its bits lie at places of the slice, under masks, that depend on the key and the plane alone: so it is read from any
slice, wherever in the scan that lies, by a vote over all its repetitions.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.carriers import CarrierRule
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.keyed_order import keyed_bits, keyed_order
from napari_mits_gan.evidence.lattice import Lattice
from napari_mits_gan.evidence.layout import Grid, header_bits

VERSION = 1
NONCE_BYTES = 16
_FIELDS = struct.Struct("<BBHHHhhhhBddII")
_MAC_BYTES = 8
HEADER_BYTES = NONCE_BYTES + _FIELDS.size + _MAC_BYTES


@dataclass(frozen=True)
class Header:
    """What a check must know first.

    Parameters
    ----------
    nonce : bytes
        16 random bytes that only this sealed scan has.
    shape : tuple of int
        Voxels of the sealed scan along (z, y, x).
    rule : CarrierRule
        Which values carry bits.
    lattice : Lattice
        What the values are.
    index_bytes : int
        Length of the index.
    index_blocks : int
        Number of blocks, first in the order of places, that carry the index.
    """

    nonce: bytes
    shape: tuple[int, int, int]
    rule: CarrierRule
    lattice: Lattice
    index_bytes: int
    index_blocks: int

    def pack(self, key: SealKey) -> bytes:
        """The header as bytes, with its authentication code."""
        without = self.rule.without or (0, 0)
        body = self.nonce + _FIELDS.pack(
            VERSION,
            self.rule.bits,
            *self.shape,
            self.rule.lowest,
            self.rule.highest,
            *without,
            self.rule.without is not None,
            self.lattice.slope,
            self.lattice.intercept,
            self.index_bytes,
            self.index_blocks,
        )
        return body + _code(key, body)


def unpack(data: bytes, key: SealKey) -> Header | None:
    """The header in bytes; None where their authentication code does not fit, or another version wrote them."""
    body, code = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
    if len(data) != HEADER_BYTES or not hmac.compare_digest(code, _code(key, body)):
        return None
    fields = _FIELDS.unpack(body[NONCE_BYTES:])
    version, bits, nz, ny, nx, lowest, highest, first, last, has_without, slope, intercept, length, blocks = fields
    if version != VERSION:
        return None
    rule = CarrierRule(bits, lowest, highest, (first, last) if has_without else None)
    return Header(body[:NONCE_BYTES], (nz, ny, nx), rule, Lattice(slope, intercept), length, blocks)


def _code(key: SealKey, body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_MAC_BYTES, key=key.derive("header")).digest()


class HeaderPlaces:
    """Where the header's bits lie in a slice of a certain size.

    Parameters
    ----------
    grid : Grid
        Blocks of the scan; only those of one slice matter.
    key : SealKey
        The key.
    """

    def __init__(self, grid: Grid, key: SealKey) -> None:
        self.per_block = header_bits(grid, 8 * HEADER_BYTES)
        places = grid.per_slice * self.per_block
        plane = struct.pack("<HH", grid.rows, grid.columns)
        order = keyed_order(key.derive("places of the header", plane), places)
        which = np.empty(places, np.intp)
        which[order] = np.arange(places) % (8 * HEADER_BYTES)
        self._which = which.reshape(grid.per_slice, self.per_block)
        self._masks = keyed_bits(key.derive("mask of the header", plane), places).reshape(self._which.shape)

    def bits(self, header: bytes) -> NDArray[np.uint8]:
        """Bits of a packed header as each block carries them, shape (blocks, header bits in a block)."""
        return np.unpackbits(np.frombuffer(header, np.uint8))[self._which] ^ self._masks

    def votes(self, found: NDArray[np.uint8], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many more of the carried bits say 1 than 0, for each bit of the header.

        Parameters
        ----------
        found : ndarray of uint8, shape (blocks, header bits in a block)
            What stands at the header's places of a slice.
        counted : ndarray of bool, shape (blocks,)
            Blocks that have a say.
        """
        said = (found ^ self._masks).astype(np.int64)[counted] * 2 - 1
        votes = np.bincount(self._which[counted].ravel(), weights=said.ravel(), minlength=8 * HEADER_BYTES)
        return votes.astype(np.int64)


def header_of_votes(votes: NDArray[np.int64], key: SealKey) -> Header | None:
    """The header that votes give, if its authentication code fits."""
    return unpack(np.packbits(votes > 0).tobytes(), key)
