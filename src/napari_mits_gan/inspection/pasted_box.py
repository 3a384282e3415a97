"""Boxes that were pasted without a fade: neighbours across their faces have nothing to do with each other.

Within a slice the noise of neighbouring voxels is alike, since the reconstruction kernel blurs it. Across the face of a
box that was put into the scan it is not. The correlation of neighbours is measured over squares in planes of the voxel
grid, against that in the planes beside; a box has four such faces that belong together, unlike vessels and fissures.
Where tampered blocks begin is found in compressed photographs in the same manner, by what breaks off there (Li, Yuan,
Yu, 'Passive detection of doctored JPEG image via block artifact grid extraction', Signal Processing 89:1821, 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.grid import Box, Voxel
from napari_mits_gan.inspection.contract import Calibrated, Trace
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.false_alarms import Tail
from napari_mits_gan.inspection.outline import Outline
from napari_mits_gan.inspection.peaks import peaks
from napari_mits_gan.progress import Progress, part_of, silent

_LUNG_HU = (-1010.0, -700.0)
"""What is compared: lung without vessels; air may be cut off at the least HU that a scan stores."""
_HIGH_PASS = 3
"""Side in voxels of the square whose mean is taken off."""
_CLIP = 2.5
"""Standard deviations that the noise is clipped to."""
_SQUARE_MM = 16.0
"""Side of the squares."""
_PLANE_MM = 4.0
"""Slices within this thickness are taken together."""
_LEAST_LUNG = 0.6
"""Share of a square that has to be lung."""
_BESIDE = (3, 9)
"""Planes that a face is compared with: within the second number of planes around, without the first."""
_SMALLEST_MM, _LARGEST_MM = 12.0, 48.0
"""Sides of boxes that are looked for."""
_STEP = 2
"""Middles of boxes are looked for at every second voxel."""
_MOST_OF_A_FACE = 9.0
"""A single face counts no more than this, in standard deviations: a fissure is no box."""
_LEAST_FACES = 3
"""Of four faces so many have to show; the fourth may lie in a vessel or a wall."""
_SAME_MM = 20.0
_AS_HIGH = 0.8
_ALL, _FIRST, _NEXT = slice(None), slice(-1), slice(1, None)
_NEIGHBOURS = (((_FIRST, _ALL), (_NEXT, _ALL)), ((_ALL, _FIRST), (_ALL, _NEXT)))
"""The voxels of a slice that have a neighbour along its rows' axis and its columns', and those neighbours."""


@dataclass(frozen=True)
class PastedBox(Calibrated):
    """Looks for boxes, square in the slice, at whose faces the noise breaks off."""

    name = "pasted box"
    share = 0.1
    tail = Tail(8.0, 0.26, 1.5)  # untouched scans reach 4.5 to 8.2, too close together for a fit to be believed

    def traces(self, scan: ExaminedScan, *, progress: Progress = silent) -> Sequence[Trace]:
        """See `Method`; the score is in standard deviations, of three faces together."""
        score, half_mm = self.evidence(scan, progress=progress)
        dz, dy, dx = scan.spacing
        slices = _slices_a_plane(scan)
        found = []
        for place, value in peaks(score, self.tail.score, _SAME_MM, (slices * dz, _STEP * dy, _STEP * dx)):
            _, y, x = place
            z = _middle(score[:, y, x], place[0])
            depth, rows, columns = scan.lungs.shape
            inside = (min(depth - 1, slices * z + slices // 2), min(rows - 1, _STEP * y), min(columns - 1, _STEP * x))
            at, half = scan.in_scan(inside), float(half_mm[place])
            sentence = f"At the faces of a box {2 * half:.0f} mm wide around here the noise breaks off: it was pasted."
            found.append(Trace(at, "pasted box", value, sentence, half, outline=_outline(scan, at, half)))
        return found

    def highest(self, scan: ExaminedScan) -> float | None:
        """See `Method`."""
        return float(self.evidence(scan)[0].max())

    def evidence(
        self, scan: ExaminedScan, *, progress: Progress = silent
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The score of boxes around every few voxels, and half the side, in mm, of the box that has it."""
        down, across = (face[:, ::_STEP, ::_STEP] for face in _faces(scan, progress=part_of(progress, 0.0, 0.8)))
        _, dy, dx = scan.spacing
        score, half_mm = np.zeros_like(down), np.full_like(down, _SMALLEST_MM / 2)
        first, last = (round(mm / 2 / (_STEP * dx)) for mm in (_SMALLEST_MM, _LARGEST_MM))
        for steps in range(first, last + 1):
            part_of(progress, 0.8, 1.0)(steps - first, last - first + 1)
            mm = steps * _STEP * dx
            rows = round(mm / (_STEP * dy))
            top, bottom = _moved(down, rows, 1), _moved(down, -rows, 1)
            left, right = _moved(across, steps, 2), _moved(across, -steps, 2)
            weaker, stronger = np.minimum(top, bottom), np.maximum(top, bottom)
            weaker_too, stronger_too = np.minimum(left, right), np.maximum(left, right)
            least = np.minimum(weaker, weaker_too)
            third = np.minimum(np.maximum(weaker, weaker_too), np.minimum(stronger, stronger_too))
            together = (top + bottom + left + right - least) / np.float32(np.sqrt(_LEAST_FACES))
            # Nothing is a box by its strongest faces alone.
            np.minimum(together, np.float32(1.5 * np.sqrt(_LEAST_FACES)) * third, out=together)
            better = together > score
            score[better], half_mm[better] = together[better], mm
        progress(1, 1)
        return score, half_mm


