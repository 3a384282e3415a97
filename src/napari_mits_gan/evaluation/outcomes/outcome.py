"""What became of an attack: null or failed, conspicuous, or convincing.

A detector that shares nothing with the attackers (`detection/detector.py`) says whether a nodule is there. Whether the
result is conspicuous is decided by measured features (`features.py`), against their range in attacks on unprotected
scans and in nodules (`limits.py`): nothing in the decision comes from a protected scan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.disruption.attacked_sites import (
    AttackedSite,
    InpaintedCores,
    attack_sites,
    gather_cores,
)
from napari_mits_gan.evaluation.measures.intervals import Proportion, bootstrap_interval
from napari_mits_gan.evaluation.outcomes.features import (
    ARTEFACT_FEATURES,
    NODULE_FEATURES,
    REMOVAL_FEATURES,
    Features,
    injection_features,
    removal_features,
)
from napari_mits_gan.evaluation.outcomes.limits import INJECTION_LIMITS, REMOVAL_LIMITS, Limits
from napari_mits_gan.evaluation.versions import check_versions
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Attacker
    from napari_mits_gan.ct.grid import Voxel
    from napari_mits_gan.detection.detector import NoduleDetector


class Outcome(StrEnum):
    """What became of one attack."""

    NULL = "null"
    """An injection after which the detector sees no nodule."""
    FAILED = "failed"
    """A removal after which the detector still sees the nodule."""
    CONSPICUOUS = "conspicuous"
    """A result with a feature outside its range."""
    CONVINCING = "convincing"
    """What the attacker wanted."""


@dataclass(frozen=True)
class ClassifiedAttack:
    """One attack and its outcome.

    Parameters
    ----------
    outcome : Outcome
        What became of it.
    score : float
        The detector's, 0 to 1, after the attack.
    features : mapping of str to float
        What was measured.
    conspicuous : tuple of str
        The features outside their range that counted.
    """

    outcome: Outcome
    score: float
    features: Features
    conspicuous: tuple[str, ...]


def outside(features: Features, limits: Limits, among: Sequence[str]) -> tuple[str, ...]:
    """Those of the features `among` that lie outside their limits; what could not be measured does not."""
    return tuple(t for t in among if t in limits and (features[t] < limits[t][0] or features[t] > limits[t][1]))


def classify_injection(
    features: Features, score: float, seen_from: float, limits: Limits = INJECTION_LIMITS
) -> ClassifiedAttack:
    """Classify an injection.

    Artefacts (`ARTEFACT_FEATURES`) make it conspicuous whatever the detector says; the features of a nodule count only
    where one is seen.
    """
    seen = score >= seen_from
    conspicuous = outside(features, limits, (*ARTEFACT_FEATURES, *NODULE_FEATURES) if seen else ARTEFACT_FEATURES)
    otherwise = Outcome.CONVINCING if seen else Outcome.NULL
    return ClassifiedAttack(Outcome.CONSPICUOUS if conspicuous else otherwise, score, features, conspicuous)


def classify_removal(
    features: Features, score: float, seen_from: float, limits: Limits = REMOVAL_LIMITS
) -> ClassifiedAttack:
    """Classify a removal: where the nodule is still seen it has failed, whatever else can be seen."""
    conspicuous = outside(features, limits, REMOVAL_FEATURES)
    if score >= seen_from:
        return ClassifiedAttack(Outcome.FAILED, score, features, conspicuous)
    return ClassifiedAttack(Outcome.CONSPICUOUS if conspicuous else Outcome.CONVINCING, score, features, conspicuous)


def classify(
    site: AttackedSite, action: Action, detector: NoduleDetector, *, healthy: CTVolume | None = None
) -> ClassifiedAttack:
    """Classify the attack on one site; `healthy` is, for a removal, the scan without the nodule, where it is known."""
    score = site.score(detector)
    if action == "inject":
        return classify_injection(injection_features(site), score, detector.threshold)
    return classify_removal(removal_features(site, healthy), score, detector.threshold)


@dataclass(frozen=True)
class Outcomes:
    """What became of several attacks, one item per site.

    Parameters
    ----------
    action : {"inject", "remove"}
        What was tried.
    attacks : tuple of ClassifiedAttack
        The attacks, in the order of the sites.
    """

    action: Action
    attacks: tuple[ClassifiedAttack, ...]

    @classmethod
    def pooled(cls, parts: Sequence[Outcomes]) -> Outcomes:
        """The sites of several scans together."""
        return cls(parts[0].action, tuple(attack for part in parts for attack in part.attacks))

    def proportion(self, *kinds: Outcome) -> Proportion:
        """Proportion of the attacks that ended in one of these ways, with Wilson's interval."""
        return Proportion.among(attack.outcome in kinds for attack in self.attacks)

    def interval(self, *kinds: Outcome) -> tuple[float, float]:
        """95 % bootstrap interval of that proportion, 0 to 1, resampling sites; of no width where all ended alike."""
        hits = np.array([attack.outcome in kinds for attack in self.attacks], dtype=np.float64)
        return bootstrap_interval(hits, lambda samples: samples.mean(axis=1))

    @property
    def thwarted(self) -> Proportion:
        """Proportion of the attacks that did not end convincing."""
        return self.proportion(Outcome.NULL, Outcome.FAILED, Outcome.CONSPICUOUS)

    @property
    def thwarted_interval(self) -> tuple[float, float]:
        """95 % bootstrap interval of `thwarted`, 0 to 1."""
        return self.interval(Outcome.NULL, Outcome.FAILED, Outcome.CONSPICUOUS)

    def thwarted_where_convincing(self, original: Outcomes) -> Proportion:
        """The same among the sites where attack(original) is convincing: the effect of the protection alone."""
        pairs = zip(self.attacks, original.attacks, strict=True)
        return Proportion.among(
            here.outcome is not Outcome.CONVINCING for here, there in pairs if there.outcome is Outcome.CONVINCING
        )

    def conspicuous_features(self) -> dict[str, int]:
        """How many of the conspicuous attacks each feature made so, most first."""
        found = [t for attack in self.attacks if attack.outcome is Outcome.CONSPICUOUS for t in attack.conspicuous]
        return dict(sorted(((t, found.count(t)) for t in set(found)), key=lambda item: (-item[1], item[0])))


