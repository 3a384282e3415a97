"""Removals without a network, for training the one that looks at texture: smoothed, or noise drawn anew."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.attack.contract import Action, box_of_mm
from napari_mits_gan.ct.grid import Voxel
from napari_mits_gan.ct.volume import CTVolume, Step

_FADE_MM = 3.0
_WIDEST_MM = 44.0


@dataclass(frozen=True)
class Smoothed:
    """What lies in a ball, smoothed by a Gaussian of some 0.4 to 1.3 mm.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws how wide.
    """

    rng: np.random.Generator
    action: Action = field(default="remove", init=False)

    def tamper(self, volume: CTVolume, at: Voxel) -> CTVolume:
        """The scan, its ball around a voxel smoothed."""
        hu = _box(volume, at)
        sigma_mm = self.rng.uniform(0.4, 1.3)
        return _blended(volume, at, ndimage.gaussian_filter(hu, [sigma_mm / mm for mm in volume.spacing]), self.rng)


@dataclass(frozen=True)
class Renoised:
    """The mean of the lung around, and noise drawn anew, about as strong as the scan's and of some other texture.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws how strong and of which texture.
    """

    rng: np.random.Generator
    action: Action = field(default="remove", init=False)

    def tamper(self, volume: CTVolume, at: Voxel) -> CTVolume:
        """The scan, its ball around a voxel replaced."""
        hu = _box(volume, at)
        lung = (hu < -600).astype(np.float32)
        sigma = [5.0 / mm for mm in volume.spacing]
        mean = ndimage.gaussian_filter(hu * lung, sigma) / (ndimage.gaussian_filter(lung, sigma) + 1e-3)
        within = self.rng.uniform(0.0, 1.2)
        noise = self.rng.normal(size=hu.shape)
        noise = ndimage.gaussian_filter(noise, (self.rng.uniform(0.0, 0.5), within, within))
        fine = (hu - ndimage.gaussian_filter(hu, (0, 3, 3)))[hu < -800]
        usual = 1.4826 * float(np.median(np.abs(fine))) if fine.size else 0.0
        noise *= self.rng.uniform(0.6, 1.4) * usual / noise.std()
        return _blended(volume, at, mean + noise, self.rng)


def _box(volume: CTVolume, at: Voxel) -> NDArray[np.float32]:
    box = box_of_mm(at, _WIDEST_MM, volume.spacing).inside(volume.shape)
    return volume.hu[box.slices()].astype(np.float32)


def _blended(volume: CTVolume, at: Voxel, painted: NDArray[np.floating], rng: np.random.Generator) -> CTVolume:
    box = box_of_mm(at, _WIDEST_MM, volume.spacing).inside(volume.shape)
    grids = np.ogrid[box.slices()]
    away_mm = np.sqrt(sum(((g - a) * mm) ** 2 for g, a, mm in zip(grids, at, volume.spacing, strict=True)))
    weight = np.clip((rng.uniform(6.0, 12.0) + _FADE_MM - away_mm) / _FADE_MM, 0, 1)
    out = volume.hu.copy()
    hu = out[box.slices()]
    out[box.slices()] = np.rint(hu + weight * (painted - hu))
    return volume.with_hu(out, Step("attack", {"attack": "training forgery", "at": list(at)}))