def _middle(along: NDArray[np.float32], peak: int) -> int:
    """The middle of what is nearly as high as a peak: squares within a box all see its faces."""
    low = np.flatnonzero(along < _AS_HIGH * along[peak])
    start, stop = np.max(low[low < peak], initial=-1) + 1, np.min(low[low > peak], initial=len(along))
    return int(start + stop - 1) // 2


def _slices_a_plane(scan: ExaminedScan) -> int:
    return max(1, round(_PLANE_MM / scan.spacing[0]))


def _faces(scan: ExaminedScan, *, progress: Progress) -> list[NDArray[np.float32]]:
    """How much less alike neighbours are across each place than beside it: along the rows' axis, and the columns'.

    In standard deviations over the lungs, at most `_MOST_OF_A_FACE`, 0 where there is too little lung; the highest
    within a voxel's distance along the axis.
    """
    products, powers, pairs = _sums(scan, part_of(progress, 0.0, 0.6))
    dz = scan.spacing[0] * _slices_a_plane(scan)
    found = []
    for axis in (1, 2):
        part_of(progress, 0.6, 1.0)(axis - 1, 2)
        product, power, pair = products.pop(0), powers.pop(0), pairs.pop(0)
        other = 3 - axis
        sides = [max(1, 2 * int(_SQUARE_MM / 2 / mm) + 1) for mm in (dz, scan.spacing[other])]
        for values in (product, power, pair):
            for side, along in zip(sides, (0, other), strict=True):
                ndimage.uniform_filter1d(values, side, axis=along, mode="constant", output=values)
        number = float(np.prod(sides)) * _slices_a_plane(scan)
        beside_product, beside_power = (_beside(values, axis) for values in (product, power))
        floor = np.float32(1e-3 * max(float(power.max()), 1e-6))
        less = beside_product / np.maximum(beside_power, floor) - product / np.maximum(power, floor)
        less *= np.sqrt(number * np.maximum(pair, 0))
        good = (pair > _LEAST_LUNG) & (beside_power > 0.3 * power)
        less[~good] = 0
        if good.any():
            less /= 1.4826 * float(np.median(np.abs(less[good]))) + 1e-6
        np.clip(less, 0, _MOST_OF_A_FACE, out=less)
        found.append(ndimage.maximum_filter1d(less, 3, axis=axis, mode="constant"))
    return found


def _sums(
    scan: ExaminedScan, progress: Progress
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Of each voxel and the next along either axis, over the slices of a plane.

    Means of the products of their noise, of their mean square, and of whether both are lung.
    """
    slices = _slices_a_plane(scan)
    depth, rows, columns = scan.lungs.shape
    planes = -(-depth // slices)
    products, powers, pairs = ([np.zeros((planes, rows, columns), np.float32) for _ in range(2)] for _ in range(3))
    most = _CLIP * _spread(scan)
    for z in range(depth):
        progress(z, depth)
        noise, lung = _noise(scan, z)
        np.clip(noise, -most, most, out=noise)
        noise *= lung
        square = noise * noise
        for number, (one, next_) in enumerate(_NEIGHBOURS):
            both = lung[one] & lung[next_]
            plane = (z // slices, *one)
            products[number][plane] += noise[one] * noise[next_]
            powers[number][plane] += (square[one] + square[next_]) * both
            pairs[number][plane] += both
    for number in range(2):
        powers[number] *= 0.5 / slices
        products[number] /= slices
        pairs[number] /= slices
    return products, powers, pairs


def _noise(scan: ExaminedScan, z: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The noise of a slice, high-passed, and which of its voxels are lung."""
    hu = scan.hu[z]
    lung = scan.lungs[z] & (hu > _LUNG_HU[0]) & (hu < _LUNG_HU[1])
    calm = np.clip(hu, -1000, -600).astype(np.float32)
    return calm - ndimage.uniform_filter(calm, _HIGH_PASS, mode="nearest"), lung


def _spread(scan: ExaminedScan) -> float:
    """Standard deviation of the noise, from some of the slices."""
    some = [noise[lung] for noise, lung in (_noise(scan, z) for z in range(0, len(scan.hu), 8))]
    values = np.concatenate(some)
    return 1.4826 * float(np.median(np.abs(values))) + 1e-3 if values.size else 1.0


def _beside(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Means of the values beside each along an axis, on both sides, those next to it left out."""
    inner, outer = _BESIDE
    wide = ndimage.uniform_filter1d(values, outer, axis=axis, mode="constant")
    wide *= outer / (outer - inner)
    wide -= inner / (outer - inner) * ndimage.uniform_filter1d(values, inner, axis=axis, mode="constant")
    return wide


def _moved(values: NDArray[np.float32], steps: int, axis: int) -> NDArray[np.float32]:
    """The values moved along an axis, 0 where there were none."""
    out = np.zeros_like(values)
    n = values.shape[axis]
    if abs(steps) < n:
        to, source = [slice(None)] * 3, [slice(None)] * 3
        to[axis] = slice(max(0, steps), n + min(0, steps))
        source[axis] = slice(max(0, -steps), n + min(0, -steps))
        out[tuple(to)] = values[tuple(source)]
    return out


def _outline(scan: ExaminedScan, at: Voxel, half_mm: float) -> Outline:
    """The box, as thick as wide."""
    z, y, x = (2 * round(half_mm / mm) + 1 for mm in scan.spacing)
    box = Box.around(at, (z, y, x)).inside(scan.volume.shape)
    return Outline(box, np.ones(box.shape, dtype=bool))
