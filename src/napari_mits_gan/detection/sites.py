"""Where an attack is plausible: healthy places for a nodule to be put in, and places that seem to hold one.

CT-GAN (Mirsky, Mahler, Shelef, Elovici, USENIX Security 2019) has its attacker choose places for injection in the
middle of a lung by image processing, and places for removal by a detector of nodules. Here the detector is asked about
candidates that look like balls and not like vessels: the dot filter of Li, Sone and Doi, 'Selective enhancement filters
for nodules, vessels, and airway walls', Medical Physics 30 (2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.attack.pipeline import Place

Action = Literal["inject", "remove"]

_GRID_MM = 1.5
"""The search goes over voxels of about this size: fine enough for nodules, and quick."""

_CORE_MM = 8.0
"""Radius of the ball that an injected nodule may fill."""
_BRIGHT_ABOVE_HU = -600
"""Vessels, nodules and walls as they look in voxels of the search's size."""
_MOST_BRIGHT = 0.02
"""Largest share of the core that bright structure may take."""
_MOST_PLACES = 6000
_APART_MM = 20.0
_FAR_MM = 60.0
"""Places further apart than this are as good as any."""

_SCALES_MM = (1.5, 2.5, 4.0, 6.0, 8.5)
"""Widths of the Gaussians that meet nodules of about 5, 9, 14, 21 and 29 mm."""
_CLOSE_MM = 12.0
"""The lung's outline is bridged over dents of up to twice this width, which nodules at the pleura make."""
_LEAST_RESPONSE_HU = 25.0
_USUAL_RESPONSE_HU = 50.0
"""What the filter gives for most candidates; a place with this response is taken for half a ball."""
_MOST_CANDIDATES = 200
_SAME_CANDIDATE_MM = 6.0
_SAME_NODULE_MM = 15.0
_SCORED_AT_ONCE = 16


@dataclass(frozen=True)
class Site:
    """A place where an attack is plausible.

    Parameters
    ----------
    at : tuple of int
        Voxel (z, y, x).
    action : {"inject", "remove"}
        Which attack.
    score : float
        0 to 1, more is better. For an injection how clear the lung is there, times the detector's doubt that there is a
        nodule; for a removal the geometric mean of the detector's score and of how ball-like the place is.
    """

    at: Place
    action: Action
    score: float


class Judge(Protocol):
    """What is asked of a detector of nodules; `NoduleDetector` is one."""

    @property
    def threshold(self) -> float:
        """The score from which on there is a nodule."""
        ...

    def scores(self, volume: CTVolume, places: Sequence[Place]) -> NDArray[np.float64]:
        """How surely a nodule lies at each voxel (z, y, x), 0 to 1."""
        ...


def injection_sites(
    volume: CTVolume, n: int = 10, *, seed: int = 0, detector: Judge | None = None, progress: Progress = silent
) -> list[Site]:
    """Places in healthy lung where a nodule could be put in.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    n : int
        How many places at most.
    seed : int
        Fixes the choice among places that are alike.
    detector : Judge or None
        Places where it finds a nodule already are left out; None asks nobody.
    progress : callable
        Told how far the search is.

    Returns
    -------
    list of Site
        Best first, spread over both lungs, at least 20 mm apart, with the whole 32 mm cuboid inside the scan and no
        vessel to speak of within 8 mm; empty where there is no such place.

    Raises
    ------
    AttackError
        If no lung was found, the scan is too thin for an attack, or `n` is less than one.
    """
    from napari_mits_gan.attack.cuboid import CUBOID_MM

    _check(volume, n)
    progress(0, 4)
    grid, factors = _coarse(volume)
    progress(1, 4)
    lung = _lung(grid)
    progress(2, 4)
    spacing = np.asarray(grid.spacing)
    clear = lung & (grid.hu <= _BRIGHT_ABOVE_HU)
    depth_mm = ndimage.distance_transform_edt(lung, sampling=grid.spacing).astype(np.float32)
    core = _cube_mean(lung & ~clear, 2 * _CORE_MM, spacing)
    around = _cube_mean(clear, float(CUBOID_MM), spacing)
    allowed = (depth_mm > _CORE_MM) & (core <= _MOST_BRIGHT)
    progress(3, 4)
    coarse = np.argwhere(allowed)
    places = _fine(coarse, factors, volume.shape)
    room = np.minimum(places, np.asarray(volume.shape) - 1 - places) * np.asarray(volume.spacing)
    fits = (room >= CUBOID_MM / 2).all(axis=1)
    coarse, places = coarse[fits], places[fits]
    rng = np.random.default_rng(seed)
    if len(places) > _MOST_PLACES:
        kept = np.sort(rng.choice(len(places), _MOST_PLACES, replace=False))
        coarse, places = coarse[kept], places[kept]
    index = tuple(coarse.T)
    plausible = np.clip(around[index] * (1 - core[index]), 0.0, 1.0).astype(np.float64)
    # Twice as many as asked for, since the detector may refuse some.
    chosen = _spread(coarse * spacing, plausible, coarse[:, 2] >= _middle_x(lung), 2 * n if detector else n)
    found = [_place(places[i]) for i in chosen]
    healthy = np.ones(len(found))
    if detector is not None and found:
        scores = detector.scores(volume, found)
        healthy = np.where(scores < detector.threshold, 1 - scores, -1.0)
    progress(4, 4)
    sites = [
        Site(at, "inject", float(plausible[i] * health))
        for at, i, health in zip(found, chosen, healthy, strict=True)
        if health >= 0
    ]
    return sorted(sites[:n], key=lambda site: -site.score)


