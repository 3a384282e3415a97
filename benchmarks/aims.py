"""What the protection is meant to reach, beside what it reached: a line for each figure, a column for each budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE, Disruption
from napari_mits_gan.evaluation.measures.diagnostic_value import DiagnosticValue
from napari_mits_gan.evaluation.outcomes.outcome import Outcomes
from napari_mits_gan.evaluation.reports.table import Table
from napari_mits_gan.evaluation.result import Evaluation
from napari_mits_gan.evaluation.robustness.robustness import WORST, Robustness


@dataclass(frozen=True)
class Reached:
    """All scans together at one budget; outcomes of injections and removals on the protected scans."""

    evaluation: Evaluation
    unseen: Mapping[str, Disruption]
    robust: Mapping[str, Robustness]
    injections: Outcomes
    removals: Outcomes
    diagnostic: DiagnosticValue

    @property
    def change(self) -> tuple[float, float, float, float]:
        """RMS in HU, PSNR in dB, SSIM, and the 95th percentile of the change of 10 mm means in HU."""
        change = self.evaluation.changes[self.evaluation.method]
        return change.fidelity.rms_hu, change.fidelity.psnr_db, change.fidelity.ssim, change.local_mean_95_hu

    @property
    def injector(self) -> Disruption:
        """The injector that training knew."""
        return self.evaluation.disruptions["inject"][self.evaluation.method]

    def kept(self, purifier: str) -> float:
        """Proportion of the injections over the threshold that is left, in percent; NaN where there were none."""
        return 100 * self.robust["inject"].proportion_kept(purifier)

    def beats_controls_by(self) -> float:
        """Percentage points between the protection and the best control; NaN unless all three were measured."""
        versions = self.evaluation.disruptions["inject"]
        others = [d.proportion_disrupted for name, d in versions.items() if name != self.evaluation.method]
        return (
            100 * (versions[self.evaluation.method].proportion_disrupted - max(others))
            if len(others) == 3
            else math.nan
        )


@dataclass(frozen=True)
class Aim:
    """One figure: its name, its unit, how it is found, whether more is better, and what is wanted at each budget."""

    name: str
    form: str
    value: Callable[[Reached], float]
    more_is_better: bool
    wanted: Mapping[int, float]


AIMS = (
    Aim("RMS change, HU", ".1f", lambda r: r.change[0], False, {10: 8, 20: 15, 40: 30}),
    Aim("PSNR, dB", ".1f", lambda r: r.change[1], True, {10: 54, 20: 48, 40: 42}),
    Aim("SSIM, lung window", ".4f", lambda r: r.change[2], True, {10: 0.99, 20: 0.97}),
    Aim("disruption gain, injector", ".2f", lambda r: r.injector.gain, True, {20: 5, 40: 8}),
    Aim(
        f"injections over {DISRUPTED_ABOVE}, %",
        ".0f",
        lambda r: 100 * r.injector.proportion_disrupted,
        True,
        {10: 40, 20: 85, 40: 98},
    ),
    Aim(
        "the same, another seed",
        ".0f",
        lambda r: 100 * r.unseen["inject-other-seed"].proportion_disrupted,
        True,
        {20: 70, 40: 90},
    ),
    Aim(
        "the same, other width and core",
        ".0f",
        lambda r: 100 * r.unseen["inject-small-core"].proportion_disrupted,
        True,
        {20: 50, 40: 75},
    ),
    Aim(
        "the same, no equalisation",
        ".0f",
        lambda r: 100 * r.unseen["inject-fixed-window"].proportion_disrupted,
        True,
        {},
    ),
    Aim(
        "injections null or conspicuous, %", ".0f", lambda r: 100 * r.injections.thwarted.value, True, {20: 60, 40: 90}
    ),
    Aim("removals failed or conspicuous, %", ".0f", lambda r: 100 * r.removals.thwarted.value, True, {20: 60, 40: 90}),
    Aim("proportion kept after a DICOM round trip, %", ".0f", lambda r: r.kept("dicom"), True, {20: 99, 40: 99}),
    Aim("after resampling to 1 mm", ".0f", lambda r: r.kept("resample-1mm"), True, {20: 90, 40: 90}),
    Aim("after noise of 10 HU", ".0f", lambda r: r.kept("noise-10"), True, {20: 90, 40: 90}),
    Aim("after JPEG 2000, 5:1", ".0f", lambda r: r.kept("jpeg2000-5"), True, {20: 90, 40: 90}),
    Aim("after a blur of 0.5 voxel", ".0f", lambda r: r.kept("blur-0.5"), True, {20: 80, 40: 80}),
    Aim("after the worst, click by click", ".0f", lambda r: r.kept(WORST), True, {40: 50}),
    Aim("points above the best control", ".0f", Reached.beats_controls_by, True, {20: 20}),
    Aim("10 mm mean, 95 %, HU", ".2f", lambda r: r.change[3], False, {10: 1, 20: 2}),
    Aim("lung mask Dice, least", ".4f", lambda r: min(r.diagnostic.lung_dice), True, {10: 0.995, 20: 0.99}),
    Aim(
        "nodule volume, median change, %",
        ".1f",
        lambda r: 100 * float(np.nanmedian(np.abs(r.diagnostic.volume_changes))),
        False,
        {10: 2, 20: 3},
    ),
)


def aims_table(reached: Mapping[int, Reached]) -> Table:
    """A line for each aim: what was reached at each budget, what was wanted, and whether it was met."""
    lines = []
    for aim in AIMS:
        cells = []
        for budget, figures in reached.items():
            value = aim.value(figures)
            text = "–" if math.isnan(value) else f"{value:{aim.form}}"
            if budget in aim.wanted:
                wanted = aim.wanted[budget]
                # Compared as it is printed, so that the table does not contradict itself.
                shown = float(text) if text != "–" else math.nan
                met = shown >= wanted if aim.more_is_better else shown <= wanted
                sign = "≥" if aim.more_is_better else "≤"
                text += f" ({sign} {wanted:g}: {'met' if met else 'missed'})"
            cells.append(text)
        lines.append((aim.name, *cells))
    return Table(("figure", *(f"{budget} HU" for budget in reached)), tuple(lines))
