"""Where in a block of voxels each carried bit lies: header, tag, and the bytes that the block holds besides.

A block is 16 x 16 voxels of one slice. Its carriers, in an order that the key gives (another for each block of a
slice), have ranks 0, 1, 2, …; bit 0 of ranks 0 to h - 1 holds the header, bit 0 of the next 32 ranks the tag. Payload
follows: with two bits carried first bit 1 of all those ranks, then every carried bit of the other ranks, bit 0
before bit 1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.carriers import CarrierRule
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.keyed_order import keyed_orders

Number = TypeVar("Number", bound=np.generic)

SIDE = 16
"""Voxels along an edge of a block."""
CELLS = SIDE * SIDE
TAG_BITS = 32
HEADER_COPIES = 5
"""How often a slice holds the header at least; large slices hold it more often."""
FEWEST_HEADER_BITS, MOST_HEADER_BITS = 8, 144
SLOTS = {1: 1, 2: 2}
"""Symbols in a block of carriers only, by bits: more of them leave less of the blocks at the rim unused, which have
fewer carriers, but take the longer to encode the more there are."""


@dataclass(frozen=True)
class Grid:
    """Blocks of a scan.

    Parameters
    ----------
    shape : tuple of int
        Voxels along (z, y, x).
    """

    shape: tuple[int, int, int]

    @property
    def rows(self) -> int:
        """Blocks along y; the last may reach over the edge."""
        return -(-self.shape[1] // SIDE)

    @property
    def columns(self) -> int:
        """Blocks along x; the last may reach over the edge."""
        return -(-self.shape[2] // SIDE)

    @property
    def per_slice(self) -> int:
        """Blocks of one slice."""
        return self.rows * self.columns

    @property
    def count(self) -> int:
        """Blocks of the scan."""
        return self.shape[0] * self.per_slice


class Cells:
    """Slices taken apart into blocks whose voxels stand in the key's order, and put together again.

    Parameters
    ----------
    grid : Grid
        The blocks.
    order : ndarray of int, shape (blocks of a slice, 256)
        Which voxel of each block, counted row by row, stands where.
    """

    def __init__(self, grid: Grid, order: NDArray[np.intp]) -> None:
        self.grid = grid
        width = grid.columns * SIDE
        corner = (np.arange(grid.rows) * SIDE * width)[:, None] + np.arange(grid.columns) * SIDE
        within = (order // SIDE) * width + order % SIDE
        self._place = corner.reshape(-1, 1) + within
        inside = np.zeros((grid.rows * SIDE, width), bool)
        inside[: grid.shape[1], : grid.shape[2]] = True
        self.inside: NDArray[np.bool_] = np.take(inside, self._place)
        """False where a block reaches over the edge of the slice."""

    def apart(self, values: NDArray[Number]) -> NDArray[Number]:
        """Blocks, shape (blocks, 256), of a slice, shape (y, x); 0 beyond its edge."""
        if values.size != self._place.size:
            wide = np.zeros((self.grid.rows * SIDE, self.grid.columns * SIDE), values.dtype)
            wide[: self.grid.shape[1], : self.grid.shape[2]] = values
            values = wide
        return np.take(np.ascontiguousarray(values), self._place)

    def filled(self, blocks: NDArray[Number]) -> NDArray[Number]:
        """The slice of blocks with all that reaches over its edge, shape (rows of blocks x 16, columns x 16)."""
        flat = np.empty(self._place.size, blocks.dtype)
        flat[self._place] = blocks
        return flat.reshape(self.grid.rows * SIDE, self.grid.columns * SIDE)

    def together(self, blocks: NDArray[Number]) -> NDArray[Number]:
        """The slice, shape (y, x), of its blocks."""
        return self.filled(blocks)[: self.grid.shape[1], : self.grid.shape[2]]


def cell_order(grid: Grid, key: SealKey) -> NDArray[np.intp]:
    """The order of the voxels of each block of a slice, shape (blocks, 256); the same in every slice."""
    plane = struct.pack("<HH", grid.rows, grid.columns)
    return keyed_orders(key.derive("order of voxels", plane), grid.per_slice, CELLS)


@dataclass(frozen=True)
class Layout:
    """How many bits of a block serve for what.

    Parameters
    ----------
    bits : {1, 2}
        Carried bits of a voxel.
    header_bits : int
        Bits of the header in each block.
    """

    bits: int
    header_bits: int

    @property
    def fixed_bits(self) -> int:
        """Bits of header and tag: the carriers that a block needs to be sealed by a tag of its own."""
        return self.header_bits + TAG_BITS

    @property
    def symbol_bytes(self) -> int:
        """Bytes of one symbol."""
        return (self.bits * CELLS - self.fixed_bits) // (8 * SLOTS[self.bits])

    @property
    def slots(self) -> int:
        """Symbols that a block of carriers only holds."""
        return int(self.slots_of(np.array([CELLS]))[0])

    def slots_of(self, carriers: NDArray[np.integer]) -> NDArray[np.intp]:
        """Symbols that blocks with so many carriers hold."""
        free = self.bits * carriers - self.fixed_bits
        return np.where(carriers >= self.fixed_bits, free // (8 * self.symbol_bytes), 0)


def header_bits(grid: Grid, length: int) -> int:
    """Bits of the header in each block, so that each slice has it several times; `length` is the header's, in bits."""
    wanted = -(-HEADER_COPIES * length // grid.per_slice)
    return min(max(wanted, FEWEST_HEADER_BITS), MOST_HEADER_BITS)


class CarrierBlocks:
    """Blocks of one slice with their carriers moved to the front.

    Parameters
    ----------
    blocks : ndarray of int16, shape (blocks, 256)
        Voxels in the key's order; not kept.
    inside : ndarray of bool, same shape
        False beyond the edge of the slice.
    rule : CarrierRule
        Which are carriers.
    """

    def __init__(self, blocks: NDArray[np.int16], inside: NDArray[np.bool_], rule: CarrierRule) -> None:
        mask = rule.mask(blocks) & inside
        self.carriers: NDArray[np.intp] = np.count_nonzero(mask, axis=1)
        """Number of carriers in each block."""
        self._mixed = np.flatnonzero((self.carriers > 0) & (self.carriers < CELLS))
        self._ranks = np.argsort(~mask[self._mixed], axis=1, kind="stable")
        self.values = self.by_rank(blocks)
        """shape (blocks, 256): carriers by rank, then the others."""

    def by_rank(self, blocks: NDArray[Number]) -> NDArray[Number]:
        """Blocks in the key's order as `self.values` stands: carriers by rank, then the others; a new array."""
        out = blocks.copy()
        if self._mixed.size:
            out[self._mixed] = np.take_along_axis(blocks[self._mixed], self._ranks, 1)
        return out

    def in_place(self, values: NDArray[Number]) -> NDArray[Number]:
        """Blocks in the key's order again, of values that stand as `self.values` do; a new array."""
        out = values.copy()
        if self._mixed.size:
            moved = np.empty((self._mixed.size, CELLS), values.dtype)
            np.put_along_axis(moved, self._ranks, values[self._mixed], 1)
            out[self._mixed] = moved
        return out


def payload_of(values: NDArray[np.int16], layout: Layout) -> NDArray[np.uint8]:
    """Symbols that blocks hold, shape (blocks, slots, symbol bytes); those beyond a block's own slots mean nothing."""
    used = layout.slots * layout.symbol_bytes * 8
    fixed = layout.fixed_bits
    low = (values & 1).astype(np.uint8)
    if layout.bits == 1:
        bits = low[:, fixed : fixed + used]
    else:
        high = ((values >> 1) & 1).astype(np.uint8)
        pairs = np.stack([low[:, fixed:], high[:, fixed:]], axis=2).reshape(len(values), 2 * (CELLS - fixed))
        bits = np.concatenate([high[:, :fixed], pairs], axis=1)[:, :used]
    return np.packbits(bits, axis=1).reshape(len(values), layout.slots, layout.symbol_bytes)


def wanted_bits(
    values: NDArray[np.int16],
    carriers: NDArray[np.integer],
    symbols: NDArray[np.uint8],
    layout: Layout,
) -> NDArray[np.uint8]:
    """Carried bits that blocks shall have, all but those of header and tag.

    Parameters
    ----------
    values : ndarray of int16, shape (blocks, 256)
        Carriers by rank, then the others.
    carriers : ndarray of int, shape (blocks,)
        Number of carriers.
    symbols : ndarray of uint8, shape (blocks, slots, symbol bytes)
        What to carry; those beyond a block's slots are left out.
    layout : Layout
        Where each bit lies.

    Returns
    -------
    ndarray of uint8, shape (blocks, 256)
        As `values` have them where nothing is carried. Where bit 1 of a voxel changes whose bit 0 will hold a bit of
        header or tag, bit 0 is what the nearest value with that bit 1 has: that bit then moves it by 1 to either side.
    """
    size = (1 << layout.bits) - 1
    wanted = (values & size).astype(np.uint8)
    fixed = layout.fixed_bits
    bits = np.unpackbits(symbols.reshape(len(values), symbols.shape[1] * symbols.shape[2]), axis=1)
    low, high = wanted & 1, wanted >> 1
    if layout.bits == 1:
        present = low[:, fixed : fixed + bits.shape[1]]
    else:
        pairs = np.stack([low[:, fixed:], high[:, fixed:]], axis=2).reshape(len(values), 2 * (CELLS - fixed))
        present = np.concatenate([high[:, :fixed], pairs], axis=1)
    limit = layout.slots_of(carriers) * layout.symbol_bytes * 8
    mixed = np.flatnonzero(limit < bits.shape[1])
    if mixed.size:
        beyond = np.arange(bits.shape[1]) >= limit[mixed][:, None]
        bits[mixed] = np.where(beyond, present[mixed, : bits.shape[1]], bits[mixed])
    if layout.bits == 1:
        low[:, fixed : fixed + bits.shape[1]] = bits
    else:
        present[:, : bits.shape[1]] = bits
        low[:, :fixed] ^= high[:, :fixed] ^ present[:, :fixed]
        high[:, :fixed] = present[:, :fixed]
        low[:, fixed:], high[:, fixed:] = present[:, fixed::2], present[:, fixed + 1 :: 2]
    return (low | (high << 1)).astype(np.uint8) if layout.bits == 2 else low.astype(np.uint8)
