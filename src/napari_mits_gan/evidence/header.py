"""The header of a seal: what a check must know before anything else, repeated all over every slice.

Its bits lie at places of the slice, under masks, that depend on the key and the plane alone, but for a rotation by
`PHASES` steps from slice to slice: so it is read from any slice, wherever in the scan that lies, by a vote over all
its repetitions; and what padding hides in one slice stands elsewhere in the next.
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
from napari_mits_gan.evidence.keyed_order import keyed_bits, keyed_order, keystream
from napari_mits_gan.evidence.lattice import Lattice
from napari_mits_gan.evidence.layout import Grid, header_bits

VERSION = 1
NONCE_BYTES = 12
_FIELDS = struct.Struct("<BHHHhhhhffII")
_MAC_BYTES = 8
HEADER_BYTES = NONCE_BYTES + _FIELDS.size + _MAC_BYTES
HEADER_BITS = 8 * HEADER_BYTES
PHASES = 8
"""After so many slices the header's bits are at the same places again."""
_STEP = HEADER_BITS // PHASES
_NOTHING = (1, 0)
"""Stands for no range of values."""


@dataclass(frozen=True)
class Header:
    """What a check must know first.

    Parameters
    ----------
    nonce : bytes
        12 random bytes that only this sealed scan has.
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
        body = self.nonce + _FIELDS.pack(
            VERSION << 4 | self.rule.bits,
            *self.shape,
            self.rule.lowest,
            self.rule.highest,
            *(self.rule.without or _NOTHING),
            self.lattice.slope,
            self.lattice.intercept,
            self.index_bytes,
            self.index_blocks,
        )
        return _masked(body + _code(key, body), key)


def unpack(data: bytes, key: SealKey) -> Header | None:
    """The header in bytes; None where their authentication code does not fit, or another version wrote them."""
    data = _masked(data, key)
    body, code = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
    if len(data) != HEADER_BYTES or not hmac.compare_digest(code, _code(key, body)):
        return None
    fields = _FIELDS.unpack(body[NONCE_BYTES:])
    kind, nz, ny, nx, lowest, highest, first, last, slope, intercept, length, blocks = fields
    if kind >> 4 != VERSION:
        return None
    rule = CarrierRule(kind & 15, lowest, highest, None if (first, last) == _NOTHING else (first, last))
    lattice = Lattice(slope, intercept)
    return Header(body[:NONCE_BYTES], (nz, ny, nx), rule, lattice, length, blocks)


def _masked(data: bytes, key: SealKey) -> bytes:
    """All but the nonce under a mask that the nonce gives, so that headers of two scans have nothing in common."""
    nonce, rest = data[:NONCE_BYTES], data[NONCE_BYTES:]
    mask = keystream(key.derive("mask of the header's fields", nonce), len(rest))
    return nonce + bytes(a ^ b for a, b in zip(rest, mask, strict=True))


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
        self.per_block = header_bits(grid, HEADER_BITS)
        places = grid.per_slice * self.per_block
        plane = struct.pack("<HH", grid.rows, grid.columns)
        order = keyed_order(key.derive("places of the header", plane), places)
        which = np.empty(places, np.intp)
        which[order] = np.arange(places) % HEADER_BITS
        self._which = which.reshape(grid.per_slice, self.per_block)
        self._masks = keyed_bits(key.derive("mask of the header", plane), places).reshape(self._which.shape)

    def bits(self, header: bytes, z: int) -> NDArray[np.uint8]:
        """Bits of a packed header as each block of slice `z` carries them, shape (blocks, header bits in a block)."""
        bits = np.roll(np.unpackbits(np.frombuffer(header, np.uint8)), -_STEP * (z % PHASES))
        return bits[self._which] ^ self._masks

    def votes(self, found: NDArray[np.uint8], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many more of the carried bits say 1 than 0, for each bit of the header, as if the slice were slice 0.

        Parameters
        ----------
        found : ndarray of uint8, shape (blocks, header bits in a block)
            What stands at the header's places of a slice.
        counted : ndarray of bool, shape (blocks,)
            Blocks that have a say.
        """
        said = (found ^ self._masks).astype(np.int64)[counted] * 2 - 1
        votes = np.bincount(self._which[counted].ravel(), weights=said.ravel(), minlength=HEADER_BITS)
        return votes.astype(np.int64)


def in_phase(votes: NDArray[np.int64], phase: int) -> NDArray[np.int64]:
    """Votes, shape (bits,), of a slice whose number is `phase`, modulo `PHASES`, in the order of the header's bits."""
    return np.roll(votes, _STEP * (phase % PHASES))


def header_of_votes(votes: NDArray[np.int64], key: SealKey) -> Header | None:
    """The header that votes give, if its authentication code fits."""
    return unpack(np.packbits(votes > 0).tobytes(), key)
