"""Is there a mark of this key at all, and which number does it have?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.mark.likelihood import weighted_residuals
from napari_mits_gan.evidence.mark.number import BITS, BOX, box_masks, number_layer, scan_layer
from napari_mits_gan.evidence.mark.patient_lattice import (
    PLANE_PITCHES_MM,
    SLICE_PITCHES_MM,
    Pitch,
    axis_positions,
    pitch_of,
)
from napari_mits_gan.evidence.mark.pattern import PERIOD, Part, VoxelPattern
from napari_mits_gan.evidence.mark.residual import fine_part

SURE = 10.0
"""Standard deviations from which on a mark is there; of chance alone 6 would be one in a thousand million."""
_ENOUGH_VOXELS = 500_000
_FEWEST_SLICES = 8
_SAMPLES = 3
_HINT = 7.0
"""Standard deviations for a number below which none is read; of all numbers chance gives the best one 5 to 6."""


@dataclass(frozen=True)
class FoundMark:
    """A mark of this key.

    Parameters
    ----------
    number : int
        Of the scan.
    pitch : Pitch
        Size of the cells of the lattice that it was made on.
    sureness : float
        Standard deviations.
    """

    number: int
    pitch: Pitch
    sureness: float


def find_mark(volume: CTVolume, key: SealKey, inside: NDArray[np.bool_], part: Part, floor: float) -> FoundMark | None:
    """Read the number of a mark from some slices of the lungs.

    Parameters
    ----------
    volume : CTVolume
        The scan, with the geometry that it had when it was marked, or one that lies in the same place of the patient.
    key : SealKey
        The key.
    inside : ndarray of bool, shape (z, y, x)
        The lungs.
    part : tuple of three slices
        The box around them.
    floor : float
        See `residual_floor`.

    Returns
    -------
    FoundMark or None
        None if there is none that is sure.
    """
    for slices in _samples(inside, part):
        sample = _Sample.of(volume, inside, (slices, *part[1:]), floor)
        for pitch in _likely_pitches(volume.spacing):
            number, hint = _likely_number(volume, key, sample, pitch)
            if hint < _HINT:
                continue
            sureness = _sureness(sample.likeness(VoxelPattern(volume, pitch, scan_layer(key, number), sample.part)))
            if sureness >= SURE:
                return FoundMark(number, pitch, sureness)
    return None


@dataclass(frozen=True, eq=False)
class _Sample:
    """Slices that are held against several patterns.

    Parameters
    ----------
    part : tuple of three slices
        Where they are.
    filtered : ndarray of float32, shape of the part
        What a pattern's voxels are multiplied with. The filter of the residual is its own adjoint, so that it is
        applied here once instead of to each pattern; only voxels at the rim of the part make a difference.
    """

    part: Part
    filtered: NDArray[np.float32]

    @classmethod
    def of(cls, volume: CTVolume, inside: NDArray[np.bool_], part: Part, floor: float) -> _Sample:
        weighted = (w for _, _, w in weighted_residuals(volume, inside, part, floor))
        return cls(part, np.stack([fine_part(w, volume.spacing[1:]) for w in weighted]))

    def likeness(self, pattern: VoxelPattern) -> Iterator[NDArray[np.float32]]:
        """Likeness of each voxel, slice by slice."""
        for wave, filtered in zip(pattern, self.filtered, strict=True):
            yield wave * filtered


def _samples(inside: NDArray[np.bool_], part: Part) -> Iterator[slice]:
    """Slices with enough voxels of lung: those with the most, then some above and below, lest those were replaced."""
    area = np.concatenate([[0], np.cumsum(inside[part].sum(axis=(1, 2)))])
    first, slices = part[0].start, len(area) - 1
    for count in range(min(slices, _FEWEST_SLICES), slices + 1):
        held = area[count:] - area[: len(area) - count]
        if held.max() >= _ENOUGH_VOXELS:
            break
    free = np.ones(len(held), bool)
    for _ in range(_SAMPLES):
        if not free.any():
            return
        start = int(np.argmax(np.where(free, held, -1)))
        yield slice(first + start, first + start + count)
        free[max(0, start - 2 * count) : start + 2 * count + 1] = False


def _likely_pitches(spacing: tuple[float, float, float]) -> Iterator[Pitch]:
    """The pitch that a scan of this spacing would get, then those that it may have had before it was resampled."""
    own = pitch_of(spacing)
    z, yx = SLICE_PITCHES_MM.index(own.slice_mm), PLANE_PITCHES_MM.index(own.plane_mm)
    thicker = SLICE_PITCHES_MM[z:]
    for plane_mm in PLANE_PITCHES_MM[yx : yx + 2]:
        for slice_mm in (*thicker[:5], *SLICE_PITCHES_MM[max(0, z - 1) : z]):
            yield Pitch(slice_mm, plane_mm)


def _likely_number(volume: CTVolume, key: SealKey, sample: _Sample, pitch: Pitch) -> tuple[int, float]:
    """The number that the boxes' signs speak for most, and by how many standard deviations."""
    z, y, x = (
        np.floor(axis_positions(volume, axis, mm, voxels)).astype(int)
        for axis, (mm, voxels) in enumerate(zip(pitch.zyx, sample.part, strict=True))
    )
    which, boxes = box_masks(key), PERIOD // BOX
    by_mask, squares = np.zeros(1 << BITS), 0.0
    pattern = VoxelPattern(volume, pitch, number_layer(key), sample.part)
    for n, likeness in enumerate(sample.likeness(pattern)):
        of_box = which(int(z[n]) // BOX)
        of_voxel = of_box[np.ix_(y // BOX % boxes, x // BOX % boxes)]
        by_mask += np.bincount(of_voxel.ravel(), likeness.ravel(), 1 << BITS)
        squares += float(np.square(_patches(likeness)).sum())
    # Sum of the boxes' likeness, each with the sign that a number gives it, for every number at once.
    for_number = _hadamard(by_mask)
    best = int(for_number.argmax())
    return best, float(for_number[best]) / max(squares**0.5, 1e-12)


def _sureness(slices: Iterator[NDArray[np.float32]]) -> float:
    """The likeness over all slices, in standard deviations by what patches of 16 x 16 voxels differ."""
    patches = np.concatenate([_patches(likeness).ravel() for likeness in slices])
    patches = patches[patches != 0]
    spread = float(patches.std()) if len(patches) > 1 else 0.0
    return float(patches.sum()) / (spread * len(patches) ** 0.5) if spread else 0.0


def _hadamard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Walsh-Hadamard transform: entry m is the sum over i of values[i] times -1 to the number of bits of m & i."""
    half = 1
    while half < len(values):
        pairs = values.reshape(-1, 2, half)
        values = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).ravel()
        half *= 2
    return values


def _patches(likeness: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sums over patches of 16 x 16 voxels of a slice."""
    rows = np.add.reduceat(likeness, np.arange(0, likeness.shape[0], 16), axis=0)
    return np.add.reduceat(rows, np.arange(0, likeness.shape[1], 16), axis=1).astype(np.float64)
