"""HU along a line through the place of an attack, and how many voxels around it changed by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.grid import Voxel
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session.comparison import cuboid

REACH_MM = 32.0
"""From the place to either end of the line."""
MOST_BINS = 80


@dataclass(frozen=True, eq=False)
class Profile:
    """HU along a line.

    Parameters
    ----------
    mm : ndarray of float, shape (n,)
        Distance from the place of the attack; grows towards the patient's left, back or head.
    hu : ndarray of int16, shape (n,)
        The voxels on the line.
    """

    mm: NDArray[np.float64]
    hu: NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class ChangeHistogram:
    """How many voxels changed by how much.

    Parameters
    ----------
    edges : ndarray of float, shape (n + 1,)
        Limits of the bins, in HU.
    counts : ndarray of int, shape (n,)
        Voxels in each; those that did not change are left out.
    changed, voxels : int
        How many changed, of how many.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    changed: int
    voxels: int


def profile_through(volume: CTVolume, at: Voxel, axis: int, reach_mm: float = REACH_MM) -> Profile:
    """HU along an array axis through a voxel.

    Parameters
    ----------
    volume : CTVolume
        A scan, attacked or not.
    at : tuple of int
        Voxel (z, y, x) that the line goes through.
    axis : int
        The array axis that it runs along.
    reach_mm : float
        How far it goes to either side; it ends with the scan.
    """
    reach = int(reach_mm / volume.spacing[axis])
    first, last = max(0, at[axis] - reach), min(volume.shape[axis] - 1, at[axis] + reach)
    line: list[int | slice] = list(at)
    line[axis] = slice(first, last + 1)
    # Of an axis that runs the other way, the distance grows with falling indices.
    main = volume.direction[int(np.argmax(np.abs(volume.direction[:, axis]))), axis]
    steps = np.arange(first, last + 1, dtype=np.float64) - at[axis]
    mm = np.asarray(steps * (volume.spacing[axis] if main > 0 else -volume.spacing[axis]), dtype=np.float64)
    hu = np.asarray(volume.hu[tuple(line)])
    return Profile(mm, hu) if main > 0 else Profile(mm[::-1], hu[::-1])


def change_histogram(before: CTVolume, after: CTVolume, at: Voxel) -> ChangeHistogram:
    """How many voxels differ by how much in the cuboid of 32 mm around a voxel (z, y, x).

    Parameters
    ----------
    before, after : CTVolume
        Two volumes of the same grid.
    at : tuple of int
        The middle of the cuboid.
    """
    region = cuboid(before, at)
    change = after.hu[region].astype(np.int32) - before.hu[region]
    values = change[change != 0]
    if not values.size:
        return ChangeHistogram(np.array([-0.5, 0.5]), np.zeros(1, dtype=np.int64), 0, change.size)
    low, high = int(values.min()), int(values.max())
    # Whole HU, so that no bin holds more of them than another.
    width = max(1, int(np.ceil((high - low + 1) / MOST_BINS)))
    edges = np.arange(low - 0.5, high + 0.5 + width, width)
    counts, _ = np.histogram(values, edges)
    return ChangeHistogram(edges, counts.astype(np.int64), int(values.size), change.size)
