"""The coarse grid that searches go over, and the way from its voxels back to those of the scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError

if TYPE_CHECKING:
    from napari_mits_gan.ct.grid import Voxel

_GRID_MM = 1.5
"""A search goes over voxels of about this size: fine enough for nodules, and quick."""


def coarsened(volume: CTVolume) -> tuple[CTVolume, NDArray[np.int64]]:
    """The scan in voxels of about 1.5 mm, means of whole blocks, and how many voxels a block has along each axis."""
    fz, fy, fx = (max(1, round(_GRID_MM / s)) for s in volume.spacing)
    return volume.coarsen((fz, fy, fx)), np.array([fz, fy, fx])


def lung_in(grid: CTVolume) -> NDArray[np.bool_]:
    """The lungs, shape (z, y, x); an AttackError where there are none."""
    lung = lung_mask(grid)
    if not lung.any():
        raise AttackError(f"no lung was found in '{grid.name}'; choose a chest CT.")
    return lung


def voxels_in_the_middle(
    coarse: NDArray[np.int64], factors: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """Voxels (n, 3) of the scan in the middle of blocks (n, 3)."""
    return np.minimum(coarse * factors + factors // 2, np.asarray(shape) - 1)


def as_place(voxel: NDArray[np.int64]) -> Voxel:
    """A voxel as others hand it on."""
    z, y, x = (int(v) for v in voxel)
    return (z, y, x)


def middle_x(lung: NDArray[np.bool_]) -> int:
    """The first column of voxels that is counted to the second lung."""
    columns = np.flatnonzero(lung.any(axis=(0, 1)))
    return int(columns[0] + columns[-1] + 1) // 2
