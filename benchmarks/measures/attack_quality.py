"""How good an attacker is, by a detector that shares nothing with it and by measured figures.

Injections at random sites in healthy lung; removals of nodules drawn at the same sites, and of the annotated ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.measures.context_dependence import ContextDependence, context_dependence
from napari_mits_gan.attack.nodules.in_scan import implant_in_scan
from napari_mits_gan.attack.nodules.rules import random_nodule
from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.measures.nodule import NoduleMeasure, core_mean, measure_nodule
from napari_mits_gan.evaluation.outcomes.artefacts import BorderStep, border_step, brightest_made
from napari_mits_gan.evaluation.sites.healthy_lung import healthy_lung_sites
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Attacker, DifferentiableAttacker
    from napari_mits_gan.ct.grid import Voxel
    from napari_mits_gan.detection.detector import NoduleDetector

_STREAM = 0x647261776E
"""Keeps the drawn nodules apart from those that a training draws from the same seed."""


@dataclass(frozen=True)
class Attacked:
    """One attack, at one site.

    Parameters
    ----------
    at : tuple of int
        Voxel (z, y, x).
    score_before, score_after : float
        The detector's score there, 0 to 1, before and after the attack.
    found_before, found_after : bool
        Whether the detector calls it a nodule.
    nodule : NoduleMeasure or None
        What was injected, or what there was to remove; None where nothing can be seen.
    core_before_hu, core_after_hu : float
        Mean within 3 mm of the site.
    healthy_core_hu : float
        The same before a nodule was drawn; NaN where nobody knows.
    brightest_hu : float
        The brightest voxel that the attack made, away from bone; -inf if none.
    touched_step, cuboid_step : BorderStep
        Across the faces of all that the attack touched, and of the 32 mm cuboid within.
    """

    at: Voxel
    score_before: float
    score_after: float
    found_before: bool
    found_after: bool
    nodule: NoduleMeasure | None
    core_before_hu: float
    core_after_hu: float
    healthy_core_hu: float
    brightest_hu: float
    touched_step: BorderStep
    cuboid_step: BorderStep


@dataclass(frozen=True, eq=False)
class AttackQuality:
    """What an injector and a remover are worth on one scan, or on several together.

    Parameters
    ----------
    scan : str
        Name of the scan.
    injected, removed_drawn, removed_real : tuple of Attacked
        The attacks.
    injector_context : ContextDependence
        What the injector paints, and what it depends on.
    drawn_cores : ndarray of float32, shape (n, k, k, k)
        The drawn nodules in the injector's units: how much nodules at those sites differ.
    sources : mapping of str to str
        Names of the weights, by role.
    seed : int
        Fixes sites and nodules.
    """

    scan: str
    injected: tuple[Attacked, ...]
    removed_drawn: tuple[Attacked, ...]
    removed_real: tuple[Attacked, ...]
    injector_context: ContextDependence
    drawn_cores: NDArray[np.float32]
    sources: dict[str, str]
    seed: int

    @classmethod
    def pooled(cls, parts: Sequence[AttackQuality]) -> AttackQuality:
        """Several scans together."""
        return cls(
            scan="together",
            injected=tuple(a for part in parts for a in part.injected),
            removed_drawn=tuple(a for part in parts for a in part.removed_drawn),
            removed_real=tuple(a for part in parts for a in part.removed_real),
            injector_context=ContextDependence.pooled([part.injector_context for part in parts]),
            drawn_cores=np.concatenate([part.drawn_cores for part in parts]),
            sources=parts[0].sources,
            seed=parts[0].seed,
        )

    def references(self, figure: str) -> NDArray[np.float64]:
        """A figure of `NoduleMeasure` of every drawn and real nodule that has it."""
        return _figures((*self.removed_drawn, *self.removed_real), figure)

    def injections(self, figure: str) -> NDArray[np.float64]:
        """The same of every injected nodule."""
        return _figures(self.injected, figure)


def attack_quality(
    volume: CTVolume,
    injector: DifferentiableAttacker,
    remover: Attacker,
    detector: NoduleDetector,
    *,
    annotated: Sequence[AnnotatedNodule] = (),
    n: int = 50,
    seed: int = 0,
    progress: Progress = silent,
) -> AttackQuality:
    """Attack a scan at many sites and measure what comes out.

    Parameters
    ----------
    volume : CTVolume
        A chest CT that neither the attackers nor the detector were trained on; it stays as it is.
    injector, remover : DifferentiableAttacker, Attacker
        The attackers.
    detector : NoduleDetector
        Says whether a nodule is there before and after.
    annotated : sequence of AnnotatedNodule
        The real nodules of the scan.
    n : int
        Number of injections, and of drawn nodules to remove.
    seed : int
        Fixes the sites and the drawn nodules.
    progress : callable
        Told how many attacks are done.

    Returns
    -------
    AttackQuality
    """
    sites = healthy_lung_sites(volume, n, seed, annotated=annotated)
    rng = np.random.default_rng([_STREAM, seed])
    total = 2 * len(sites) + len(annotated)
    injected, drawn, real, drawn_cores = [], [], [], []
    low, high = injector.core_in_cube
    for at in sites:
        injected.append(_attack(injector, detector, volume, at))
        with_nodule = implant_in_scan(volume, random_nodule(rng), at)
        cube = injector.normalise(injector.cubes(with_nodule, [at]))[0]
        drawn_cores.append(cube[low:high, low:high, low:high].clamp(-0.5, 0.5).float().numpy())
        drawn.append(_attack(remover, detector, with_nodule, at, healthy=volume))
        progress(2 * len(drawn), total)
    for nodule in annotated:
        z, y, x = (int(c) for c in np.rint(nodule.at))
        real.append(_attack(remover, detector, volume, (z, y, x)))
        progress(2 * len(drawn) + len(real), total)
    return AttackQuality(
        scan=volume.name,
        injected=tuple(injected),
        removed_drawn=tuple(drawn),
        removed_real=tuple(real),
        injector_context=context_dependence(injector, volume, sites),
        drawn_cores=np.stack(drawn_cores),
        sources={"injector": injector.name, "remover": remover.name, "detector": detector.name},
        seed=seed,
    )


def _attack(
    attacker: Attacker, detector: NoduleDetector, volume: CTVolume, at: Voxel, *, healthy: CTVolume | None = None
) -> Attacked:
    """Attack once; `healthy` is the scan without the nodule that is to be removed."""
    tampered = attacker.tamper(volume, at)
    before, after = (float(detector.scores(scan, [at])[0]) for scan in (volume, tampered))
    touched = attacker.touched(at, volume.spacing)
    if attacker.action == "inject":
        nodule = measure_nodule(tampered, at, before=volume)
    else:
        nodule = measure_nodule(volume, at, before=healthy)
    return Attacked(
        at=at,
        score_before=before,
        score_after=after,
        found_before=before >= detector.threshold,
        found_after=after >= detector.threshold,
        nodule=nodule,
        core_before_hu=core_mean(volume, at),
        core_after_hu=core_mean(tampered, at),
        healthy_core_hu=math.nan if healthy is None else core_mean(healthy, at),
        brightest_hu=brightest_made(volume.hu, tampered.hu, touched, volume.spacing),
        touched_step=border_step(volume.hu, tampered.hu, touched),
        cuboid_step=border_step(volume.hu, tampered.hu, attacker.cuboid(at, volume.spacing)),
    )


def _figures(attacks: Sequence[Attacked], figure: str) -> NDArray[np.float64]:
    values = np.array([getattr(a.nodule, figure) for a in attacks if a.nodule is not None], dtype=np.float64)
    return values[np.isfinite(values)]
