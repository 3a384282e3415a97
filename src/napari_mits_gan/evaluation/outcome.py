"""What became of attacks: nothing, something glaring, or what the attacker wanted.

A judge that shares nothing with the attackers (`detection/detector.py`) says whether a nodule is there. Whether the
result gives itself away is decided by traits that can be measured (`attack_traits.py`), against the range that attacks
on unprotected scans and nodules keep (`outcome_limits.py`): nothing in the decision comes from a protected scan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.attack_traits import (
    NODULE_TRAITS,
    REMOVAL_TRAITS,
    TRACE_TRAITS,
    Traits,
    injection_traits,
    removal_traits,
)
from napari_mits_gan.evaluation.bootstrap import bootstrap_interval
from napari_mits_gan.evaluation.outcome_limits import INJECTION_LIMITS, REMOVAL_LIMITS, Limits
from napari_mits_gan.evaluation.report import Table
from napari_mits_gan.evaluation.share import Share
from napari_mits_gan.evaluation.tampered_cores import TamperedCores, TamperedPlace, gather_cores, tampered_places
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Attacker
    from napari_mits_gan.ct.grid import Voxel
    from napari_mits_gan.detection.detector import NoduleDetector


class Outcome(StrEnum):
    """What became of one attack."""

    NULL = "null"
    """An injection after which the judge sees no nodule."""
    FAILED = "failed"
    """A removal after which the judge still sees the nodule."""
    CONSPICUOUS = "conspicuous"
    """A result that a trait outside its range gives away."""
    CONVINCING = "convincing"
    """What the attacker wanted."""


@dataclass(frozen=True)
class Judged:
    """One attack and its outcome.

    Parameters
    ----------
    outcome : Outcome
        What became of it.
    score : float
        The detector's, 0 to 1, after the attack.
    traits : mapping of str to float
        What was measured.
    glaring : tuple of str
        The traits outside their range that counted.
    """

    outcome: Outcome
    score: float
    traits: Traits
    glaring: tuple[str, ...]


def outside(traits: Traits, limits: Limits, among: Sequence[str]) -> tuple[str, ...]:
    """Those of the traits `among` that lie outside their limits; what could not be measured does not."""
    return tuple(t for t in among if t in limits and (traits[t] < limits[t][0] or traits[t] > limits[t][1]))


def judged_injection(traits: Traits, score: float, seen_from: float, limits: Limits = INJECTION_LIMITS) -> Judged:
    """Decide about an injection.

    Traces (`TRACE_TRAITS`) give it away whatever the judge says; the traits of a nodule only count where one is seen.
    """
    seen = score >= seen_from
    glaring = outside(traits, limits, (*TRACE_TRAITS, *NODULE_TRAITS) if seen else TRACE_TRAITS)
    calm = Outcome.CONVINCING if seen else Outcome.NULL
    return Judged(Outcome.CONSPICUOUS if glaring else calm, score, traits, glaring)


def judged_removal(traits: Traits, score: float, seen_from: float, limits: Limits = REMOVAL_LIMITS) -> Judged:
    """Decide about a removal: a nodule still seen is a failure, whatever else can be seen."""
    glaring = outside(traits, limits, REMOVAL_TRAITS)
    if score >= seen_from:
        return Judged(Outcome.FAILED, score, traits, glaring)
    return Judged(Outcome.CONSPICUOUS if glaring else Outcome.CONVINCING, score, traits, glaring)


def judged(
    place: TamperedPlace, action: Action, detector: NoduleDetector, *, healthy: CTVolume | None = None
) -> Judged:
    """Judge one attacked place; `healthy` is, for a removal, the whole scan without the nodule where it is known."""
    score = place.score(detector)
    if action == "inject":
        return judged_injection(injection_traits(place), score, detector.threshold)
    return judged_removal(removal_traits(place, healthy), score, detector.threshold)


@dataclass(frozen=True)
class Outcomes:
    """What became of several attacks, one item per place.

    Parameters
    ----------
    action : {"inject", "remove"}
        What was tried.
    attacks : tuple of Judged
        The attacks, in the order of the places.
    """

    action: Action
    attacks: tuple[Judged, ...]

    @classmethod
    def pooled(cls, parts: Sequence[Outcomes]) -> Outcomes:
        """The places of several scans together."""
        return cls(parts[0].action, tuple(attack for part in parts for attack in part.attacks))

    def share(self, *kinds: Outcome) -> Share:
        """The share of the attacks that ended in one of these ways, with Wilson's interval."""
        return Share.among(attack.outcome in kinds for attack in self.attacks)

    def interval(self, *kinds: Outcome) -> tuple[float, float]:
        """95 % bootstrap interval of that share, 0 to 1, resampling places; of no width where all ended alike."""
        hits = np.array([attack.outcome in kinds for attack in self.attacks], dtype=np.float64)
        return bootstrap_interval(hits, lambda samples: samples.mean(axis=1))

    @property
    def thwarted(self) -> Share:
        """The share of the attacks whose result convinces nobody."""
        return self.share(Outcome.NULL, Outcome.FAILED, Outcome.CONSPICUOUS)

    @property
    def thwarted_interval(self) -> tuple[float, float]:
        """95 % bootstrap interval of `thwarted`, 0 to 1."""
        return self.interval(Outcome.NULL, Outcome.FAILED, Outcome.CONSPICUOUS)

    def thwarted_where_convincing(self, original: Outcomes) -> Share:
        """The same among the places where attack(original) convinces: what is owed to the protection alone."""
        pairs = zip(self.attacks, original.attacks, strict=True)
        return Share.among(
            here.outcome is not Outcome.CONVINCING for here, there in pairs if there.outcome is Outcome.CONVINCING
        )

    def glaring(self) -> dict[str, int]:
        """How many of the conspicuous attacks each trait gave away, most first."""
        found = [t for attack in self.attacks if attack.outcome is Outcome.CONSPICUOUS for t in attack.glaring]
        return dict(sorted(((t, found.count(t)) for t in set(found)), key=lambda item: (-item[1], item[0])))


