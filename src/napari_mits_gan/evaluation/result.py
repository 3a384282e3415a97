"""The figures of a protection, as they can be printed, stored and pooled."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evaluation.disruption.deviation import Disruption
from napari_mits_gan.evaluation.measures.fidelity import Fidelity
from napari_mits_gan.evaluation.measures.intervals import bootstrap_interval, ratio_of_medians
from napari_mits_gan.evaluation.reports.evaluation import LEGEND, markdown, plain_text


@dataclass(frozen=True)
class Change:
    """How one version of the scan differs from the original, inside the body.

    Parameters
    ----------
    fidelity : Fidelity
        Of the body's voxels.
    local_mean_95_hu : float
        95th percentile of the absolute change of the mean over 10 mm discs within a slice.
    voxels : int
        Number of voxels in the body.
    """

    fidelity: Fidelity
    local_mean_95_hu: float
    voxels: int


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
        Of the places and the controls.
    places : tuple
        Where was clicked, voxels (z, y, x).
    changes : mapping
        From the version (the method, then the controls) to its `Change`.
    disruptions : mapping
        From the attacker to a mapping from the version to its `Disruption`.
    detector : str
        Which weights the nodule detector has; empty where none was asked.
    """

    scan: str
    method: str
    protection: Mapping[str, Any]
    attackers: Mapping[str, str]
    seed: int
    places: tuple[tuple[int, int, int], ...]
    changes: Mapping[str, Change]
    disruptions: Mapping[str, Mapping[str, Disruption]]
    detector: str = ""

    @property
    def controls(self) -> tuple[str, ...]:
        """The versions that the protection is held against."""
        return tuple(name for name in self.changes if name != self.method)

    def ratio(self, attacker: str, version: str) -> float:
        """Median deviation under the protection over that under a control of the same RMS where it is attacked."""
        return float(ratio_of_medians(self._pairs(attacker, version)[None])[0])

    def ratio_interval(self, attacker: str, version: str) -> tuple[float, float]:
        """95 % bootstrap interval of `ratio`, resampling places."""
        return bootstrap_interval(self._pairs(attacker, version), ratio_of_medians)

    def _pairs(self, attacker: str, version: str) -> NDArray[np.float64]:
        found = self.disruptions[attacker]
        return np.stack([found[self.method].deviations, found[version].deviations], axis=1)

    def to_markdown(self) -> str:
        """The report as Markdown tables, with their legend."""
        return f"{markdown(self)}\n{LEGEND}\n"

    def to_text(self) -> str:
        """The report for a terminal."""
        return plain_text(self)

    def to_json(self) -> str:
        """The summary, then everything place by place, as JSON; an infinite figure is null."""
        return json.dumps(_finite({"summary": self._summary(), **asdict(self)}), indent=2)

    def _summary(self) -> dict[str, Any]:
        return {
            attacker: {
                version: {
                    "median_deviation": found.median,
                    "median_interval": found.median_interval,
                    "share_disrupted": found.share,
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

    Every place counts alike. RMS, PSNR and SSIM are those of all the bodies' voxels together; the largest change
    and the change of local means are those of the worst scan.

    Raises
    ------
    ValueError
        If there is none, or they differ in method, attackers or controls.
    """
    if not evaluations:
        raise ValueError("there is no evaluation to pool")
    first = evaluations[0]
    for other in evaluations[1:]:
        if (other.method, set(other.changes), set(other.disruptions)) != (
            first.method,
            set(first.changes),
            set(first.disruptions),
        ):
            raise ValueError("only evaluations of one method, with the same attackers and controls, can be pooled")
    return replace(
        first,
        scan=f"{len(evaluations)} scans",
        places=tuple(place for e in evaluations for place in e.places),
        changes={name: _pooled_change([e.changes[name] for e in evaluations]) for name in first.changes},
        disruptions={
            attacker: {name: Disruption.pooled([e.disruptions[attacker][name] for e in evaluations]) for name in names}
            for attacker, names in first.disruptions.items()
        },
    )


def _pooled_change(changes: Sequence[Change]) -> Change:
    voxels = sum(change.voxels for change in changes)
    fidelities = [change.fidelity for change in changes]
    share = [change.voxels / voxels for change in changes]
    fidelity = Fidelity.from_rms(
        max_change_hu=max(f.max_change_hu for f in fidelities),
        rms_hu=math.sqrt(sum(s * f.rms_hu**2 for s, f in zip(share, fidelities, strict=True))),
        ssim=sum(s * f.ssim for s, f in zip(share, fidelities, strict=True)),
    )
    return Change(fidelity, max(change.local_mean_95_hu for change in changes), voxels)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, tuple | list):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
