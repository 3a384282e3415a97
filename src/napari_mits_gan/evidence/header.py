"""The header of a seal: what a check must know before anything else."""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass

from napari_mits_gan.evidence.carriers import CarrierRule
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.keyed_order import keystream
from napari_mits_gan.evidence.lattice import Lattice

VERSION = 2
NONCE_BYTES = 12
_FIELDS = struct.Struct("<BHHHhhhhffII")
_MAC_BYTES = 8
HEADER_BYTES = NONCE_BYTES + _FIELDS.size + _MAC_BYTES
HEADER_BITS = 8 * HEADER_BYTES
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
