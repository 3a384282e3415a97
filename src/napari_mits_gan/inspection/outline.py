"""Which voxels a trace covers: where the noise is that of the source, or where a map of scores stands out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.grid import Box, Spacing, Voxel
from napari_mits_gan.inspection.blocks import BLOCK
from napari_mits_gan.inspection.examined_scan import ExaminedScan

_REACH_MM = 32.0
"""No outline reaches further: the box that CT-GAN touches has sides of 42 mm."""
_TOUCHING_MM = 3.0
"""What is outlined has to come this near to where the trace was noticed."""
_AGREE_MM = 2.0
"""Standard deviation of the Gaussian under which the noise of a copy is correlated with that of its source."""
_LEAST_AGREEMENT = 0.3
"""Local correlation of what was copied; by chance it is below 0.1 nearly everywhere."""
_LEAST_OF_PEAK = 0.3
"""Of the highest score, what belongs to it."""


@dataclass(frozen=True, eq=False)
class Outline:
    """Some voxels of a scan.

    Parameters
    ----------
    box : Box
        Around them, inside the scan.
    inside : ndarray of bool, shape `box.shape`
        Which of the box they are.
    """

    box: Box
    inside: NDArray[np.bool_]


def ball(at: Voxel, radius_mm: float, spacing: Spacing, shape: tuple[int, ...]) -> Outline:
    """The voxels within a distance of one, as far as they lie in a scan of `shape`."""
    box = _box_around(at, radius_mm, spacing).inside(shape)
    return Outline(box, _away_mm(box, at, spacing) <= radius_mm)


def outline_of_copy(
    scan: ExaminedScan, at: Voxel, source: NDArray[np.float32], placed: Box, least_mm: float = 0.0
) -> Outline | None:
    """Where the noise of a scan is that of a source.

    Parameters
    ----------
    scan : ExaminedScan
        The scan.
    at : tuple of int
        Voxel (z, y, x) of the scan where the copy was noticed.
    source : ndarray of float32, shape `placed.shape`
        Residual of what was copied.
    placed : Box
        Where in the scan the source comes to lie if it is moved onto its copy.
    least_mm : float
        So far around the voxel everything is taken for copied, whether it agrees or not.

    Returns
    -------
    Outline or None
        None where nothing near to the voxel agrees.
    """
    box = _box_around(at, _REACH_MM, scan.spacing).overlap(placed).overlap(scan.region)
    if 0 in box.shape:
        return None
    here, there = scan.residual[box.slices(scan.region)], source[box.slices(placed)]
    sigma = [_AGREE_MM / mm for mm in scan.spacing]
    both, own, others = (
        ndimage.gaussian_filter(product, sigma, truncate=3.0) for product in (here * there, here * here, there * there)
    )
    agrees = both > _LEAST_AGREEMENT * np.sqrt(own * others) + 1e-3
    if least_mm:
        agrees |= _away_mm(box, at, scan.spacing) <= least_mm
    return _part_at(agrees, box, at, scan.spacing)


def outline_of_score(scan: ExaminedScan, at: Voxel, score: NDArray[np.float32], radius_mm: float) -> Outline:
    """Where the score of blocks stands out, and the ball around its peak, which blocks are too coarse for.

    Parameters
    ----------
    scan : ExaminedScan
        The scan.
    at : tuple of int
        Voxel (z, y, x) of the scan where the score is highest.
    score : ndarray of float32, shape (z, rows, columns)
        Of the blocks of the examined region.
    radius_mm : float
        Of the ball.
    """
    box = _box_around(at, _REACH_MM, scan.spacing).overlap(scan.region)
    z, *sides = box.slices(scan.region)
    near = score[z]
    for axis, side in enumerate(sides, start=1):
        near = near.take(np.arange(side.start, side.stop) // BLOCK, axis=axis)
    inside = _away_mm(box, at, scan.spacing) <= radius_mm
    part = _part_at(near > max(0.0, _LEAST_OF_PEAK * float(near[inside].max())), box, at, scan.spacing)
    return Outline(box, inside if part is None else inside | part.inside)


def moved(box: Box, source: Voxel, at: Voxel) -> Box:
    """Where a box comes to lie if one of its voxels is moved to another."""
    z, y, x = (lo + a - s for lo, a, s in zip(box.low, at, source, strict=True))
    return Box((z, y, x), box.shape)


def _part_at(mask: NDArray[np.bool_], box: Box, at: Voxel, spacing: Spacing) -> Outline | None:
    """What hangs together with the voxels around one; None where there is nothing."""
    numbers, count = ndimage.label(mask)
    near = numbers[_away_mm(box, at, spacing) <= max(_TOUCHING_MM, *spacing)]
    chosen = np.zeros(count + 1, dtype=bool)
    chosen[near] = True
    chosen[0] = False
    if not chosen.any():
        return None
    return Outline(box, chosen[numbers])


def _box_around(at: Voxel, reach_mm: float, spacing: Spacing) -> Box:
    reach = [int(reach_mm / mm) for mm in spacing]
    low, shape = ([a - r for a, r in zip(at, reach, strict=True)], [2 * r + 1 for r in reach])
    return Box((low[0], low[1], low[2]), (shape[0], shape[1], shape[2]))


def _away_mm(box: Box, at: Voxel, spacing: Spacing) -> NDArray[np.floating]:
    square = [((np.arange(lo, hi) - a) * mm) ** 2 for lo, hi, a, mm in zip(box.low, box.high, at, spacing, strict=True)]
    away: NDArray[np.floating] = np.sqrt(sum(np.ix_(*square)))
    return away
