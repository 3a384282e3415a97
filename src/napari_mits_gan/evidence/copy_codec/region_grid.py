"""Which part of the scan is coded how finely: the region map on a coarse grid, and the region of each coefficient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.copy_codec.wavelet import Band

AIR, BODY, LUNGS = 0, 1, 2
STEP_UNITS = np.array([16, 8, 2], dtype=np.int16)
"""Quantisation steps of air, body and lungs relative to each other; `units_of` has the same."""

_CELL_LOG2 = ((1, 3, 3), (2, 4, 4), (3, 5, 5))
"""Cells of the grid (z, y, x) as powers of two, finest first."""
GRIDS = len(_CELL_LOG2)
_COARSE_LEVEL = 3
"""From this level on the air is coded as well, so that the table and the air are roughly right."""
_LUNG_SHARE, _BODY_SHARE = 0.15, 0.0
"""Share of a cell's voxels from which on all of it counts as lungs, or as body."""

Grid = NDArray[np.uint8]


def grid_shape(shape: tuple[int, ...], fineness: int) -> tuple[int, ...]:
    """Cells that cover `shape` (z, y, x); `fineness` 0 is the finest of `GRIDS`."""
    return tuple(-(-n >> log2) if n else 0 for n, log2 in zip(shape, _CELL_LOG2[fineness], strict=True))


def cell_slices(fineness: int) -> int:
    """Slices that a cell spans."""
    return 1 << _CELL_LOG2[fineness][0]


def grid_of(regions: NDArray[np.uint8], fineness: int) -> Grid:
    """The region of each cell, from the region of each voxel."""
    shape = grid_shape(regions.shape, fineness)
    cell = [1 << log2 for log2 in _CELL_LOG2[fineness]]
    grid = np.empty(shape, np.uint8)
    for z in range(shape[0]):
        layers = regions[z * cell[0] : (z + 1) * cell[0]]
        voxels = len(layers) * cell[1] * cell[2]
        lungs, body = (_count(layers == LUNGS, cell[1:]), _count(layers != AIR, cell[1:]))
        grid[z] = np.where(lungs > _LUNG_SHARE * voxels, LUNGS, np.where(body > _BODY_SHARE * voxels, BODY, AIR))
    return grid


def _count(mask: NDArray[np.bool_], cell: list[int]) -> NDArray[np.int64]:
    """True voxels in each cell (y, x), over all slices."""
    # Small numbers add up several times as fast as large ones, and no cell has more voxels than they can tell.
    per_pixel = mask.view(np.uint8).sum(axis=0, dtype=np.uint8)
    rows = np.add.reduceat(per_pixel, np.arange(0, mask.shape[1], cell[0]), axis=0, dtype=np.uint16)
    return np.add.reduceat(rows, np.arange(0, mask.shape[2], cell[1]), axis=1, dtype=np.int64)


def pack(grid: Grid) -> bytes:
    """Bits that differ from the slice before, the lower plane first."""
    changed = grid.copy()
    changed[1:] ^= grid[:-1]
    return np.packbits(changed & 1).tobytes() + np.packbits(changed >> 1).tobytes()


def packed_size(shape: tuple[int, ...]) -> int:
    """Bytes of a packed grid of this shape."""
    return 2 * -(-int(np.prod(shape)) // 8)


def unpack(data: bytes, shape: tuple[int, ...]) -> Grid:
    """What `pack` packed; cells of a region that does not exist count as lungs."""
    n = int(np.prod(shape))
    low, high = np.frombuffer(data, np.uint8).reshape(2, -1)
    changed = np.unpackbits(low, count=n) | np.unpackbits(high, count=n) << 1
    return np.minimum(np.bitwise_xor.accumulate(changed.reshape(shape), axis=0), LUNGS)


def region_of_coefficients(grid: Grid, fineness: int, band: Band) -> Grid:
    """The highest region that a coefficient's voxels touch, for each coefficient of a band of the grid's slab."""
    for axis, (cell, halving, n) in enumerate(zip(_CELL_LOG2[fineness], band.halvings, band.shape, strict=True)):
        if halving <= cell:
            at = np.arange(n) << halving >> cell
            grid = np.take(grid, np.minimum(at, grid.shape[axis] - 1), axis)
        else:
            starts = np.minimum(np.arange(n) << (halving - cell), grid.shape[axis] - 1)
            grid = np.maximum.reduceat(grid, starts, axis=axis)
    return grid


def units_of(region: Grid) -> NDArray[np.uint8]:
    """`STEP_UNITS` of each region: as arithmetic on bytes several times as fast as looking them up."""
    return np.asarray((region * region - region * np.uint8(9)) + np.uint8(STEP_UNITS[AIR]))


def air_is_coded(band: Band) -> bool:
    """Whether a band's coefficients in the air are coded; else they are zero."""
    return not 0 < band.level < _COARSE_LEVEL


def coded(region: Grid, band: Band) -> NDArray[np.bool_]:
    """Which coefficients are coded at all; the others are zero."""
    return np.ones(region.shape, bool) if air_is_coded(band) else region != AIR
