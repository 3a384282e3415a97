"""Cubic-spline resampling as three matrices, one per axis: linear in the voxels, so its gradient is exact."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from napari_mits_gan.ct.grid import cubic_zoom_matrix


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
