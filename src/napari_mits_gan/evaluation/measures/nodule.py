"""How bright, how large and how sharp a nodule is: the same rule for injected, drawn and real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.isotropic import cube_at_1mm
from napari_mits_gan.ct.volume import CTVolume

CORE_MM = 3.0
_SIDE = 57
"""Side of the cube at 1 mm that is looked at."""
_LUNG_BELOW_HU = -500
_TISSUE_ABOVE_HU = -400
_LEAST_CONTRAST_HU = 150
_FARTHEST_MM = 5.0
_BEYOND_MM = 8
_HIGH, _LOW = 0.9, 0.1


@dataclass(frozen=True)
class NoduleMeasure:
    """One nodule as it is seen.

    Parameters
    ----------
    core_hu : float
        Mean within 3 mm of its middle.
    diameter_mm : float
        Diameter of the ball of the same volume; NaN where the nodule is attached to other tissue.
    edge_mm : float
        Distance over which the mean radial profile falls from 90 % to 10 % of what it rises above the lung; NaN there
        too, and where other tissue keeps it from falling.
    """

    core_hu: float
    diameter_mm: float
    edge_mm: float


def core_mean(volume: CTVolume, at: Sequence[float]) -> float:
    """Mean HU within 3 mm of a site (z, y, x), at 1 mm."""
    cube = cube_at_1mm(volume, at, 9)
    return float(cube[_distance(cube.shape, np.full(3, 4.0)) <= CORE_MM].mean())


def measure_nodule(volume: CTVolume, at: Sequence[float], *, before: CTVolume | None = None) -> NoduleMeasure | None:
    """Measure the nodule at a site.

    Parameters
    ----------
    volume : CTVolume
        The scan with the nodule.
    at : sequence of float
        Voxel (z, y, x) in the nodule.
    before : CTVolume or None
        The same scan without it, where that is known: vessels and chest wall (above -400 HU there) are then no part of
        the nodule.

    Returns
    -------
    NoduleMeasure or None
        None where nothing within 5 mm stands out from the lung by 150 HU.

    Notes
    -----
    A voxel belongs to the nodule if it lies above the middle between the lung around (median of what is below -500 HU)
    and the core: about -400 HU for solid nodules, less for ground glass, and in either case where a blurred edge has
    its true position. Thin vessels are cut off by an opening of 1 mm; what remains connected is the nodule. The profile
    leaves out the tissue that was there before, and other bright structures beside the nodule. Where nothing is known
    of the time before, a nodule at the chest wall is one piece with it; a piece that leaves the 57 mm cube has no size.
    """
    cube = cube_at_1mm(volume, at, _SIDE)
    middle = np.full(3, (_SIDE - 1) / 2)
    to_site = _distance(cube.shape, middle)
    lung = cube[cube < _LUNG_BELOW_HU]
    if lung.size == 0:
        return None
    background = float(np.median(lung))
    contrast = float(cube[to_site <= CORE_MM].mean()) - background
    if contrast < _LEAST_CONTRAST_HU:
        return None
    bright = cube > background + contrast / 2
    known = np.zeros(cube.shape, bool) if before is None else cube_at_1mm(before, at, _SIDE) > _TISSUE_ABOVE_HU
    nodule = _nearest_piece(ndimage.binary_opening(bright & ~known), to_site)
    if nodule is None:
        return None
    if any(nodule.take(end, axis).any() for axis in range(3) for end in (0, -1)):
        return NoduleMeasure(background + contrast, float("nan"), float("nan"))
    centre = np.argwhere(nodule).mean(axis=0)
    radius = (3 * nodule.sum() / (4 * np.pi)) ** (1 / 3)
    away = _distance(cube.shape, centre)
    others = bright & ~ndimage.binary_dilation(nodule, iterations=2)
    return NoduleMeasure(
        core_hu=float(cube[away <= CORE_MM].mean()),
        diameter_mm=float(2 * radius),
        # Voxels beside other tissue are brightened by it.
        edge_mm=_edge_mm(cube, away, ~ndimage.binary_dilation(known | others), radius, background),
    )


def _distance(shape: tuple[int, ...], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.norm(np.indices(shape) - centre.reshape(3, 1, 1, 1), axis=0)


def _nearest_piece(mask: NDArray[np.bool_], to_site: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    labels, count = ndimage.label(mask)
    if count == 0:
        return None
    nearest = np.argmin(np.where(mask, to_site, np.inf))
    if to_site.flat[nearest] > _FARTHEST_MM:
        return None
    return np.asarray(labels == labels.flat[nearest])


def _edge_mm(
    cube: NDArray[np.float32],
    away: NDArray[np.float64],
    keep: NDArray[np.bool_],
    radius: float,
    background: float,
) -> float:
    """Width of the fall of the mean profile from 90 % to 10 %, between the inner half of the radius and the lung."""
    inside = keep & (away <= max(radius / 2, 1.5))
    top = float(cube[inside].mean()) if inside.any() else background
    bins = np.rint(away).astype(int)
    wanted = keep & (away <= radius + _BEYOND_MM)
    counts = np.bincount(bins[wanted])
    r = np.flatnonzero(counts)
    profile = np.bincount(bins[wanted], weights=cube[wanted])[r] / counts[r]
    if top <= background or (profile > (top + background) / 2).all():
        return float("nan")
    heights = (profile - background) / (top - background)
    # From the half outwards and inwards, since few voxels make the middle of the profile noisy.
    half = int(np.argmax(heights < 0.5))
    inner = np.flatnonzero(heights[:half] >= _HIGH)
    outer = np.flatnonzero(heights[half:] < _LOW)
    if inner.size == 0 or outer.size == 0:
        return float("nan")
    return _crossing(r, heights, half + int(outer[0]), _LOW) - _crossing(r, heights, int(inner[-1]) + 1, _HIGH)


def _crossing(r: NDArray[np.int64], heights: NDArray[np.float64], after: int, level: float) -> float:
    """Where the profile passes `level` between the bin before `after` and that one."""
    high, low = heights[after - 1], heights[after]
    return float(r[after - 1] + (r[after] - r[after - 1]) * (high - level) / (high - low))
