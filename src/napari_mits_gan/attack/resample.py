"""Cubic-spline resampling as three matrices, one per axis: linear in the voxels, so its gradient is exact."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_mits_gan.ct.grid import Box, cubic_zoom_matrix
from napari_mits_gan.ct.volume import CTVolume


@lru_cache(maxsize=256)
def _zoom_tensor(n_in: int, n_out: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    # Kept for later calls, so it must serve gradients even if the first call wants none.
    with torch.inference_mode(False):
        return torch.tensor(cubic_zoom_matrix(n_in, n_out), dtype=dtype, device=device)


def resample(cubes: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Resample to another number of voxels, first and last voxel centres kept, by cubic splines.

    Parameters
    ----------
    cubes : Tensor of float, shape (..., z, y, x)
        HU.
    shape : tuple of int
        Number of voxels (z, y, x) wanted.

    Returns
    -------
    Tensor, shape (..., *shape)

    Notes
    -----
    Equal to `scipy.ndimage.zoom(order=3)` with the boundary rule of scipy < 1.6, which CT-GAN was published with
    (`utils/dicom_utils.py`, `scale_scan`).
    """
    for axis, n_out in zip((-3, -2, -1), shape, strict=True):
        n_in = cubes.shape[axis]
        if n_in != n_out:
            matrix = _zoom_tensor(n_in, n_out, cubes.dtype, cubes.device)
            cubes = torch.tensordot(cubes, matrix, dims=([axis], [1])).movedim(-1, axis)
    return cubes


def cut_at_1mm(volume: CTVolume, at: NDArray[np.int64], side_mm: int) -> NDArray[np.float32]:
    """The cube of `side_mm` around the voxel `at` (z, y, x), resampled to 1 mm by cubic splines; borders repeated."""
    z, y, x = (max(2, round(side_mm / s)) for s in volume.spacing)
    box = Box.around((int(at[0]), int(at[1]), int(at[2])), (z, y, x))
    inside = (np.clip(np.arange(lo, hi), 0, n - 1) for lo, hi, n in zip(box.low, box.high, volume.shape, strict=True))
    index = np.ix_(*inside)
    cube = torch.from_numpy(volume.hu[index].astype(np.float32))
    return resample(cube, (side_mm, side_mm, side_mm)).numpy()
