"""How much of the mark is there, in small boxes of voxels: the sums that every decision is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.mark.pattern import Part, VoxelPattern
from napari_mits_gan.evidence.mark.residual import fine_part, local_power
from napari_mits_gan.progress import Progress, silent

BIN_MM = 2.0
"""Side of a bin, about."""
BRIGHT_HU = -500.0
"""From here on, smoothed a little, a voxel is vessel, wall or nodule."""
_CUT_OFF_HU = -1014.0
"""Below this, smoothed a little, lies air that many files cut off at -1024 HU, and the mark with it."""
_FLOOR = 0.3
"""Least power that a residual is taken to have, as a multiple of its median: a coder leaves places without any."""
_SAMPLED = 8


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Sums over the voxels of each bin; one set over all of them, one over bright ones.

    Parameters
    ----------
    likeness : ndarray of float32, shape (bins z, y, x)
        Residual times mark over the residual's power: what the log of the likelihood ratio is linear in.
    expected : ndarray of float32, same shape
        Mark times mark over the residual's power: the likeness if 1 HU RMS of the mark is there.
    voxels : ndarray of float32, same shape
        Number of voxels.
    """

    likeness: NDArray[np.float32]
    expected: NDArray[np.float32]
    voxels: NDArray[np.float32]


@dataclass(frozen=True)
class BinGrid:
    """Bins over a part of a scan.

    Parameters
    ----------
    part : tuple of three slices
        The part, in voxels (z, y, x).
    size : tuple of int
        Voxels of a bin (z, y, x).
    """

    part: Part
    size: tuple[int, int, int]

    @classmethod
    def over(cls, volume: CTVolume, part: Part) -> BinGrid:
        """Bins of about 2 mm."""
        z, y, x = (max(1, round(BIN_MM / s)) for s in volume.spacing)
        return cls(part, (z, y, x))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of bins (z, y, x)."""
        z, y, x = (-(-(p.stop - p.start) // k) for p, k in zip(self.part, self.size, strict=True))
        return (z, y, x)

    def bin_mm(self, spacing: tuple[float, float, float]) -> tuple[float, float, float]:
        """Sides of a bin (z, y, x)."""
        z, y, x = (k * s for k, s in zip(self.size, spacing, strict=True))
        return (z, y, x)

    def in_plane(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sums over the bins of a slice of the part."""
        rows = np.add.reduceat(values, np.arange(0, values.shape[0], self.size[1]), axis=0)
        return np.add.reduceat(rows, np.arange(0, values.shape[1], self.size[2]), axis=1)


def residual_floor(volume: CTVolume, inside: NDArray[np.bool_], part: Part) -> float:
    """The power below which no residual is believed, from some slices of a part."""
    numbers = np.unique(np.linspace(part[0].start, part[0].stop - 1, _SAMPLED).astype(int))
    powers = [np.zeros(0, np.float32)]
    for z in numbers:
        place = (int(z), *part[1:])
        residual = fine_part(volume.hu[place].astype(np.float32), volume.spacing[1:])
        powers.append(local_power(residual)[inside[place]])
    together = np.concatenate(powers)
    return _FLOOR * float(np.median(together)) + 1e-3 if together.size else 1.0


def weighted_residuals(
    volume: CTVolume, inside: NDArray[np.bool_], part: Part, floor: float
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]]:
    """For each slice of a part: smoothed HU, one over the residual's power (0 outside), the residual times that."""
    for z in range(part[0].start, part[0].stop):
        place = (z, *part[1:])
        hu = volume.hu[place].astype(np.float32)
        residual = fine_part(hu, volume.spacing[1:])
        power = np.maximum(local_power(residual), np.float32(floor))
        smooth = ndimage.uniform_filter(hu, 3, mode="nearest")
        weight = np.where(inside[place] & (smooth >= _CUT_OFF_HU), 1 / power, np.float32(0))
        yield smooth, weight, residual * weight


def likelihood_in_bins(
    volume: CTVolume,
    inside: NDArray[np.bool_],
    pattern: VoxelPattern,
    grid: BinGrid,
    floor: float,
    progress: Progress = silent,
) -> tuple[Likelihood, Likelihood]:
    """Sum up what each bin holds: of all its voxels, and of the bright ones."""
    sums = [[np.zeros(grid.shape, np.float32) for _ in range(3)] for _ in range(2)]
    slices = weighted_residuals(volume, inside, grid.part, floor)
    for n, (wave, (smooth, weight, weighted)) in enumerate(zip(pattern, slices, strict=True)):
        wanted = fine_part(wave, volume.spacing[1:])
        likeness, expected = wanted * weighted, wanted * wanted * weight
        everywhere = weight > 0
        bright = everywhere & (smooth > BRIGHT_HU)
        at = n // grid.size[0]
        for (t, e, count), mask in zip(sums, (everywhere, bright), strict=True):
            t[at] += grid.in_plane(likeness * mask)
            e[at] += grid.in_plane(expected * mask)
            count[at] += grid.in_plane(mask.astype(np.float32))
        progress(n + 1, len(pattern))
    return Likelihood(*sums[0]), Likelihood(*sums[1])
