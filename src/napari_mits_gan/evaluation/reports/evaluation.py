"""Figures as tables, for Markdown and for a terminal; the same evaluation always gives the same text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE, Disruption

if TYPE_CHECKING:
    from napari_mits_gan.evaluation.result import Evaluation


@dataclass(frozen=True)
class Table:
    """A table of text.

    Parameters
    ----------
    header : tuple of str
        Names of the columns.
    rows : tuple of tuple of str
        As many cells in each as there are columns.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As a Markdown table; the first column is aligned left, the others right."""
        lines = [self.header, ("---", *("---:",) * (len(self.header) - 1)), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def plain_text(self) -> str:
        """In columns for a terminal."""
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = []
        for first, *others in lines:
            numbers = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            padded.append([first.ljust(widths[0]), *numbers])
        return "\n".join("  ".join(line).rstrip() for line in padded)


def change_table(evaluation: Evaluation) -> Table:
    """What each version of the scan changes, inside the body."""
    header = ("change to the scan", "largest, HU", "RMS, HU", "PSNR, dB", "SSIM", "10 mm mean, 95 %, HU")
    rows = []
    for name, change in evaluation.changes.items():
        f = change.fidelity
        rows.append(
            (
                name,
                f"{f.max_change_hu:.0f}",
                f"{f.rms_hu:.2f}",
                f"{f.psnr_db:.1f}",
                f"{f.ssim:.4f}",
                f"{change.local_mean_95_hu:.2f}",
            )
        )
    return Table(header, tuple(rows))


def disruption_table(evaluation: Evaluation) -> Table:
    """What each version does to each attacker."""
    header = (
        "attacker, change to the scan",
        "median deviation",
        "95 % interval",
        f"over {DISRUPTED_ABOVE}",
        "RMS in the core, HU",
        "gain",
        "core, HU",
        "nodule seen",
        "protection ÷ this",
    )
    rows = []
    for attacker, versions in evaluation.disruptions.items():
        for name, found in versions.items():
            low, high = found.median_interval
            rows.append(
                (
                    f"{attacker}, {name}",
                    f"{found.median:.5f}",
                    f"{low:.5f} – {high:.5f}",
                    f"{100 * found.share:.0f} %",
                    f"{found.tampered_hu:.1f}",
                    f"{found.gain:.2f}",
                    f"{_mean(found.original_core_mean_hu):.0f} → {_mean(found.core_mean_hu):.0f}",
                    _seen(found),
                    "" if name == evaluation.method else _ratio(evaluation, attacker, name),
                )
            )
    return Table(header, tuple(rows))


def summary_table(evaluations: Sequence[Evaluation]) -> Table:
    """One line for each evaluation and attacker: what the protection costs, what it does, what the controls do."""
    header = (
        "protection, attacker",
        "RMS, HU",
        "PSNR, dB",
        "SSIM",
        "10 mm mean, 95 %, HU",
        "median deviation",
        "95 % interval",
        f"over {DISRUPTED_ABOVE}",
        "gain",
        "nodule seen",
        *(f"÷ {name}" for name in _all_controls(evaluations)),
        *(f"{name} over {DISRUPTED_ABOVE}" for name in _all_controls(evaluations)),
    )
    rows = []
    for e in evaluations:
        change = e.changes[e.method]
        for attacker, versions in e.disruptions.items():
            found = versions[e.method]
            low, high = found.median_interval
            rows.append(
                (
                    f"{_budgeted(e)}, {attacker}",
                    f"{change.fidelity.rms_hu:.2f}",
                    f"{change.fidelity.psnr_db:.1f}",
                    f"{change.fidelity.ssim:.4f}",
                    f"{change.local_mean_95_hu:.2f}",
                    f"{found.median:.5f}",
                    f"{low:.5f} – {high:.5f}",
                    f"{100 * found.share:.0f} %",
                    f"{found.gain:.2f}",
                    _seen(found),
                    *(_ratio(e, attacker, c) if c in versions else "" for c in _all_controls(evaluations)),
                    *(f"{100 * versions[c].share:.0f} %" if c in versions else "" for c in _all_controls(evaluations)),
                )
            )
    return Table(header, tuple(rows))


def markdown(evaluation: Evaluation, *, heading: str = "##") -> str:
    """The whole report of an evaluation as Markdown, without a date or a path."""
    parts = [
        f"{heading} {_title(evaluation)}",
        change_table(evaluation).markdown(),
        disruption_table(evaluation).markdown(),
        _sources(evaluation),
    ]
    return "\n\n".join(parts) + "\n"


def plain_text(evaluation: Evaluation) -> str:
    """The whole report of an evaluation for a terminal."""
    parts = [
        _title(evaluation),
        change_table(evaluation).plain_text(),
        disruption_table(evaluation).plain_text(),
        _sources(evaluation),
    ]
    return "\n\n".join(parts)


LEGEND = f"""\
*Change to the scan*: inside the body; PSNR over a range of 4095 HU; SSIM on axial slices in the lung window
(-1350 to 150 HU); *10 mm mean*: 95th percentile of the change of the mean over a 10 mm disc within a slice.
*Deviation*: mean squared difference of the in-painted 20 mm core between attack(changed) and attack(original), in
normalised units (-0.5 to 0.5), at random places in the lungs that the protection does not know;
*over {DISRUPTED_ABOVE}*: share of the places where it exceeds that. *RMS in the core*: the same difference in HU, after
touch-up and blending; *gain*: that over the RMS change of the scan at the same voxels. *Core*: mean HU after
attack(original) and attack(changed), averaged over the places. *Nodule seen*: share of the places where the nodule
detector, which shares nothing with the attackers, sees a nodule after attack(original) and after attack(changed).
*Protection ÷ this*: ratio of the median deviations. A
control is as strong everywhere as the protection is in the 32 mm cuboids around the places (equal RMS there); a
protection that spares the rest of the body changes less in all. Intervals are 95 % percentile bootstrap over places."""


def _title(evaluation: Evaluation) -> str:
    return f"{_budgeted(evaluation)}: {evaluation.scan}, {len(evaluation.places)} places"


def _budgeted(evaluation: Evaluation) -> str:
    budget = evaluation.protection.get("max_change_hu")
    return f"{evaluation.method} at {budget:g} HU" if isinstance(budget, int | float) else evaluation.method


def _all_controls(evaluations: Sequence[Evaluation]) -> list[str]:
    return list(dict.fromkeys(name for e in evaluations for name in e.controls))


def _sources(evaluation: Evaluation) -> str:
    attackers = "; ".join(f"{label}: {weights}" for label, weights in evaluation.attackers.items())
    weights = evaluation.protection.get("weights")
    protection = f"Protection: {weights}. " if weights else ""
    detector = f" Detector: {evaluation.detector}." if evaluation.detector else ""
    return f"{protection}Attackers: {attackers}.{detector} Seed {evaluation.seed}."


def _ratio(evaluation: Evaluation, attacker: str, version: str) -> str:
    low, high = evaluation.ratio_interval(attacker, version)
    return f"{evaluation.ratio(attacker, version):.1f} ({low:.1f} – {high:.1f})"


def _seen(found: Disruption) -> str:
    if found.seen is None or found.seen_original is None:
        return "–"
    return f"{100 * found.seen_original:.0f} % → {100 * found.seen:.0f} %"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
