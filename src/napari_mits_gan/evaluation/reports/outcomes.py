"""What became of attacks, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from napari_mits_gan.evaluation.outcomes.outcome import Outcome, Outcomes
from napari_mits_gan.evaluation.reports.table import Table, percent


def outcome_table(rows: Sequence[tuple[str, Outcomes]]) -> Table:
    """One row for each named set of attacks."""
    header = ("attacks", "null or failed", "conspicuous", "convincing", "thwarted, 95 % interval", "conspicuous by")
    lines = []
    for name, found in rows:
        low, high = found.thwarted_interval
        lines.append(
            (
                name,
                percent(found.proportion(Outcome.NULL, Outcome.FAILED).value),
                percent(found.proportion(Outcome.CONSPICUOUS).value),
                percent(found.proportion(Outcome.CONVINCING).value),
                f"{percent(found.thwarted.value)} ({100 * low:.0f} – {100 * high:.0f})",
                ", ".join(f"{feature} {n}" for feature, n in found.conspicuous_features().items()) or "–",
            )
        )
    return Table(header, tuple(lines))


OUTCOME_LEGEND = """\
An injection is *null* where the detector sees no nodule afterwards, a removal has *failed* where it still sees one; an
attack is *conspicuous* where a feature of the result lies outside the range of 99 % of the attacks on original scans
(`evaluation/outcomes/limits.py`), else *convincing*. Compare each row with that of the original scan: some attacks fail
by themselves. Removals are those of synthetic nodules, drawn into the scan before it is protected."""
