"""Where an attack is plausible: sites in healthy lung for a nodule to be put in, and sites that seem to hold one.

CT-GAN (Mirsky, Mahler, Shelef, Elovici, USENIX Security 2019) has its attacker choose sites for injection in the
middle of a lung by image processing, and sites for removal by a detector of nodules. Here the detector is asked about
candidates that are round, unlike vessels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.detection.nodule_candidates import STEPS, nodule_candidates
from napari_mits_gan.detection.search_grid import as_voxel, block_centres, coarse_factors, lung_in, middle_x
from napari_mits_gan.errors import AttackError
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.ct.grid import Voxel


_CORE_MM = 8.0
"""Radius of the ball that an injected nodule may fill."""
_BRIGHT_ABOVE_HU = -600
"""Vessels, nodules and walls as they look in voxels of the search's size."""
_MOST_BRIGHT = 0.02
"""Largest share of the core that bright structure may take."""
_MOST_VOXELS = 6000
_APART_MM = 20.0
_FAR_MM = 60.0
"""Sites further apart than this are as good as any."""

_USUAL_RESPONSE_HU = 50.0
"""What the filter gives for most candidates; one with this response counts half."""
_SAME_NODULE_MM = 15.0
_SCORED_AT_ONCE = 16


@dataclass(frozen=True)
class Site:
    """A voxel where an attack is plausible.

    Parameters
    ----------
    at : tuple of int
        Voxel (z, y, x).
    action : {"inject", "remove"}
        Which attack.
    score : float
        0 to 1, more is better. For an injection how clear the lung is there, times the detector's doubt that there is a
        nodule; for a removal the geometric mean of the detector's score and of how round the candidate is.
    """

    at: Voxel
    action: Action
    score: float


class Detector(Protocol):
    """What is asked of a detector of nodules; `NoduleDetector` is one."""

    @property
    def threshold(self) -> float:
        """The score from which on there is a nodule."""
        ...

    def scores(self, volume: CTVolume, voxels: Sequence[Voxel]) -> NDArray[np.float64]:
        """How surely a nodule lies at each voxel (z, y, x), 0 to 1."""
        ...


def injection_sites(
    volume: CTVolume, n: int = 10, *, seed: int = 0, detector: Detector | None = None, progress: Progress = silent
) -> list[Site]:
    """Sites in healthy lung where a nodule could be put in.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    n : int
        How many sites at most.
    seed : int
        Fixes the choice among sites that are alike.
    detector : Detector or None
        Sites where it finds a nodule already are left out; None uses no detector.
    progress : callable
        Told how far the search is.

    Returns
    -------
    list of Site
        Best first, spread over both lungs, at least 20 mm apart, with the whole 32 mm cuboid inside the scan and no
        vessel to speak of within 8 mm; empty where there is no such site.

    Raises
    ------
    AttackError
        If no lung was found, the scan is too thin for an attack, or `n` is less than one.
    """
    from napari_mits_gan.attack.cuboid import CUBOID_MM

    _check(volume, n)
    progress(0, 4)
    factors = coarse_factors(volume.spacing)
    grid = volume.coarsen(factors)
    progress(1, 4)
    lung = lung_in(grid)
    progress(2, 4)
    spacing = np.asarray(grid.spacing)
    clear = lung & (grid.hu <= _BRIGHT_ABOVE_HU)
    depth_mm = ndimage.distance_transform_edt(lung, sampling=grid.spacing).astype(np.float32)
    core = _cube_mean(lung & ~clear, 2 * _CORE_MM, spacing)
    around = _cube_mean(clear, float(CUBOID_MM), spacing)
    allowed = (depth_mm > _CORE_MM) & (core <= _MOST_BRIGHT)
    progress(3, 4)
    coarse = np.argwhere(allowed)
    voxels = block_centres(coarse, factors, volume)
    room = np.minimum(voxels, np.asarray(volume.shape) - 1 - voxels) * np.asarray(volume.spacing)
    fits = (room >= CUBOID_MM / 2).all(axis=1)
    coarse, voxels = coarse[fits], voxels[fits]
    rng = np.random.default_rng(seed)
    if len(voxels) > _MOST_VOXELS:
        kept = np.sort(rng.choice(len(voxels), _MOST_VOXELS, replace=False))
        coarse, voxels = coarse[kept], voxels[kept]
    index = tuple(coarse.T)
    plausible = np.clip(around[index] * (1 - core[index]), 0.0, 1.0).astype(np.float64)
    # Twice as many as asked for, since the detector may refuse some.
    chosen = _spread(coarse * spacing, plausible, coarse[:, 2] >= middle_x(lung), 2 * n if detector else n)
    found = [as_voxel(voxels[i]) for i in chosen]
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
    volume: CTVolume, n: int = 10, *, detector: Detector | None = None, progress: Progress = silent
) -> list[Site]:
    """Sites where the scan seems to hold a nodule, which an attack could remove.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    n : int
        How many sites at most.
    detector : Detector or None
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
    candidates, response = nodule_candidates(volume, progress=progress)
    scores = np.zeros(len(candidates))
    steps = STEPS + len(candidates)
    for start in range(0, len(candidates), _SCORED_AT_ONCE):
        progress(STEPS + start, steps)
        some = slice(start, start + _SCORED_AT_ONCE)
        scores[some] = detector.scores(volume, candidates[some])
    progress(steps, steps)
    # Filter and detector are wrong about different candidates.
    together = np.sqrt(scores * response / (response + _USUAL_RESPONSE_HU))
    sites: list[Site] = []
    for i in np.argsort(-together, kind="stable"):
        if len(sites) == n:
            break
        if scores[i] >= detector.threshold and all(
            _distance_mm(volume, candidates[i], other.at) > _SAME_NODULE_MM for other in sites
        ):
            sites.append(Site(candidates[i], "remove", float(together[i])))
    return sites


# ---- inside


def _check(volume: CTVolume, n: int) -> None:
    from napari_mits_gan.attack.cuboid import check_thickness

    if n < 1:
        raise AttackError(f"{n} sites were asked for; at least one is needed.")
    check_thickness(volume.shape, volume.spacing)


def _distance_mm(volume: CTVolume, a: Voxel, b: Voxel) -> float:
    return float(np.linalg.norm(np.subtract(a, b) * np.asarray(volume.spacing)))


def _cube_mean(mask: NDArray[np.bool_], side_mm: float, spacing: NDArray[np.float64]) -> NDArray[np.float32]:
    """Share of a mask in the cube around each voxel."""
    size = [max(1, 2 * round(side_mm / s / 2) + 1) for s in spacing]
    share: NDArray[np.float32] = ndimage.uniform_filter(mask.astype(np.float32), size, mode="constant")
    return share


def _spread(at_mm: NDArray[np.float64], quality: NDArray[np.float64], side: NDArray[np.bool_], n: int) -> list[int]:
    """Indices of up to `n` good voxels far from each other, in turn on both sides while there are any."""
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