def attack_and_judge(
    attacker: Attacker,
    volume: CTVolume,
    at: Sequence[Voxel],
    detector: NoduleDetector,
    *,
    healthy: CTVolume | None = None,
    progress: Progress = silent,
) -> tuple[TamperedCores, Outcomes]:
    """Attack a scan at several places, each on its own, and judge every result; the scan is never copied.

    Parameters
    ----------
    attacker : Attacker
        Who attacks; a remover is given places of nodules.
    volume : CTVolume
        The scan, original or protected, with the nodules where they shall be removed (see `nodules_apart`: draw first,
        then protect).
    at : sequence of tuple of int
        Voxels (z, y, x).
    detector : NoduleDetector
        The judge.
    healthy : CTVolume or None
        For removals: the same scan before nodules were drawn into it, on the same grid; None where nobody knows it.
    progress : callable
        Told how many places are done.

    Returns
    -------
    TamperedCores
        As `tampered_cores` returns them, with scores; for `Disruption.between`.
    Outcomes
        What became of each attack.
    """
    attacks: list[Judged] = []

    def told() -> Iterator[TamperedPlace]:
        for place in tampered_places(attacker, volume, at, progress=progress):
            attacks.append(judged(place, attacker.action, detector, healthy=healthy))
            yield place

    cores = gather_cores(told())
    scores = tuple(attack.score for attack in attacks)
    cores = TamperedCores(cores.normalised, cores.before_hu, cores.after_hu, scores)
    return cores, Outcomes(attacker.action, tuple(attacks))


def outcome_table(rows: Sequence[tuple[str, Outcomes]]) -> Table:
    """One line for each named set of attacks."""
    header = ("attacks", "null or failed", "conspicuous", "convincing", "thwarted, 95 % interval", "given away by")
    lines = []
    for name, found in rows:
        low, high = found.thwarted_interval
        lines.append(
            (
                name,
                f"{100 * found.share(Outcome.NULL, Outcome.FAILED).value:.0f} %",
                f"{100 * found.share(Outcome.CONSPICUOUS).value:.0f} %",
                f"{100 * found.share(Outcome.CONVINCING).value:.0f} %",
                f"{100 * found.thwarted.value:.0f} % ({100 * low:.0f} – {100 * high:.0f})",
                ", ".join(f"{t} {n}" for t, n in found.glaring().items()) or "–",
            )
        )
    return Table(header, tuple(lines))
