r"""How far attacks on unprotected scans, and nodules, range: what lies outside gives an attack away.

The constants below were printed by

    python benchmarks/outcome_limits.py --places 50 --scans \
        LIDC-IDRI-0314.nii.gz LIDC-IDRI-0003.nii.gz CMB-CRC-MSB-01068.nii.gz

from scans that attackers and detector were trained on, so that no scan that a protection is judged on has set them.
"""

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
from napari_mits_gan.evaluation.attack_traits import NODULE_TRAITS, Traits, injection_traits, removal_traits
from napari_mits_gan.evaluation.attack_traits import nodule_traits as traits_of_a_nodule
from napari_mits_gan.evaluation.nodules_apart import nodules_apart
from napari_mits_gan.evaluation.tampered_cores import tampered_places
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.attack.ctgan.attacker import CTGAN
    from napari_mits_gan.detection.detector import NoduleDetector

Limits = Mapping[str, tuple[float, float]]
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
"""On which side of its range a trait gives an injection away. Less texture than around does not: where the protection
adds noise to the lung, no more can be asked of what is painted."""
REMOVAL_SIDES: Mapping[str, Side] = {
    "brightest_hu": "above",
    "touched_step": "above",
    "cuboid_step": "above",
    "texture": "above",
    "contrast_hu": "both",
    "hole_hu": "below",
    "left_ml": "above",
}

INJECTION_LIMITS: Limits = {
    "brightest_hu": (-math.inf, 400.0),
    "touched_step": (-math.inf, 1.1),
    "cuboid_step": (-math.inf, 1.1),
    "texture": (-math.inf, 1.649),
    "stray_ml": (-math.inf, 0.2083),
    "core_hu": (-650.0, 100.0),
    "painted_hu": (-650.0, 100.0),
    "diameter_mm": (4.0, 20.0),
    "edge_mm": (2.0, 7.0),
    "mottle_hu": (-math.inf, 100.0),
}
REMOVAL_LIMITS: Limits = {
    "brightest_hu": (-math.inf, 400.0),
    "touched_step": (-math.inf, 1.1),
    "cuboid_step": (-math.inf, 1.31),
    "texture": (-math.inf, 1.5),
    "contrast_hu": (-75.0, 866.2),
    "hole_hu": (-120.0, math.inf),
    "left_ml": (-math.inf, 0.3075),
}

NOT_GLARING: Limits = {
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
"""What nobody would call glaring, however little attacks on unprotected scans vary: a step that rises by a tenth, a
stray speck of 6 mm, calcium in one voxel, a ground-glass nodule or one with some contrast medium, a spot as dark as
emphysema. No limit is narrower, so that a protection gets no credit for what only a calculation can tell."""

_KEPT = (0.99, 0.995, 1.0)
_FALSE_ALARMS = 0.05


@dataclass(frozen=True)
class ReferenceTraits:
    """The traits of attacks on an unprotected scan that the judge was taken in by, and of drawn nodules.

    Parameters
    ----------
    injected, removed, drawn : tuple of mapping
        Traits by name; of a drawn nodule those of `nodule_traits`.
    """

    injected: tuple[Traits, ...]
    removed: tuple[Traits, ...]
    drawn: tuple[Traits, ...]


def reference_traits(
    volume: CTVolume,
    injector: CTGAN,
    remover: CTGAN,
    detector: NoduleDetector,
    *,
    n: int,
    seed: int = 0,
    annotated: Sequence[AnnotatedNodule] = (),
    lung: NDArray[np.bool_] | None = None,
    progress: Progress = silent,
) -> ReferenceTraits:
    """Attack an unprotected scan at `n` places, and draw and remove a nodule at each, to see what is usual.

    The parameters are those of `nodules_apart` and `attack_and_judge`.
    """
    drawn = nodules_apart(volume, n, seed, annotated=annotated, lung=lung)
    seen_from, total = detector.threshold, 3 * len(drawn.places)
    injected, removed, nodules = [], [], []
    for done, place in enumerate(tampered_places(injector, volume, drawn.places), start=1):
        if place.score(detector) >= seen_from:
            injected.append(injection_traits(place))
        progress(done, total)
    for done, place in enumerate(tampered_places(remover, drawn.volume, drawn.places), start=len(drawn.places) + 1):
        if place.score(detector) < seen_from:
            removed.append(removal_traits(place, volume))
        progress(done, total)
    for done, (at, shape) in enumerate(zip(drawn.places, drawn.shapes, strict=True), start=2 * len(drawn.places) + 1):
        z, y, x = (math.ceil(64 / s) for s in volume.spacing)
        seen = Box.around(at, (z, y, x)).inside(volume.shape)
        before = CTVolume(volume.hu[seen.slices()], volume.spacing)
        low, mid, right = (c - first for c, first in zip(at, seen.low, strict=True))
        k, j, i = (round(20 / s) for s in volume.spacing)
        within = (low, mid, right)
        after = implant_in_scan(before, shape, within)
        nodules.append(traits_of_a_nodule(before, after, within, Box.around(within, (k, j, i))))
        progress(done, total)
    return ReferenceTraits(tuple(injected), tuple(removed), tuple(nodules))


def calibrated(references: Sequence[ReferenceTraits]) -> tuple[Limits, Limits]:
    """Limits of injections and of removals.

    Each trait keeps the range of 99 % of attack(original), or of 99.5 % or all where otherwise more than 5 % of these
    attacks would be called conspicuous altogether; traits of a nodule also that of 99 % of the drawn ones. No limit is
    narrower than `NOT_GLARING`.
    """
    injected = [traits for one in references for traits in one.injected]
    removed = [traits for one in references for traits in one.removed]
    drawn = [traits for one in references for traits in one.drawn]
    nodules = {t: _range(drawn, t, INJECTION_SIDES[t], _KEPT[0]) for t in (*NODULE_TRAITS, "texture", "stray_ml")}
    return _limits(injected, INJECTION_SIDES, nodules), _limits(removed, REMOVAL_SIDES, {})


def false_alarms(attacks: Sequence[Traits], limits: Limits) -> float:
    """The share, 0 to 1, of attacks with a trait outside its limits; NaN of none."""
    if not attacks:
        return math.nan
    return float(np.mean([any(a[t] < low or a[t] > high for t, (low, high) in limits.items()) for a in attacks]))


def _limits(attacks: Sequence[Traits], sides: Mapping[str, Side], also: Limits) -> Limits:
    found: dict[str, tuple[float, float]] = {}
    for kept in _KEPT:
        for trait, side in sides.items():
            ranges = [_range(attacks, trait, side, kept)]
            ranges += [limits[trait] for limits in (also, NOT_GLARING) if trait in limits]
            found[trait] = (min(low for low, _ in ranges), max(high for _, high in ranges))
        if false_alarms(attacks, found) <= _FALSE_ALARMS:
            break
    return found


def _range(attacks: Sequence[Traits], trait: str, side: Side, kept: float) -> tuple[float, float]:
    values = np.array([attack[trait] for attack in attacks], dtype=np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return (-math.inf, math.inf)
    out = (1 - kept) / (2 if side == "both" else 1)
    low = float(np.quantile(values, out)) if side != "above" else -math.inf
    high = float(np.quantile(values, 1 - out)) if side != "below" else math.inf
    return (low, high)
