"""Features of one attack's result that can make it conspicuous: brightness, size, edge, texture, steps, remains.

Everything is measured in the scan around the site, in what an examiner would have before him; the scan before the
attack only tells which vessels and which bone were there already. NaN stands where a feature cannot be measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.measures.nodule import CORE_MM, NoduleMeasure, measure_nodule
from napari_mits_gan.evaluation.outcomes.artefacts import border_step, brightest_made

if TYPE_CHECKING:
    from napari_mits_gan.ct.grid import Box
    from napari_mits_gan.evaluation.disruption.attacked_sites import AttackedSite

Features = Mapping[str, float]

ARTEFACT_FEATURES = ("brightest_hu", "touched_step", "cuboid_step", "texture", "stray_ml")
"""Features of an injection that make it conspicuous whether or not it looks like a nodule."""
NODULE_FEATURES = ("core_hu", "painted_hu", "diameter_mm", "edge_mm", "mottle_hu")
"""Features of the injected nodule itself."""
REMOVAL_FEATURES = ("brightest_hu", "touched_step", "cuboid_step", "texture", "contrast_hu", "hole_hu", "left_ml")

_LUNG_BELOW_HU = -500
_CLEAR_LUNG_BELOW_HU = -700
_TISSUE_ABOVE_HU = -400
_PAINTED_BY_HU = 150
"""A voxel that became this much brighter was painted; no protection in use changes a scan by as much."""
_DETAIL_MM = 1.5
_FEWEST_VOXELS = 30
_LEAST_DETAIL_HU = 1.0


def injection_features(site: AttackedSite) -> dict[str, float]:
    """The features of an injection.

    Returns
    -------
    dict
        `brightest_hu`: the brightest voxel made, away from bone. `touched_step`, `cuboid_step`: step across the faces
        of what was touched and of the 32 mm cuboid, after over before. `texture`: standard deviation of the detail
        below 1.5 mm in what was painted, over that in the clear lung around. `stray_ml`: what was painted besides
        the largest piece. `core_hu`, `diameter_mm`, `edge_mm`: see `NoduleMeasure`. `painted_hu`, `mottle_hu`: mean and
        standard deviation of what was painted, without its outer voxels.
    """
    nodule = nodule_features(site.before, site.after, site.at, site.core)
    return {**_artefacts(site), **nodule}


def nodule_features(before: CTVolume, after: CTVolume, at: tuple[int, int, int], core: Box) -> dict[str, float]:
    """Those features that a nodule has however it came into the scan; `core` bounds what is looked at, in voxels."""
    inside = core.inside(before.shape).slices()
    old, new = before.hu[inside].astype(np.int32), after.hu[inside].astype(np.int32)
    painted = (new - old > _PAINTED_BY_HU) & (new > _TISSUE_ABOVE_HU)
    # The edge rises steeply in any nodule, which is no texture.
    within = ndimage.binary_erosion(painted)
    enough = int(within.sum()) >= _FEWEST_VOXELS
    measured = measure_nodule(after, at, before=before) or NoduleMeasure(*3 * (float("nan"),))
    return {
        "core_hu": measured.core_hu,
        "diameter_mm": measured.diameter_mm,
        "edge_mm": measured.edge_mm,
        "painted_hu": float(new[within].mean()) if enough else float("nan"),
        "mottle_hu": float(new[within].std()) if enough else float("nan"),
        "texture": _detail(after, inside, within) / _lung_detail(before, after, inside),
        "stray_ml": _stray_ml(painted, before.spacing),
    }


def removal_features(site: AttackedSite, healthy: CTVolume | None = None) -> dict[str, float]:
    """The features of a removal.

    Parameters
    ----------
    site : AttackedSite
        The attack on a scan with a nodule.
    healthy : CTVolume or None
        The whole scan without that nodule, where it is known: its vessels and its chest wall are no remains.

    Returns
    -------
    dict
        `brightest_hu`, `touched_step`, `cuboid_step`: as for injections. `texture`: the same in the lung within the
        core. `contrast_hu`: mean within 3 mm of the site, less the median of the lung around. `hole_hu`: the darkest
        spot of the core, smoothed over 1.5 mm, less that median. `left_ml`: what is still as bright as tissue within
        the core and was not in the healthy scan; NaN without one.
    """
    inside = site.core.inside(site.before.shape).slices()
    crop = site.after.hu
    lung = crop[crop < _LUNG_BELOW_HU]
    around = float(np.median(lung)) if lung.size else float("nan")
    smooth = _smooth(crop.astype(np.float32), np.ones(crop.shape, bool), site.after.spacing)[inside]
    away = (np.indices(crop.shape).T - site.at) * np.asarray(site.after.spacing)
    near = np.linalg.norm(away, axis=-1).T <= CORE_MM
    left = float("nan")
    if healthy is not None:
        was = healthy.hu[site.seen.slices()][inside]
        new = (crop[inside] > _TISSUE_ABOVE_HU) & ~ndimage.binary_dilation(was > _LUNG_BELOW_HU)
        left = float(new.sum() * np.prod(site.after.spacing) / 1000)
    clear = ndimage.binary_erosion(smooth < _CLEAR_LUNG_BELOW_HU)
    return {
        **_artefacts(site),
        "texture": _detail(site.after, inside, clear) / _lung_detail(site.before, site.after, inside),
        "contrast_hu": float(crop[near].mean()) - around,
        "hole_hu": float(smooth.min()) - around,
        "left_ml": left,
    }


def _artefacts(site: AttackedSite) -> dict[str, float]:
    before, after = site.before.hu, site.after.hu
    brightest = brightest_made(before, after, site.touched, site.before.spacing)
    return {
        "brightest_hu": brightest if np.isfinite(brightest) else float("nan"),
        "touched_step": border_step(before, after, site.touched).ratio,
        "cuboid_step": border_step(before, after, site.cuboid).ratio,
    }


def _smooth(
    hu: NDArray[np.float32], counted: NDArray[np.bool_], spacing: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Gaussian mean over the counted voxels only."""
    sigma = [_DETAIL_MM / s for s in spacing]
    weight = ndimage.gaussian_filter(counted.astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(counted, hu, 0).astype(np.float32), sigma)
    return np.asarray(total / np.maximum(weight, 1e-6), dtype=np.float32)


def _detail(volume: CTVolume, region: tuple[slice, slice, slice], counted: NDArray[np.bool_]) -> float:
    """Standard deviation in HU of what is finer than 1.5 mm in the counted voxels of a region; NaN where few are."""
    if int(counted.sum()) < _FEWEST_VOXELS:
        return float("nan")
    hu = volume.hu[region].astype(np.float32)
    return float((hu - _smooth(hu, counted, volume.spacing))[counted].std())


def _lung_detail(before: CTVolume, after: CTVolume, core: tuple[slice, slice, slice]) -> float:
    """The same in the clear lung around the core; NaN where there is little, never 0."""
    smooth = _smooth(before.hu.astype(np.float32), np.ones(before.shape, bool), before.spacing)
    clear = smooth < _CLEAR_LUNG_BELOW_HU
    clear[core] = False
    everything = (slice(None), slice(None), slice(None))
    return max(_detail(after, everything, ndimage.binary_erosion(clear)), _LEAST_DETAIL_HU)


def _stray_ml(painted: NDArray[np.bool_], spacing: tuple[float, float, float]) -> float:
    labels, count = ndimage.label(painted)
    if count == 0:
        return 0.0
    sizes = np.bincount(labels.ravel())[1:]
    return float((sizes.sum() - sizes.max()) * np.prod(spacing) / 1000)
