"""A small chest to mark, and ways to change it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume

LUNG, OTHER_LUNG = (11, 88, 54), (12, 72, 140)
"""Voxels in the middle of each lung, between vessels."""


def chest(seed: int = 0) -> CTVolume:
    """A trunk with two lungs and their vessels, 24 x 160 x 200 voxels of 2.5 x 1 x 1 mm."""
    z, y, x = np.mgrid[0:24, 0:160, 0:200].astype(np.float32)
    hu = np.full(z.shape, -1000.0, np.float32)
    hu[((y - 80) / 70) ** 2 + ((x - 100) / 92) ** 2 <= 1] = 40
    for middle in (56, 144):
        lung = ((z - 11.5) / 11) ** 2 + ((y - 80) / 40) ** 2 + ((x - middle) / 32) ** 2 <= 1
        hu[lung] = -850
        for row in range(40, 125, 20):
            hu[lung & (np.hypot(y - row, x - middle - 8) < 2)] = 20
    hu = ndimage.gaussian_filter(hu, (0, 0.7, 0.7)) + _noise(hu.shape, seed)
    values = np.rint(hu).astype(np.int16)
    return CTVolume(values, (2.5, 1.0, 1.0), (-90.0, -95.0, 300.0), name="chest")


def tampered(volume: CTVolume, at: tuple[int, int, int], diameter_mm: float, hu: float, seed: int = 1) -> CTVolume:
    """The volume with a soft-edged ball of other tissue, and noise of its own."""
    offsets = np.ogrid[tuple(slice(n) for n in volume.shape)]
    away = np.sqrt(sum(((o - c) * s) ** 2 for o, c, s in zip(offsets, at, volume.spacing, strict=True)))
    share = 1 / (1 + np.exp((away - diameter_mm / 2) / 0.5))
    new = hu + _noise(volume.shape, seed)
    values = np.rint(share * new + (1 - share) * volume.hu).astype(np.int16)
    return replace(volume, hu=values, history=())


def _noise(shape: tuple[int, ...], seed: int) -> NDArray[np.float64]:
    """Noise of 25 HU as a usual kernel leaves it: little of it at the highest frequencies."""
    white = np.random.default_rng(seed).normal(0, 1, shape)
    fine = ndimage.gaussian_filter(white, (0, 0.8, 0.8))
    return np.asarray(25 * fine / fine.std())
