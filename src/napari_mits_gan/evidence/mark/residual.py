"""What is left of a slice when anatomy and most of its noise are gone, and how strong that is around each voxel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_STEP_MM = 0.7
_AROUND = 5
"""Voxels over which the strength of the residual is averaged."""


def fine_part(slice_hu: NDArray[np.float32], spacing_yx: tuple[float, float]) -> NDArray[np.float32]:
    """Second differences along rows and columns, shape (y, x).

    Straight walls along either axis vanish, slanted ones nearly; of the noise of usual kernels a small part is left, of
    the mark most.
    """
    out = slice_hu
    for axis, spacing in enumerate(spacing_yx):
        step = min(max(1, round(_STEP_MM / spacing)), out.shape[axis] - 1)
        n = out.shape[axis]
        index = np.arange(n)
        before, after = np.abs(index - step), np.minimum(index + step, 2 * (n - 1) - index - step)
        out = 2 * out - np.take(out, before, axis) - np.take(out, after, axis)
    return out


def local_power(residual: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean square of a residual around each voxel, itself included, so that an edge counts as noise where it is."""
    return np.asarray(ndimage.uniform_filter(residual * residual, _AROUND, mode="nearest"), np.float32)
