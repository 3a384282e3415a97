"""The ranges that features keep in attacks on unprotected scans: how `evaluation/outcomes/limits.py` was found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.attack.nodules.in_scan import implant_in_scan
from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.disruption.attacked_sites import attack_sites
from napari_mits_gan.evaluation.outcomes.features import (
    NODULE_FEATURES,
    Features,
    injection_features,
    nodule_features,
    removal_features,
)
from napari_mits_gan.evaluation.outcomes.limits import Limits
from napari_mits_gan.evaluation.sites.synthetic_nodules import synthetic_nodules
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Attacker
    from napari_mits_gan.detection.detector import NoduleDetector

Side = Literal["above", "below", "both"]

INJECTION_SIDES: Mapping[str, Side] = {
    "brightest_hu": "above",
    "touched_step": "above",
    "cuboid_step": "above",
    "texture": "above",
    "stray_ml": "above",
    "core_hu": "both",
    "painted_hu": "both",
    "diameter_mm": "both",
    "edge_mm": "both",
    "mottle_hu": "above",
}
"""On which side of its range a feature makes an injection conspicuous. Less texture than around does not: where the
protection adds noise to the lung, no more can be asked of what is painted."""
REMOVAL_SIDES: Mapping[str, Side] = {
    "brightest_hu": "above",
    "touched_step": "above",
    "cuboid_step": "above",
    "texture": "above",
    "contrast_hu": "both",
    "hole_hu": "below",
    "left_ml": "above",
}

TOLERATED: Limits = {
    "brightest_hu": (-math.inf, 400.0),
    "touched_step": (-math.inf, 1.1),
    "cuboid_step": (-math.inf, 1.1),
    "texture": (-math.inf, 1.5),
    "stray_ml": (-math.inf, 0.1),
    "core_hu": (-650.0, 100.0),
    "painted_hu": (-650.0, 100.0),
    "diameter_mm": (4.0, 20.0),
    "edge_mm": (2.0, 7.0),
    "mottle_hu": (-math.inf, 100.0),
    "contrast_hu": (-75.0, 100.0),
    "hole_hu": (-120.0, math.inf),
    "left_ml": (-math.inf, 0.1),
}
"""What nobody would call conspicuous, however little attacks on unprotected scans vary: a step that rises by a tenth, a
stray speck of 6 mm, calcium in one voxel, a ground-glass nodule or one with some contrast medium, a spot as dark as
emphysema. No limit is narrower, so that a protection gets no credit for what only a computation can tell."""

_KEPT = (0.99, 0.995, 1.0)
_FALSE_ALARMS = 0.05


@dataclass(frozen=True)
class ReferenceFeatures:
    """The features of attacks on an unprotected scan that deceived the detector, and of drawn nodules.

    Parameters
    ----------
    injected, removed, drawn : tuple of mapping
        Features by name; of a drawn nodule those of `nodule_features`.
    """

    injected: tuple[Features, ...]
    removed: tuple[Features, ...]
    drawn: tuple[Features, ...]


def reference_features(
    volume: CTVolume,
    injector: Attacker,
    remover: Attacker,
    detector: NoduleDetector,
    *,
    n: int,
    seed: int = 0,
    annotated: Sequence[AnnotatedNodule] = (),
    lung: NDArray[np.bool_] | None = None,
    progress: Progress = silent,
) -> ReferenceFeatures:
    """Attack an unprotected scan at `n` sites, and draw and remove a nodule at each, to see what is usual.

    The parameters are those of `synthetic_nodules` and `attack_and_classify`.
    """
    drawn = synthetic_nodules(volume, n, seed, annotated=annotated, lung=lung)
    seen_from, total = detector.threshold, 3 * len(drawn.sites)
    injected, removed, nodules = [], [], []
    for done, site in enumerate(attack_sites(injector, volume, drawn.sites), start=1):
        if site.score(detector) >= seen_from:
            injected.append(injection_features(site))
        progress(done, total)
    for done, site in enumerate(attack_sites(remover, drawn.volume, drawn.sites), start=len(drawn.sites) + 1):
        if site.score(detector) < seen_from:
            removed.append(removal_features(site, volume))
        progress(done, total)
    for done, (at, shape) in enumerate(zip(drawn.sites, drawn.shapes, strict=True), start=2 * len(drawn.sites) + 1):
        z, y, x = (math.ceil(64 / s) for s in volume.spacing)
        seen = Box.around(at, (z, y, x)).inside(volume.shape)
        before = CTVolume(volume.hu[seen.slices()], volume.spacing)
        low, mid, right = (c - first for c, first in zip(at, seen.low, strict=True))
        k, j, i = (round(20 / s) for s in volume.spacing)
        within = (low, mid, right)
        after = implant_in_scan(before, shape, within)
        nodules.append(nodule_features(before, after, within, Box.around(within, (k, j, i))))
        progress(done, total)
    return ReferenceFeatures(tuple(injected), tuple(removed), tuple(nodules))


def calibrated(references: Sequence[ReferenceFeatures]) -> tuple[Limits, Limits]:
    """Limits of injections and of removals.

    Each feature keeps the range of 99 % of attack(original), or of 99.5 % or all where otherwise more than 5 % of these
    attacks would be called conspicuous altogether; features of a nodule also that of 99 % of the drawn ones. No limit
    is narrower than `TOLERATED`.
    """
    injected = [features for one in references for features in one.injected]
    removed = [features for one in references for features in one.removed]
    drawn = [features for one in references for features in one.drawn]
    nodules = {t: _range(drawn, t, INJECTION_SIDES[t], _KEPT[0]) for t in (*NODULE_FEATURES, "texture", "stray_ml")}
    return _limits(injected, INJECTION_SIDES, nodules), _limits(removed, REMOVAL_SIDES, {})


def false_alarms(attacks: Sequence[Features], limits: Limits) -> float:
    """Proportion, 0 to 1, of attacks with a feature outside its limits; NaN of none."""
    if not attacks:
        return math.nan
    return float(np.mean([any(a[t] < low or a[t] > high for t, (low, high) in limits.items()) for a in attacks]))


def _limits(attacks: Sequence[Features], sides: Mapping[str, Side], also: Limits) -> Limits:
    found: dict[str, tuple[float, float]] = {}
    for kept in _KEPT:
        for feature, side in sides.items():
            ranges = [_range(attacks, feature, side, kept)]
            ranges += [limits[feature] for limits in (also, TOLERATED) if feature in limits]
            found[feature] = (min(low for low, _ in ranges), max(high for _, high in ranges))
        if false_alarms(attacks, found) <= _FALSE_ALARMS:
            break
    return found


def _range(attacks: Sequence[Features], feature: str, side: Side, kept: float) -> tuple[float, float]:
    values = np.array([attack[feature] for attack in attacks], dtype=np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return (-math.inf, math.inf)
    out = (1 - kept) / (2 if side == "both" else 1)
    low = float(np.quantile(values, out)) if side != "above" else -math.inf
    high = float(np.quantile(values, 1 - out)) if side != "below" else math.inf
    return (low, high)
