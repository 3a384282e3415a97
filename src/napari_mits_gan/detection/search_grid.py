"""The coarse grid that searches go over, and the way from its voxels back to those of the scan."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.grid import Spacing, Voxel
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError

_GRID_MM = 1.5
"""A search goes over voxels of about this size: fine enough for nodules, and quick."""


def coarse_factors(spacing: Spacing) -> tuple[int, int, int]:
    """How many voxels (z, y, x) a block of about 1.5 mm has, for `CTVolume.coarsen`."""
    z, y, x = (max(1, round(_GRID_MM / s)) for s in spacing)
    return z, y, x


def lung_in(grid: CTVolume) -> NDArray[np.bool_]:
    """The lungs, shape (z, y, x); an AttackError where there are none."""
    lung = lung_mask(grid)
    if not lung.any():
        raise AttackError(f"no lung was found in '{grid.name}'; choose a chest CT.")
    return lung


def block_centres(blocks: NDArray[np.int64], factors: tuple[int, int, int], scan: CTVolume) -> NDArray[np.int64]:
    """Voxels (n, 3) of the scan in the middle of blocks (n, 3)."""
    size = np.array(factors)
    return np.minimum(blocks * size + size // 2, np.asarray(scan.shape) - 1)


def as_voxel(row: NDArray[np.int64]) -> Voxel:
    """A row (z, y, x) of whole numbers as a voxel."""
    z, y, x = (int(v) for v in row)
    return (z, y, x)


def middle_x(lung: NDArray[np.bool_]) -> int:
    """The first column of voxels that is counted to the second lung."""
    columns = np.flatnonzero(lung.any(axis=(0, 1)))
    return int(columns[0] + columns[-1] + 1) // 2
