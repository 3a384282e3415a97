"""What an attacker may do to a scan first, to be rid of a protection, in a form that gradients pass through.

Expectation over transformations (Athalye et al., ICML 2018): what is trained through these survives them. Blurring and
resampling are linear and act along each axis by itself, so each is one matrix per axis.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_GRID_MM = 1.0
_BLUR_VOXELS = (0.4, 1.0)


def _blur(n: int, sigma: float) -> NDArray[np.float64]:
    """Gaussian blur of n voxels, border voxels repeated."""
    reach = int(np.ceil(4 * sigma))
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    matrix = np.zeros((n, n))
    for row in range(n):
        np.add.at(matrix[row], np.clip(row + offsets, 0, n - 1), weights / weights.sum())
    return matrix


def _linear(at: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Linear interpolation of n voxels at the places `at`, border voxels repeated; shape (len(at), n)."""
    place = np.clip(at, 0, n - 1)
    return np.clip(1 - np.abs(place[:, None] - np.arange(n)), 0, None)


def _there_and_back(n: int, spacing: float, shift: float) -> NDArray[np.float64]:
    """Resampling of n voxels to 1 mm and back, the coarse grid shifted by `shift` mm."""
    grid = np.arange(-1, n * spacing / _GRID_MM + 2) + shift
    there = _linear(grid * _GRID_MM / spacing, n)
    back = _linear(np.arange(n) * spacing / _GRID_MM - grid[0], len(grid))
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
        matrices = [_blur(n, sigma) for n in shape]
    else:
        matrices = [_there_and_back(n, s, rng.uniform(0, _GRID_MM)) for n, s in zip(shape, spacing, strict=True)]
    z, y, x = (torch.from_numpy(matrix.astype(np.float32)) for matrix in matrices)
    return z, y, x


def smoothed(hu: Tensor, matrices: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Apply one matrix per axis to volumes of shape (..., z, y, x)."""
    for axis, matrix in zip((-3, -2, -1), matrices, strict=True):
        hu = torch.tensordot(hu, matrix.to(hu), dims=([axis], [1])).movedim(-1, axis)
    return hu
