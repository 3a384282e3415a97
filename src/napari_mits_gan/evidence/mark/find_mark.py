"""Is there a mark of this key at all, and which number does it have?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.mark.cells import slices_of_evidence
from napari_mits_gan.evidence.mark.lattice import PLANE_PITCHES_MM, SLICE_PITCHES_MM, Pitch, axis_positions, pitch_of
from napari_mits_gan.evidence.mark.number import BITS, BOX, bit_of_box, marked_layer, number_layer, number_of
from napari_mits_gan.evidence.mark.pattern import PERIOD, Part, VoxelPattern

SURE = 10.0
"""Standard deviations from which on a mark is there; of chance alone 6 would be one in a thousand million."""
_SAMPLE_MM = 40.0
_FEWEST_SLICES = 12


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
    """Read the number of a mark from some slices in the middle of the lungs.

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
    part = (_middle(inside, part, volume.spacing[0]), *part[1:])
    for pitch in _likely_pitches(volume.spacing):
        number = number_of(_bits(volume, key, inside, part, floor, pitch) < 0)
        pattern = VoxelPattern(volume, pitch, marked_layer(key, number), part)
        sureness = _sureness(slices_of_evidence(volume, inside, pattern, part, floor))
        if sureness >= SURE:
            return FoundMark(number, pitch, sureness)
    return None


def _middle(inside: NDArray[np.bool_], part: Part, spacing_mm: float) -> slice:
    """The slices with the most lung."""
    first, stop = part[0].start, part[0].stop
    count = min(stop - first, max(_FEWEST_SLICES, round(_SAMPLE_MM / spacing_mm)))
    area = np.concatenate([[0], np.cumsum(inside[part].sum(axis=(1, 2)))])
    start = first + int(np.argmax(area[count:] - area[: len(area) - count]))
    return slice(start, start + count)


def _likely_pitches(spacing: tuple[float, float, float]) -> Iterator[Pitch]:
    """The pitch that a scan of this spacing would get, then those that it may have had before it was resampled."""
    own = pitch_of(spacing)
    z, yx = SLICE_PITCHES_MM.index(own.slice_mm), PLANE_PITCHES_MM.index(own.plane_mm)
    planes = [PLANE_PITCHES_MM[i] for i in (yx, yx - 1, yx + 1) if 0 <= i < len(PLANE_PITCHES_MM)]
    slices = [SLICE_PITCHES_MM[i] for i in (z, z + 1, z - 1, z + 2, z + 3) if 0 <= i < len(SLICE_PITCHES_MM)]
    for plane_mm, slice_mm in product(planes, slices):
        yield Pitch(slice_mm, plane_mm)


def _bits(
    volume: CTVolume, key: SealKey, inside: NDArray[np.bool_], part: Part, floor: float, pitch: Pitch
) -> NDArray[np.float64]:
    """For each bit of the number how much speaks for a 0, less how much for a 1."""
    z, y, x = (
        np.floor(axis_positions(volume, axis, mm, voxels)).astype(int)
        for axis, (mm, voxels) in enumerate(zip(pitch.zyx, part, strict=True))
    )
    which, boxes = bit_of_box(key), PERIOD // BOX
    bits = np.zeros(BITS)
    pattern = VoxelPattern(volume, pitch, number_layer(key), part)
    for n, (likeness, _, _) in enumerate(slices_of_evidence(volume, inside, pattern, part, floor)):
        of_box = which(int(z[n]) // BOX)
        of_voxel = of_box[np.ix_(y // BOX % boxes, x // BOX % boxes)]
        bits += np.bincount(of_voxel.ravel(), likeness.ravel(), BITS)
    return bits


def _sureness(slices: Iterator[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]]) -> float:
    """The likeness over all slices, in standard deviations of what single patches of 16 x 16 voxels say."""
    total, squares = 0.0, 0.0
    for likeness, _, _ in slices:
        rows = np.add.reduceat(likeness, np.arange(0, likeness.shape[0], 16), axis=0)
        patches = np.add.reduceat(rows, np.arange(0, likeness.shape[1], 16), axis=1).astype(np.float64)
        total += float(patches.sum())
        squares += float(np.square(patches).sum())
    return total / squares**0.5 if squares else 0.0
