"""A scan at 1 mm with its voxels by what a detector has to tell apart: lung, vessels, pleura, what lies outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.attack.resample import resample
from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import DetectionError

_DENSE_HU = -550.0
_OUTSIDE_MM = 15
_NODULE_MARGIN_MM = 12.0
"""No voxel closer than this to a nodule's surface counts as healthy."""


@dataclass(frozen=True, eq=False)
class TrainingScan:
    """A chest CT at 1 mm, its nodules, and its voxels by what lies there.

    Parameters
    ----------
    name : str
        Of the scan.
    hu : ndarray of int16, shape (z, y, x)
        At 1 mm (the voxels differ by less than one part in the number of slices), from -1024 to 3071.
    slice_mm : float
        Distance of the slices it was measured in.
    nodules : ndarray of float, shape (n, 4)
        Centres (z, y, x) in these voxels, and diameters in mm.
    groups : mapping of str to ndarray of int
        Flat indices of voxels away from nodules: "lung" (all of the lungs), "dense" (vessels and hila in it), "rim"
        (within about 3 mm of its border), "outside" (soft tissue, airways and bones up to 15 mm away).
    """

    name: str
    hu: NDArray[np.int16]
    slice_mm: float
    nodules: NDArray[np.float64]
    groups: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, volume: CTVolume, nodules: Sequence[AnnotatedNodule] = ()) -> TrainingScan:
        """Resample a scan and group its voxels.

        Raises
        ------
        DetectionError
            If the scan shows no lung.
        """
        size = [max(2, round((n - 1) * s) + 1) for n, s in zip(volume.shape, volume.spacing, strict=True)]
        hu = resample(torch.from_numpy(volume.hu.clip(-1024, 3071).astype(np.float32)), (size[0], size[1], size[2]))
        scale = [(n - 1) / max(m - 1, 1) for n, m in zip(size, volume.shape, strict=True)]
        nearest = np.ix_(*(np.round(np.arange(n) / f).astype(int) for n, f in zip(size, scale, strict=True)))
        lung = lung_mask(volume)[nearest]
        if not lung.any():
            raise DetectionError(f"no lung was found in '{volume.name}'; choose chest CTs.")
        isotropic = hu.numpy().round().clip(-1024, 3071).astype(np.int16)
        marked = [[*(c * f for c, f in zip(n.at, scale, strict=True)), n.diameter_mm] for n in nodules]
        known = np.array(marked, dtype=float).reshape(-1, 4)
        groups = _groups(isotropic, lung, known)
        return cls(volume.name, isotropic, volume.spacing[0], known, groups)

    def voxels(self, group: str, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Random voxels (n, 3) of a group; of the lungs where the group is empty."""
        flat = self.groups[group] if len(self.groups[group]) else self.groups["lung"]
        return np.stack(np.unravel_index(rng.choice(flat, n), self.hu.shape), axis=1)

    def cube(self, at: NDArray[np.int64], shape: tuple[int, int, int]) -> NDArray[np.float32]:
        """The cube of `shape` around a voxel, which gets the index `shape // 2`; the scan's border is repeated."""
        index = (
            np.clip(np.arange(c - n // 2, c - n // 2 + n), 0, m - 1)
            for c, n, m in zip(at, shape, self.hu.shape, strict=True)
        )
        return self.hu[np.ix_(*index)].astype(np.float32)


def _groups(
    hu: NDArray[np.int16], lung: NDArray[np.bool_], nodules: NDArray[np.float64]
) -> dict[str, NDArray[np.int64]]:
    allowed = np.ones(hu.shape, dtype=bool)
    for *at, diameter in nodules:
        reach = diameter / 2 + _NODULE_MARGIN_MM
        low = [max(0, int(c - reach)) for c in at]
        box = tuple(slice(a, int(c + reach) + 2) for a, c in zip(low, at, strict=True))
        grid = np.indices(allowed[box].shape).astype(float)
        away = sum((g + a - c) ** 2 for g, a, c in zip(grid, low, at, strict=True))
        allowed[box] &= away > reach**2
    share = lung.astype(np.float32)
    around = ndimage.uniform_filter(share, 7, mode="nearest")
    # Filters on bytes are several times as fast as distances, and exact enough here.
    near = ndimage.maximum_filter(lung.astype(np.uint8), 2 * _OUTSIDE_MM + 1) > 0
    smooth = ndimage.uniform_filter(hu.astype(np.float32), 3, mode="nearest")
    inner = lung & (around > 0.99)
    masks = {
        "lung": lung,
        "dense": inner & (smooth > _DENSE_HU),
        "rim": lung & (around < 0.8),
        "outside": near & ~lung,
    }
    return {name: np.flatnonzero(mask & allowed) for name, mask in masks.items()}