def removal_sites(
    volume: CTVolume, n: int = 10, *, detector: Judge | None = None, progress: Progress = silent
) -> list[Site]:
    """Places where the scan seems to hold a nodule, which an attack could remove.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    n : int
        How many places at most.
    detector : Judge or None
        Scores the candidates; None takes the detector that comes with this package.
    progress : callable
        Told how far the search is.

    Returns
    -------
    list of Site
        Those that the detector takes for a nodule, best first, at least 15 mm apart; may be empty.

    Raises
    ------
    AttackError
        If no lung was found, the scan is too thin for an attack, or `n` is less than one.
    WeightsError
        If `detector` is None and the package's own cannot be loaded.
    """
    _check(volume, n)
    if detector is None:
        from napari_mits_gan.detection.detector import NoduleDetector

        detector = NoduleDetector.load()
    places, response = _candidates(volume, progress)
    scores = np.zeros(len(places))
    steps = len(_SCALES_MM) + 2 + len(places)
    for start in range(0, len(places), _SCORED_AT_ONCE):
        progress(len(_SCALES_MM) + 2 + start, steps)
        some = slice(start, start + _SCORED_AT_ONCE)
        scores[some] = detector.scores(volume, places[some])
    progress(steps, steps)
    # Both judge differently, and are wrong about different places.
    together = np.sqrt(scores * response / (response + _USUAL_RESPONSE_HU))
    sites: list[Site] = []
    for i in np.argsort(-together, kind="stable"):
        if len(sites) == n:
            break
        if scores[i] >= detector.threshold and all(
            _distance_mm(volume, places[i], other.at) > _SAME_NODULE_MM for other in sites
        ):
            sites.append(Site(places[i], "remove", float(together[i])))
    return sites


def ball_like_places(volume: CTVolume, *, progress: Progress = silent) -> list[Place]:
    """Voxels (z, y, x) in the lungs and at their walls with something round and bright, most striking first.

    Li, Sone and Doi's filter for dots, at five scales: of the three curvatures, the least squared over the largest.
    A vessel is curved along two axes only, a wall along one.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    progress : callable
        Told how many of seven steps are done; of more, where the caller goes on.

    Raises
    ------
    AttackError
        If no lung was found.
    """
    return _candidates(volume, progress)[0]


# ---- inside


def _candidates(volume: CTVolume, progress: Progress) -> tuple[list[Place], NDArray[np.float64]]:
    """Places as `ball_like_places` gives them, and the filter's values there in HU."""
    total = len(_SCALES_MM) + 2 + _MOST_CANDIDATES
    progress(0, total)
    grid, factors = _coarse(volume)
    progress(1, total)
    lung = _lung(grid)
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
    places = _fine(at, factors, volume.shape)
    kept: list[int] = []
    kept_mm = np.empty((0, 3))
    for i in np.argsort(-response, kind="stable"):
        here = places[i] * np.asarray(volume.spacing)
        if len(kept_mm) and (((kept_mm - here) ** 2).sum(axis=1) < _SAME_CANDIDATE_MM**2).any():
            continue
        kept.append(int(i))
        kept_mm = np.vstack([kept_mm, here])
        if len(kept) == _MOST_CANDIDATES:
            break
    return [_place(places[i]) for i in kept], response[kept]