def attack_and_classify(
    attacker: Attacker,
    volume: CTVolume,
    at: Sequence[Voxel],
    detector: NoduleDetector,
    *,
    healthy: CTVolume | None = None,
    progress: Progress = silent,
) -> tuple[InpaintedCores, Outcomes]:
    """Attack a scan at several sites, each on its own, and classify every result; the scan is never copied.

    Parameters
    ----------
    attacker : Attacker
        Who attacks; a remover is given sites of nodules.
    volume : CTVolume
        The scan, original or protected, with the nodules that are to be removed (see `synthetic_nodules`: draw first,
        then protect).
    at : sequence of tuple of int
        Voxels (z, y, x).
    detector : NoduleDetector
        Says whether a nodule is there after each attack.
    healthy : CTVolume or None
        For removals: the same scan before nodules were drawn into it, on the same grid; None where nobody knows it.
    progress : callable
        Told how many sites are done.

    Returns
    -------
    InpaintedCores
        As `inpainted_cores` returns them, with scores; for `Disruption.between`.
    Outcomes
        What became of each attack.

    Raises
    ------
    ProtectionError
        If `healthy` is no version of the scan.
    """
    check_versions(volume, healthy)
    attacks: list[ClassifiedAttack] = []

    def told() -> Iterator[AttackedSite]:
        for site in attack_sites(attacker, volume, at, progress=progress):
            attacks.append(classify(site, attacker.action, detector, healthy=healthy))
            yield site

    cores = gather_cores(told())
    scores = tuple(attack.score for attack in attacks)
    cores = InpaintedCores(cores.normalised, cores.before_hu, cores.after_hu, scores)
    return cores, Outcomes(attacker.action, tuple(attacks))
