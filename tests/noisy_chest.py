"""A chest whose lungs hold nothing but noise as a scanner leaves it: coloured within the slice."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_mits_gan.ct.anatomy import Anatomy, keep_anatomy
from napari_mits_gan.ct.volume import CTVolume


def make_noisy_chest(seed: int = 0, shape: tuple[int, int, int] = (44, 128, 128)) -> CTVolume:
    """A trunk with two lungs, 110 x 192 x 192 mm."""
    z, y, x = np.mgrid[: shape[0], : shape[1], : shape[2]].astype(np.float32)
    hu = np.full(shape, -1000.0, dtype=np.float32)
    hu[((y - 64) / 52) ** 2 + ((x - 64) / 60) ** 2 <= 1] = 40
    for middle in (38, 90):
        hu[((z - 22) / 20) ** 2 + ((y - 62) / 32) ** 2 + ((x - middle) / 20) ** 2 <= 1] = -870
    noise = np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)
    noise = ndimage.gaussian_filter(noise, (0, 0.6, 0.6))
    return CTVolume(np.round(hu + 25 * noise / noise.std()).astype(np.int16), (2.5, 1.5, 1.5), name="noisy chest")


def make_lung_block(seed: int = 0, shape: tuple[int, int, int] = (44, 100, 110)) -> CTVolume:
    """Nothing but lung, 66 x 80 x 88 mm, told to be lung."""
    noise = np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)
    noise = ndimage.gaussian_filter(noise, (0, 0.6, 0.6))
    volume = CTVolume(np.round(25 * noise / noise.std() - 870).astype(np.int16), (1.5, 0.8, 0.8), name="lung")
    return told_to_be_lung(volume)


def told_to_be_lung(volume: CTVolume) -> CTVolume:
    """The same volume, all of it lung."""
    everywhere = np.ones(volume.shape, dtype=bool)
    keep_anatomy(volume, Anatomy(everywhere, everywhere, np.zeros_like(everywhere)))
    return volume
