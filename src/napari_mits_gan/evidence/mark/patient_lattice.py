"""The lattice that the mark lives on: cells of the patient's space, and how they become voxels of any grid.

Cells are numbered in world coordinates, not in voxels: a scan that was cropped, turned or resampled with its geometry
kept has the same cells at the same places of the patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from napari_mits_gan.ct.grid import spline_matrix
from napari_mits_gan.ct.volume import CTVolume

SLICE_PITCHES_MM = (1.0, 1.5, 2.5, 4.0, 6.0, 10.0)
"""Heights that a cell may have along the slices."""
PLANE_PITCHES_MM = (1.0, 1.5, 2.5)
"""Widths that a cell may have within a slice."""
_COARSER = 1.1
"""A voxel may be this much larger than a cell."""
_REACH = 4
"""Cells beyond which a voxel's value depends on none."""
_FOURTH_DIFFERENCE = (1.0, -4.0, 6.0, -4.0, 1.0)


@dataclass(frozen=True)
class Pitch:
    """Size of a cell.

    Parameters
    ----------
    slice_mm : float
        Along the slices.
    plane_mm : float
        Along rows and columns.
    """

    slice_mm: float
    plane_mm: float

    @property
    def zyx(self) -> tuple[float, float, float]:
        """Along the array's axes."""
        return (self.slice_mm, self.plane_mm, self.plane_mm)


def pitch_of(spacing: tuple[float, float, float]) -> Pitch:
    """The size of the cells for a scan of this spacing: the smallest ones that its voxels can carry."""
    return Pitch(_smallest(SLICE_PITCHES_MM, spacing[0]), _smallest(PLANE_PITCHES_MM, max(spacing[1:])))


def _smallest(pitches: tuple[float, ...], spacing_mm: float) -> float:
    return next((pitch for pitch in pitches if spacing_mm <= _COARSER * pitch), pitches[-1])


@dataclass(frozen=True, eq=False)
class AxisCells:
    """Cells along one axis of an array, and the weight of each in each voxel.

    Parameters
    ----------
    first : int
        Number of the first cell.
    weights : csr_array of float32, shape (voxels, cells)
    """

    first: int
    weights: csr_array

    @property
    def count(self) -> int:
        """Number of cells."""
        return int(self.weights.shape[1])

    @property
    def rms(self) -> float:
        """RMS over the voxels of the sum of cells that are 1 or -1 at random."""
        return float(np.sqrt(np.square(self.weights.data, dtype=np.float64).sum() / self.weights.shape[0]))


def axis_cells(volume: CTVolume, axis: int, pitch_mm: float, part: slice = slice(None)) -> AxisCells:
    """Cells along an axis.

    Parameters
    ----------
    volume : CTVolume
        Only its geometry counts.
    axis : {0, 1, 2}
        Of (z, y, x).
    pitch_mm : float
        Size of a cell.
    part : slice
        The voxels that are wanted.

    Returns
    -------
    AxisCells
        Along the slices a cell is a smooth bump; within a slice it is a ripple without a mean, strongest between 0.25
        and 0.5 cycles a pitch: there a scan has little noise, hardly any edges, and what has 1 mm voxels keeps it.
    """
    at = axis_positions(volume, axis, pitch_mm, part)
    first = int(np.floor(at.min())) - _REACH
    count = int(np.ceil(at.max())) + _REACH + 1 - first
    weights = _weights(at - first, count, ripple=axis > 0) / _rms(axis > 0)
    return AxisCells(first, csr_array(weights.astype(np.float32)))


def axis_positions(volume: CTVolume, axis: int, pitch_mm: float, part: slice = slice(None)) -> NDArray[np.float64]:
    """Where each voxel lies along an axis, in cells; a place of the patient keeps its own in a turned scan."""
    column = volume.direction[:, axis]
    sign = 1.0 if column[np.argmax(np.abs(column))] > 0 else -1.0
    first_mm = sign * float(np.asarray(volume.origin) @ column)
    voxels = np.arange(volume.shape[axis])[part]
    return np.asarray((first_mm + sign * voxels * volume.spacing[axis]) / pitch_mm, dtype=np.float64)


def _weights(at: NDArray[np.float64], count: int, ripple: bool) -> NDArray[np.float64]:
    splines = spline_matrix(at, count)
    if not ripple:
        return splines
    out = np.zeros_like(splines)
    for shift, factor in zip(range(-2, 3), _FOURTH_DIFFERENCE, strict=True):
        low, high = max(0, shift), count + min(0, shift)
        out[:, low:high] += factor * splines[:, low - shift : high - shift]
    return out


@lru_cache
def _rms(ripple: bool) -> float:
    """RMS over all places of the sum of cells that are 1 or -1 at random."""
    at = 8 + np.arange(64) / 64
    return float(np.sqrt(np.square(_weights(at, 17, ripple)).sum(axis=1).mean()))
