"""The figures of a protection, as they can be printed, stored and pooled."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evaluation.disruption.deviation import Disruption
from napari_mits_gan.evaluation.measures.change import Change
from napari_mits_gan.evaluation.measures.diagnostic_value import DiagnosticValue
from napari_mits_gan.evaluation.measures.intervals import bootstrap_interval, ratio_of_medians
from napari_mits_gan.evaluation.outcomes.outcome import Outcomes
from napari_mits_gan.evaluation.reports.diagnostic_value import DIAGNOSTIC_LEGEND, diagnostic_table
from napari_mits_gan.evaluation.reports.disruption import LEGEND, change_table, disruption_table
from napari_mits_gan.evaluation.reports.outcomes import OUTCOME_LEGEND, outcome_table
from napari_mits_gan.evaluation.reports.robustness import ROBUSTNESS_LEGEND, robustness_table
from napari_mits_gan.evaluation.reports.table import Table
from napari_mits_gan.evaluation.robustness.robustness import Robustness


@dataclass(frozen=True)
class Evaluation:
    """The figures of one protection on one scan, or on several pooled.

    Parameters
    ----------
    scan : str
        Name of the scan.
    method : str
        The protection; it is also the name of its version of the scan below.
    protection : mapping
        The parameters that recreate the protected scan.
    attackers : mapping
        From what each attacker is called here to which weights it has.
    seed : int
        Of the sites and the controls.
    sites : tuple
        The attacked sites, voxels (z, y, x).
    changes : mapping
        From the version (the method, then the controls) to its `Change`.
    disruptions : mapping
        From the attacker to a mapping from the version to its `Disruption`.
    detector : str
        Which weights the nodule detector has; empty where none was asked.
    robustness : mapping
        From the attacker to what is left after purification; empty where it was not measured.
    outcomes : mapping
        From the attacker to a mapping from "original scan" and the method to the `Outcomes` of its attacks; empty where
        they were not classified.
    diagnostic : DiagnosticValue or None
        What is left of the scan's diagnostic value; None where it was not measured.
    """

    scan: str
    method: str
    protection: Mapping[str, Any]
    attackers: Mapping[str, str]
    seed: int
    sites: tuple[tuple[int, int, int], ...]
    changes: Mapping[str, Change]
    disruptions: Mapping[str, Mapping[str, Disruption]]
    detector: str = ""
    robustness: Mapping[str, Robustness] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[str, Outcomes]] = field(default_factory=dict)
    diagnostic: DiagnosticValue | None = None

    @property
    def controls(self) -> tuple[str, ...]:
        """The versions that the protection is held against."""
        return tuple(name for name in self.changes if name != self.method)

    @property
    def title(self) -> str:
        """The protection and its budget."""
        budget = self.protection.get("max_change_hu")
        return f"{self.method} at {budget:g} HU" if isinstance(budget, int | float) else self.method

    def ratio(self, attacker: str, version: str) -> float:
        """Median deviation under the protection over that under a control of the same RMS where it is attacked."""
        return float(ratio_of_medians(self._pairs(attacker, version)[None])[0])

    def ratio_interval(self, attacker: str, version: str) -> tuple[float, float]:
        """95 % bootstrap interval of `ratio`, resampling sites."""
        return bootstrap_interval(self._pairs(attacker, version), ratio_of_medians)

    def ratio_text(self, attacker: str, version: str) -> str:
        """`ratio` with its interval."""
        low, high = self.ratio_interval(attacker, version)
        return f"{self.ratio(attacker, version):.1f} ({low:.1f} – {high:.1f})"

    def _pairs(self, attacker: str, version: str) -> NDArray[np.float64]:
        found = self.disruptions[attacker]
        return np.stack([found[self.method].deviations, found[version].deviations], axis=1)

    def to_markdown(self, *, heading: str = "##", legend: bool = True) -> str:
        """The report as Markdown tables, without a date or a path.

        Parameters
        ----------
        heading : str
            What the title begins with.
        legend : bool
            Whether each table is followed by the meaning of its figures.
        """
        parts = [f"{heading} {self._heading()}"]
        for tables, meaning in self._sections():
            parts += [table.markdown() for table in tables]
            parts += [meaning] if legend else []
        return "\n\n".join([*parts, self._sources()]) + "\n"

    def to_text(self) -> str:
        """The report for a terminal."""
        tables = [table.plain_text() for tables, _ in self._sections() for table in tables]
        return "\n\n".join([self._heading(), *tables, self._sources()])

    def to_json(self) -> str:
        """The summary, then everything site by site, as JSON; an infinite figure is null."""
        return json.dumps(_finite({"summary": self._summary(), **asdict(self)}), indent=2)

    def _sections(self) -> list[tuple[list[Table], str]]:
        """Tables that share a legend, with it."""
        ratios = {
            attacker: {name: self.ratio_text(attacker, name) for name in versions if name != self.method}
            for attacker, versions in self.disruptions.items()
        }
        sections = [([change_table(self.changes), disruption_table(self.disruptions, ratios)], LEGEND)]
        if self.robustness:
            sections.append(([robustness_table(self.robustness)], ROBUSTNESS_LEGEND))
        if self.outcomes:
            rows = [
                (f"{name}, {scan}", found) for name, scans in self.outcomes.items() for scan, found in scans.items()
            ]
            sections.append(([outcome_table(rows)], OUTCOME_LEGEND))
        if self.diagnostic is not None:
            sections.append(([diagnostic_table([(self.method, self.diagnostic)])], DIAGNOSTIC_LEGEND))
        return sections

    def _heading(self) -> str:
        return f"{self.title}: {self.scan}, {len(self.sites)} sites"

    def _sources(self) -> str:
        attackers = "; ".join(f"{label}: {weights}" for label, weights in self.attackers.items())
        weights = self.protection.get("weights")
        protection = f"Protection: {weights}. " if weights else ""
        detector = f" Detector: {self.detector}." if self.detector else ""
        return f"{protection}Attackers: {attackers}.{detector} Seed {self.seed}."

    def _summary(self) -> dict[str, Any]:
        return {
            attacker: {
                version: {
                    "median_deviation": found.median,
                    "median_interval": found.median_interval,
                    "proportion_disrupted": found.proportion_disrupted,
                    "tampered_rms_hu": found.tampered_hu,
                    "gain": found.gain,
                    "nodule_seen_after_attack_on_original": found.seen_original,
                    "nodule_seen_after_attack_on_this": found.seen,
                    "protection_over_this": self.ratio(attacker, version),
                }
                for version, found in versions.items()
            }
            for attacker, versions in self.disruptions.items()
        }


def pool(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Figures of the same protection on several scans, together.

    Every site counts alike; of the change to the scan, see `Change.pooled`.

    Raises
    ------
    ValueError
        If there is none, or they differ in method, attackers, controls or in what was measured.
    """
    if not evaluations:
        raise ValueError("there is no evaluation to pool")
    first = evaluations[0]
    if any(_measured(other) != _measured(first) for other in evaluations[1:]):
        raise ValueError("only evaluations of one method, with the same attackers, controls and tables, can be pooled")
    diagnostic = [e.diagnostic for e in evaluations if e.diagnostic is not None]
    return replace(
        first,
        scan=f"{len(evaluations)} scans",
        sites=tuple(site for e in evaluations for site in e.sites),
        changes={name: Change.pooled([e.changes[name] for e in evaluations]) for name in first.changes},
        disruptions={
            attacker: {name: Disruption.pooled([e.disruptions[attacker][name] for e in evaluations]) for name in names}
            for attacker, names in first.disruptions.items()
        },
        robustness={name: Robustness.pooled([e.robustness[name] for e in evaluations]) for name in first.robustness},
        outcomes={
            attacker: {name: Outcomes.pooled([e.outcomes[attacker][name] for e in evaluations]) for name in names}
            for attacker, names in first.outcomes.items()
        },
        diagnostic=DiagnosticValue.pooled(diagnostic) if diagnostic else None,
    )


def _measured(e: Evaluation) -> tuple[object, ...]:
    return (e.method, set(e.changes), set(e.disruptions), set(e.robustness), set(e.outcomes), e.diagnostic is None)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, tuple | list):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
