"""What a protection leaves of a scan's diagnostic value, as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evaluation.measures.diagnostic_value import DIAMETER_LIMIT_MM, VOLUME_LIMIT, DiagnosticValue
from napari_mits_gan.evaluation.measures.intervals import Proportion
from napari_mits_gan.evaluation.reports.table import Table


def diagnostic_table(columns: Sequence[tuple[str, DiagnosticValue]]) -> Table:
    """One column for each named protection or budget."""
    header = ("original → protected", *(name for name, _ in columns))
    lines = (
        ("mean in 10 mm discs, 95 % change by at most, HU", lambda v: f"{v.region_mean_95_hu:.2f}"),
        ("standard deviation in them, median, HU", lambda v: _pair(v.region_sd_median_hu, ".1f")),
        ("lung below -950 HU", lambda v: _scans(v, "laa_950", 100, " %")),
        ("15th percentile of the lung, HU", lambda v: _scans(v, "perc15_hu", 1, "")),
        ("Dice of the lung masks, least", lambda v: f"{min(v.lung_dice):.4f}"),
        ("nodules with a size in both", lambda v: f"{v.volume_changes.size} of {len(v.nodules)}"),
        ("volume, median change", lambda v: _spread(100 * np.abs(v.volume_changes), ".1f", " %")),
        ("volume changed by over 25 %", lambda v: str(Proportion.among(np.abs(v.volume_changes) > VOLUME_LIMIT))),
        ("diameter, median change", lambda v: _spread(np.abs(v.diameter_changes_mm), ".2f", " mm")),
        (
            "diameter changed by over 2 mm",
            lambda v: str(Proportion.among(np.abs(v.diameter_changes_mm) > DIAMETER_LIMIT_MM)),
        ),
        ("nodules found, original", lambda v: str(Proportion.among(n.found_original for n in v.nodules))),
        ("nodules found, protected", lambda v: str(Proportion.among(n.found_protected for n in v.nodules))),
        ("false positives, original", lambda v: str(Proportion.among(v.false_original))),
        ("false positives, protected", lambda v: str(Proportion.among(v.false_protected))),
    )
    return Table(header, tuple((name, *(cell(value) for _, value in columns)) for name, cell in lines))


DIAGNOSTIC_LEGEND = """\
Regions of interest: 10 mm discs within a slice, half of them in the lungs. *Lung below -950 HU* and *15th percentile*:
emphysema densitometry, one scan after the other. Nodules are synthetic ones, drawn into the scan before it is
protected, and those that readers marked. In brackets 95 % intervals (Wilson)."""


def _pair(values: tuple[float, float], form: str) -> str:
    return f"{values[0]:{form}} → {values[1]:{form}}"


def _scans(value: DiagnosticValue, figure: str, factor: float, unit: str) -> str:
    pairs = zip(value.lungs_original, value.lungs_protected, strict=True)
    return "; ".join(_pair((factor * getattr(a, figure), factor * getattr(b, figure)), ".1f") + unit for a, b in pairs)


def _spread(changes: NDArray[np.float64], form: str, unit: str) -> str:
    """Median and 95th percentile of absolute changes."""
    if changes.size == 0:
        return "–"
    return f"{np.median(changes):{form}}{unit} (95 %: {np.percentile(changes, 95):{form}})"
