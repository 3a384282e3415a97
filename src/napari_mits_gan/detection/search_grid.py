"""The coarse grid that searches go over, and the way from its voxels back to those of the scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError

if TYPE_CHECKING:
    from napari_mits_gan.attack.pipeline import Place

_GRID_MM = 1.5
"""A search goes over voxels of about this size: fine enough for nodules, and quick."""


def coarsened(volume: CTVolume) -> tuple[CTVolume, NDArray[np.int64]]:
    """The scan in voxels of about 1.5 mm, means of whole blocks, and how many voxels a block has along each axis."""
    fz, fy, fx = factors = np.array([max(1, round(_GRID_MM / s)) for s in volume.spacing])
    nz, ny, nx = np.asarray(volume.shape) // factors
    hu = np.empty((nz, ny, nx), dtype=np.int16)
    padding = None if volume.padding is None else np.zeros(hu.shape, dtype=bool)
    for z in range(nz):  # slab by slab, so that no wide copy of the scan is made
        slab = (slice(z * fz, (z + 1) * fz), slice(0, ny * fy), slice(0, nx * fx))
        blocks = volume.hu[slab].reshape(fz, ny, fy, nx, fx)
        hu[z] = np.rint(blocks.mean(axis=(0, 2, 4), dtype=np.float32))
        if padding is not None and volume.padding is not None:
            padding[z] = volume.padding[slab].reshape(fz, ny, fy, nx, fx).any(axis=(0, 2, 4))
    spacing = tuple(float(s * f) for s, f in zip(volume.spacing, factors, strict=True))
    return CTVolume(hu, spacing=spacing, padding=padding, name=volume.name), factors  # type: ignore[arg-type]


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


def as_place(voxel: NDArray[np.int64]) -> Place:
    """A voxel as others hand it on."""
    z, y, x = (int(v) for v in voxel)
    return (z, y, x)


def middle_x(lung: NDArray[np.bool_]) -> int:
    """The first column of voxels that is counted to the second lung."""
    columns = np.flatnonzero(lung.any(axis=(0, 1)))
    return int(columns[0] + columns[-1] + 1) // 2
