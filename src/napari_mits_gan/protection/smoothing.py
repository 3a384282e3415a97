"""What an attacker may do to a scan first, to be rid of a protection, in a form that gradients pass through.

Expectation over transformations (Athalye et al., ICML 2018): what is trained through these survives them. Blurring and
resampling are linear and act along each axis by itself, so each is one matrix per axis.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_mits_gan.ct.grid import blur_matrix, linear_matrix

_GRID_MM = 1.0
_BLUR_VOXELS = (0.4, 1.0)


def _there_and_back(n: int, spacing: float, shift: float) -> NDArray[np.float64]:
    """Resampling of n voxels to 1 mm and back, the coarse grid shifted by `shift` mm."""
    grid = np.arange(-1, n * spacing / _GRID_MM + 2) + shift
    there = linear_matrix(grid * _GRID_MM / spacing, n)
    back = linear_matrix(np.arange(n) * spacing / _GRID_MM - grid[0], len(grid))
    return back @ there


def random_smoothing(
    shape: tuple[int, ...], spacing: tuple[float, float, float], rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw a blur of 0.4 to 1 voxel, or a resampling to 1 mm and back, equally often.

    Parameters
    ----------
    shape : tuple of int
        Voxels (z, y, x).
    spacing : tuple of float
        mm (z, y, x).
    rng : Generator
        Decides.

    Returns
    -------
    tuple of Tensor
        A square matrix for each axis (z, y, x).
    """
    if rng.random() < 0.5:
        sigma = rng.uniform(*_BLUR_VOXELS)
        matrices = [blur_matrix(n, sigma) for n in shape]
    else:
        matrices = [_there_and_back(n, s, rng.uniform(0, _GRID_MM)) for n, s in zip(shape, spacing, strict=True)]
    z, y, x = (torch.from_numpy(matrix.astype(np.float32)) for matrix in matrices)
    return z, y, x


def smoothed(hu: Tensor, matrices: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Apply one matrix per axis to volumes of shape (..., z, y, x)."""
    for axis, matrix in zip((-3, -2, -1), matrices, strict=True):
        hu = torch.tensordot(hu, matrix.to(hu), dims=([axis], [1])).movedim(-1, axis)
    return hu
