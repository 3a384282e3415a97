"""Sampling a scan on a grid of exactly 1 mm, whatever its own spacing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume

_MARGIN = 4
"""Voxels around the cube that its splines need to be those of the whole scan."""


def cube_at_1mm(volume: CTVolume, at: Sequence[float], side: int) -> NDArray[np.float32]:
    """The cube of `side` voxels of 1 mm around a place, by cubic splines.

    Parameters
    ----------
    volume : CTVolume
        The scan; beyond its borders they are repeated.
    at : sequence of float
        Voxel (z, y, x) that becomes the cube's middle, `(side - 1) / 2`; it may lie between voxels.
    side : int
        Number of voxels along each axis.

    Returns
    -------
    ndarray of float32, shape (side, side, side)
        HU. Unlike CT-GAN's cuboid, which maps a whole number of voxels onto 32 mm and so stretches thick slices by
        some per cent, lengths measured here are those of the patient.
    """
    spacing = np.asarray(volume.spacing)
    first = np.asarray(at, dtype=np.float64) - (side - 1) / 2 / spacing
    low = np.floor(first).astype(int) - _MARGIN
    high = np.ceil(first + (side - 1) / spacing).astype(int) + _MARGIN + 1
    index = (np.clip(np.arange(lo, hi), 0, n - 1) for lo, hi, n in zip(low, high, volume.shape, strict=True))
    crop = volume.hu[np.ix_(*index)].astype(np.float64)
    cube = ndimage.affine_transform(crop, 1 / spacing, first - low, (side, side, side), order=3, mode="nearest")
    return np.asarray(cube, dtype=np.float32)
