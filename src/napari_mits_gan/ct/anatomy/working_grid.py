"""The grid that anatomy is found on: blocks of about 1.5 mm, less noisy and several times fewer than voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume

_IN_PLANE_MM = 1.5
_SLICE_MM = 1.25
_FILLER_BELOW_HU = -1200
"""Air lies at -1000 HU, noise included not much lower; what does is a filler, declared or not."""
_NOISY_HU = 35
"""Noise of the blocks, from which on they are smoothed: a sharp kernel, or little dose."""
_LOWEST_HU, _HIGHEST_HU = -1024, 1000


@dataclass(frozen=True, eq=False)
class WorkingGrid:
    """A scan in blocks of voxels.

    Parameters
    ----------
    hu : ndarray of int16, shape (z, y, x)
        Mean of each block, of HU from -1024 to 1000.
    filler : ndarray of bool, shape (z, y, x)
        Blocks with padding, or with values too low to be measured.
    spacing : tuple of float
        Of the blocks, in mm (z, y, x).
    factors : tuple of int
        Voxels of a block along (z, y, x).
    """

    hu: NDArray[np.int16]
    filler: NDArray[np.bool_]
    spacing: tuple[float, float, float]
    factors: tuple[int, int, int]

    @classmethod
    def of(cls, volume: CTVolume) -> WorkingGrid:
        """Take the means of blocks; the last block of an axis repeats its last voxel where it lacks some."""
        kz, ky, kx = factors = (
            max(1, round(_SLICE_MM / volume.spacing[0])),
            max(1, round(_IN_PLANE_MM / volume.spacing[1])),
            max(1, round(_IN_PLANE_MM / volume.spacing[2])),
        )
        nz, ny, nx = (-(-n // k) for n, k in zip(volume.shape, factors, strict=True))
        margin = ((0, ny * ky - volume.shape[1]), (0, nx * kx - volume.shape[2]))
        hu = np.empty((nz, ny, nx), dtype=np.int16)
        filler = np.zeros(hu.shape, dtype=bool)
        for z in range(nz):
            total = np.zeros((ny, nx), dtype=np.int32)
            for at in range(z * kz, (z + 1) * kz):
                at = min(at, volume.shape[0] - 1)
                plane, empty = volume.hu[at], volume.hu[at] < _FILLER_BELOW_HU
                if volume.padding is not None:
                    empty = empty | volume.padding[at]
                plane = np.pad(np.clip(plane, _LOWEST_HU, _HIGHEST_HU), margin, mode="edge")
                empty = np.pad(empty, margin, mode="edge")
                for dy in range(ky):
                    for dx in range(kx):
                        total += plane[dy::ky, dx::kx]
                        filler[z] |= empty[dy::ky, dx::kx]
            hu[z] = total // (kz * ky * kx)
        if _noise(hu) > _NOISY_HU:
            hu = ndimage.uniform_filter(hu, (1, 3, 3), mode="nearest")
        spacing = (volume.spacing[0] * kz, volume.spacing[1] * ky, volume.spacing[2] * kx)
        return cls(hu, filler, spacing, factors)

    @property
    def block_ml(self) -> float:
        """Volume of a block in millilitres."""
        return float(np.prod(self.spacing)) / 1000

    def steps(self, mm: float) -> int:
        """A distance within the slices as a number of blocks, at least one."""
        return max(1, round(mm / max(self.spacing[1:])))

    def whole_slice(self, mask: NDArray[np.bool_], z: int, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
        """Slice z of the scan (of `shape`) of a mask on this grid."""
        kz, ky, kx = self.factors
        return np.repeat(np.repeat(mask[z // kz], ky, axis=0), kx, axis=1)[: shape[1], : shape[2]]


def _noise(hu: NDArray[np.int16]) -> float:
    """Standard deviation in HU of the blocks' noise, from differences of neighbours in soft tissue; 0 without any."""
    some = hu[:: max(1, len(hu) // 16)].astype(np.int32)
    left, right = some[:, :, :-1], some[:, :, 1:]
    soft = (left > -200) & (left < 250) & (right > -200) & (right < 250)
    return float(np.median(np.abs(right - left)[soft])) / (0.6745 * 2**0.5) if soft.any() else 0.0
