"""Nodule candidates: what in the lungs and at their walls is round, unlike a vessel or a wall.

The dot-enhancement filter of Li, Sone and Doi, 'Selective enhancement filters for nodules, vessels, and airway walls',
Medical Physics 30 (2003): of the three curvatures, the least squared over the largest. A vessel is curved along two
axes only, a wall along one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.detection.search_grid import as_voxel, block_centres, coarse_factors, lung_in, middle_x
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.ct.grid import Voxel

_SCALES_MM = (1.5, 2.5, 4.0, 6.0, 8.5)
"""Widths of the Gaussians that meet nodules of about 5, 9, 14, 21 and 29 mm."""
_CLOSE_MM = 12.0
"""The lung's outline is bridged over dents of up to twice this width, which nodules at the pleura make."""
_LEAST_RESPONSE_HU = 25.0
_MOST_CANDIDATES = 200
"""After so many only bends of vessels follow."""
_SAME_CANDIDATE_MM = 6.0
STEPS = len(_SCALES_MM) + 2
"""The grid, the lungs, and each scale; `progress` is told of them."""


def nodule_candidates(volume: CTVolume, *, progress: Progress = silent) -> tuple[list[Voxel], NDArray[np.float64]]:
    """Where something in the lungs and at their walls is round and bright, by the filter at five scales.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    progress : callable
        Told how many of `STEPS` steps are done; the total that it is told leaves one step for each candidate.

    Returns
    -------
    voxels : list of tuple of int
        (z, y, x), most striking first, at least 6 mm apart, 200 at most.
    response : ndarray of float, shape (n,)
        The filter's values there in HU.

    Raises
    ------
    AttackError
        If no lung was found.
    """
    total = STEPS + _MOST_CANDIDATES
    progress(0, total)
    factors = coarse_factors(volume.spacing)
    grid = volume.coarsen(factors)
    progress(1, total)
    lung = lung_in(grid)
    region = _bounds(lung, _CLOSE_MM, np.asarray(grid.spacing))
    closed = _closed(lung[region], grid.spacing)
    hu = np.clip(grid.hu[region], -1000, 100).astype(np.float32)
    # The chest wall is brighter than any nodule, so it is taken for lung.
    hu[~closed] = np.median(hu[lung[region]])
    progress(2, total)
    found = []
    for number, scale_mm in enumerate(_SCALES_MM, start=3):
        found.append(_dots(hu, closed, scale_mm, grid.spacing))
        progress(number, total)
    at = np.concatenate([where for where, _ in found])
    response = np.concatenate([value for _, value in found])
    at = at + np.array([s.start for s in region])
    voxels = block_centres(at, factors, volume)
    kept: list[int] = []
    kept_mm = np.empty((0, 3))
    for i in np.argsort(-response, kind="stable"):
        here = voxels[i] * np.asarray(volume.spacing)
        if len(kept_mm) and (((kept_mm - here) ** 2).sum(axis=1) < _SAME_CANDIDATE_MM**2).any():
            continue
        kept.append(int(i))
        kept_mm = np.vstack([kept_mm, here])
        if len(kept) == _MOST_CANDIDATES:
            break
    return [as_voxel(voxels[i]) for i in kept], response[kept]


def _bounds(mask: NDArray[np.bool_], margin_mm: float, spacing: NDArray[np.float64]) -> tuple[slice, slice, slice]:
    """The box of a mask, and a margin around it where the array reaches that far."""
    bounds = []
    for axis in range(3):
        hit = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = int(np.ceil(margin_mm / spacing[axis]))
        bounds.append(slice(max(0, int(hit[0]) - margin), min(mask.shape[axis], int(hit[-1]) + 1 + margin)))
    return (bounds[0], bounds[1], bounds[2])


def _closed(lung: NDArray[np.bool_], spacing: tuple[float, float, float]) -> NDArray[np.bool_]:
    """The lungs with dents bridged and holes filled, by distances: a ball this large would take minutes."""
    closed = lung.copy()
    middle = middle_x(lung)
    # Each half for itself: between the lungs are spine, heart and great vessels, all of them round somewhere.
    for half in (slice(0, middle), slice(middle, None)):
        part = lung[..., half]
        if part.any():
            grown = ndimage.distance_transform_edt(~part, sampling=spacing) <= _CLOSE_MM
            closed[..., half] |= ndimage.distance_transform_edt(grown, sampling=spacing) > _CLOSE_MM
            for z in range(len(part)):
                closed[z, :, half] = ndimage.binary_fill_holes(closed[z, :, half])
    return closed


def _dots(
    hu: NDArray[np.float32], within: NDArray[np.bool_], scale_mm: float, spacing: tuple[float, float, float]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where the filter for dots has its peaks at one scale, (n, 3), and its values there in HU."""
    smooth = ndimage.gaussian_filter(hu, [scale_mm / s for s in spacing], mode="nearest", truncate=3.0)
    inner = tuple(slice(1, -1) for _ in range(3))
    if min(smooth.shape) < 3:
        return np.empty((0, 3), dtype=np.int64), np.empty(0)
    round_enough = within[inner].copy()
    curvature = []
    for axis, step in enumerate(spacing):
        second = np.diff(smooth, 2, axis=axis) * np.float32((scale_mm / step) ** 2)
        second = second[tuple(slice(None) if a == axis else slice(1, -1) for a in range(3))]
        # Only where every diagonal element is negative can all three curvatures be.
        round_enough &= second < -_LEAST_RESPONSE_HU / 2
        curvature.append(second)
    at = np.argwhere(round_enough)
    if len(at) == 0:
        return at, np.empty(0)
    hessian = np.empty((len(at), 3, 3), dtype=np.float32)
    index = tuple(at.T)
    for axis in range(3):
        hessian[:, axis, axis] = curvature[axis][index]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        mixed = _mixed(smooth, at + 1, a, b) * scale_mm**2 / (spacing[a] * spacing[b])
        hessian[:, a, b] = hessian[:, b, a] = mixed
    values = np.linalg.eigvalsh(hessian)  # ascending: the strongest curvature first
    strongest, weakest = -values[:, 0], -values[:, 2]
    response = np.where(weakest > 0, weakest**2 / np.maximum(strongest, 1e-6), 0.0).astype(np.float32)
    image = np.zeros(round_enough.shape, dtype=np.float32)
    image[index] = response
    reach = [2 * max(1, round(scale_mm / s)) + 1 for s in spacing]
    peak = (ndimage.maximum_filter(image, reach)[index] == response) & (response >= _LEAST_RESPONSE_HU)
    return at[peak] + 1, response[peak].astype(np.float64)


def _mixed(smooth: NDArray[np.float32], at: NDArray[np.int64], a: int, b: int) -> NDArray[np.float32]:
    """Mixed second difference along axes a and b at voxels (n, 3), per voxel squared."""
    total = np.zeros(len(at), dtype=np.float32)
    for da, db in ((1, 1), (-1, -1), (1, -1), (-1, 1)):
        moved = at.copy()
        moved[:, a] += da
        moved[:, b] += db
        total += da * db * smooth[tuple(moved.T)]
    mean: NDArray[np.float32] = total / np.float32(4)
    return mean