def _check(volume: CTVolume, n: int) -> None:
    from napari_mits_gan.attack.cuboid import check_thickness

    if n < 1:
        raise AttackError(f"{n} places were asked for; at least one is needed.")
    check_thickness(volume.shape, volume.spacing)


def _coarse(volume: CTVolume) -> tuple[CTVolume, NDArray[np.int64]]:
    """The scan in voxels of about 1.5 mm, means of whole blocks, and how many voxels a block has along each axis."""
    fz, fy, fx = factors = np.array([max(1, round(_GRID_MM / s)) for s in volume.spacing])
    nz, ny, nx = np.asarray(volume.shape) // factors
    hu = np.empty((nz, ny, nx), dtype=np.int16)
    padding = None if volume.padding is None else np.zeros(hu.shape, dtype=bool)
    for z in range(nz):  # slab by slab, so that no wide copy of the scan is made
        slab = (slice(z * fz, (z + 1) * fz), slice(0, ny * fy), slice(0, nx * fx))
        blocks = volume.hu[slab].reshape(fz, ny, fy, nx, fx)
        hu[z] = np.rint(blocks.mean(axis=(0, 2, 4), dtype=np.float32))
        if padding is not None and volume.padding is not None:
            padding[z] = volume.padding[slab].reshape(fz, ny, fy, nx, fx).any(axis=(0, 2, 4))
    spacing = tuple(float(s * f) for s, f in zip(volume.spacing, factors, strict=True))
    return CTVolume(hu, spacing=spacing, padding=padding, name=volume.name), factors  # type: ignore[arg-type]


def _lung(grid: CTVolume) -> NDArray[np.bool_]:
    lung = lung_mask(grid)
    if not lung.any():
        raise AttackError(f"no lung was found in '{grid.name}'; choose a chest CT.")
    return lung


def _fine(coarse: NDArray[np.int64], factors: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Voxels (n, 3) of the scan in the middle of blocks (n, 3)."""
    return np.minimum(coarse * factors + factors // 2, np.asarray(shape) - 1)


def _place(voxel: NDArray[np.int64]) -> Place:
    z, y, x = (int(v) for v in voxel)
    return (z, y, x)


def _distance_mm(volume: CTVolume, a: Place, b: Place) -> float:
    return float(np.linalg.norm(np.subtract(a, b) * np.asarray(volume.spacing)))


def _cube_mean(mask: NDArray[np.bool_], side_mm: float, spacing: NDArray[np.float64]) -> NDArray[np.float32]:
    """Share of a mask in the cube around each voxel."""
    size = [max(1, 2 * round(side_mm / s / 2) + 1) for s in spacing]
    share: NDArray[np.float32] = ndimage.uniform_filter(mask.astype(np.float32), size, mode="constant")
    return share


def _spread(at_mm: NDArray[np.float64], quality: NDArray[np.float64], side: NDArray[np.bool_], n: int) -> list[int]:
    """Indices of up to `n` good places far from each other, in turn on both sides while there are any."""
    chosen: list[int] = []
    nearest = np.full(len(at_mm), np.inf)
    while len(chosen) < n:
        free = nearest >= _APART_MM
        if not free.any():
            break
        if chosen and (other := free & (side != side[chosen[-1]])).any():
            free = other
        value = np.where(free, quality * np.minimum(nearest, _FAR_MM) / _FAR_MM, -1.0)
        best = int(np.argmax(value))
        chosen.append(best)
        nearest = np.minimum(nearest, np.linalg.norm(at_mm - at_mm[best], axis=1))
    return chosen


def _bounds(mask: NDArray[np.bool_], margin_mm: float, spacing: NDArray[np.float64]) -> tuple[slice, slice, slice]:
    """The box of a mask, and a margin around it where the array reaches that far."""
    bounds = []
    for axis in range(3):
        hit = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = int(np.ceil(margin_mm / spacing[axis]))
        bounds.append(slice(max(0, int(hit[0]) - margin), min(mask.shape[axis], int(hit[-1]) + 1 + margin)))
    return (bounds[0], bounds[1], bounds[2])


def _middle_x(lung: NDArray[np.bool_]) -> int:
    """The first column of voxels that is counted to the second lung."""
    columns = np.flatnonzero(lung.any(axis=(0, 1)))
    return int(columns[0] + columns[-1] + 1) // 2


def _closed(lung: NDArray[np.bool_], spacing: tuple[float, float, float]) -> NDArray[np.bool_]:
    """The lungs with dents bridged and holes filled, by distances: a ball this large would take minutes."""
    closed = lung.copy()
    middle = _middle_x(lung)
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
