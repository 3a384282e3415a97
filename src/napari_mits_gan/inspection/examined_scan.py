"""A scan as the methods look at it: its lungs and the whitened noise in them, worked out once for all methods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.grid import Box, Spacing, Voxel
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import InspectionError
from napari_mits_gan.inspection.blocks import BLOCK
from napari_mits_gan.inspection.residual import Whitening, measure_whitening
from napari_mits_gan.progress import Progress, silent

_MARGIN_MM = 6.0
"""Looked at around the lungs: nodules at the pleura reach out of them."""
_LEAST_SLICES = 5


@dataclass(frozen=True, eq=False)
class ExaminedScan:
    """A scan, and the region around its lungs that is looked at.

    Parameters
    ----------
    volume : CTVolume
        The scan.
    region : Box
        The box around the lungs with a margin; all arrays below are of its shape.
    lungs : ndarray of bool
        Both lungs, nodules and vessels included.
    whitening : Whitening
        Fitted to the noise in these lungs.
    residual : ndarray of float32
        The noise: whitened, over its local standard deviation, 0 where nothing was measured.
    power : ndarray of float32, shape (z, rows, columns)
        The mean square of the noise of each block (see `blocks`), over what is usual in the region.
    """

    volume: CTVolume
    region: Box
    lungs: NDArray[np.bool_]
    whitening: Whitening
    residual: NDArray[np.float32]
    power: NDArray[np.float32]

    @classmethod
    def of(cls, volume: CTVolume, *, progress: Progress = silent) -> ExaminedScan:
        """Find the lungs of a scan and its noise.

        Raises
        ------
        InspectionError
            If there are no lungs, or too few voxels of them to measure the noise in.
        """
        progress(0, 3)
        lungs = lung_mask(volume)
        if not lungs.any():
            raise InspectionError(f"no lung was found in '{volume.name}'; choose a chest CT.")
        progress(1, 3)
        region = _around(lungs, _MARGIN_MM, volume.spacing)
        if region.shape[0] < _LEAST_SLICES:
            raise InspectionError(
                f"the lungs in '{volume.name}' span {region.shape[0]} slices only; at least {_LEAST_SLICES} are needed."
            )
        inside = region.slices()
        hu, lungs = volume.hu[inside], lungs[inside]
        whitening = measure_whitening(hu, lungs)
        if whitening is None:
            raise InspectionError(f"'{volume.name}' shows too little lung to measure its noise; choose a larger scan.")
        progress(2, 3)
        residual, power = whitening.split(hu, volume.spacing)
        if volume.padding is not None:
            residual[volume.padding[inside]] = 0
        progress(3, 3)
        return cls(volume, region, lungs, whitening, residual, power)

    @property
    def hu(self) -> NDArray[np.int16]:
        """HU of the region."""
        return self.volume.hu[self.region.slices()]

    @property
    def spacing(self) -> Spacing:
        """Distance in mm between voxel centres along (z, y, x)."""
        return self.volume.spacing

    def smoothed(self, blocks: NDArray[np.float32], sigma_mm: float) -> NDArray[np.float32]:
        """Values of blocks, shape (z, rows, columns), under a Gaussian."""
        sigma = [sigma_mm / mm / (1 if axis == 0 else BLOCK) for axis, mm in enumerate(self.spacing)]
        found: NDArray[np.float32] = ndimage.gaussian_filter(blocks, sigma, truncate=3.0)
        return found

    def depth(self, z: int, reach_mm: float) -> slice:
        """The slices within a distance of one."""
        reach = max(1, round(reach_mm / self.spacing[0]))
        return slice(max(0, z - reach), z + reach + 1)

    def in_scan(self, voxel: Voxel) -> Voxel:
        """A voxel of the region as one of the scan."""
        z, y, x = (int(v) + low for v, low in zip(voxel, self.region.low, strict=True))
        return (z, y, x)

    def middle(self, block: Voxel) -> Voxel:
        """The voxel of the scan in the middle of a block."""
        _, rows, columns = self.residual.shape
        z, y, x = block
        half = BLOCK // 2
        return self.in_scan((z, min(rows - 1, BLOCK * y + half), min(columns - 1, BLOCK * x + half)))


def _around(mask: NDArray[np.bool_], margin_mm: float, spacing: Spacing) -> Box:
    low, high = [], []
    for axis, (n, mm) in enumerate(zip(mask.shape, spacing, strict=True)):
        there = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = round(margin_mm / mm)
        low.append(max(0, int(there[0]) - margin))
        high.append(min(n, int(there[-1]) + 1 + margin))
    shape = [h - lo for lo, h in zip(low, high, strict=True)]
    return Box((low[0], low[1], low[2]), (shape[0], shape[1], shape[2]))
