"""What the protection does, what it costs and where it breaks, on scans kept out of training; writes docs/results.md.

python -m benchmarks.results
python -m benchmarks.results --budgets 20 --clicks 5 --out results.md --json results.json

At each budget: random sites in the lungs that the protection does not know, attack(protected) against
attack(original), beside controls of the same RMS. The same weights, scans and options give the same text, up to the
last digits of another processor.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from benchmarks.aims import Reached, aims_table
from benchmarks.measure import limit_cores
from benchmarks.scans import add_scans, chosen_paths
from napari_mits_gan.attack.contract import Attacker
from napari_mits_gan.attack.ctgan.attacker import SHIPPED_ATTACKERS
from napari_mits_gan.ct.anatomy import body_mask, lung_mask
from napari_mits_gan.ct.annotations import nodules_beside
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.detection.detector import NoduleDetector
from napari_mits_gan.evaluation.disruption.controls import CONTROLS
from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE, Disruption
from napari_mits_gan.evaluation.evaluate import disruptions_at, evaluate_protected, load_attackers
from napari_mits_gan.evaluation.measures.change import Change, measure_change
from napari_mits_gan.evaluation.measures.diagnostic_value import (
    DiagnosticValue,
    diagnostic_value,
    subsampled_lung_mask,
)
from napari_mits_gan.evaluation.outcomes.outcome import Outcomes, attack_and_classify
from napari_mits_gan.evaluation.reports.diagnostic_value import DIAGNOSTIC_LEGEND, diagnostic_table
from napari_mits_gan.evaluation.reports.disruption import LEGEND, attacks_table, change_table
from napari_mits_gan.evaluation.reports.outcomes import OUTCOME_LEGEND, outcome_table
from napari_mits_gan.evaluation.reports.robustness import ROBUSTNESS_LEGEND, robustness_table
from napari_mits_gan.evaluation.reports.table import Table, before_and_after, percent
from napari_mits_gan.evaluation.result import Evaluation, pool
from napari_mits_gan.evaluation.robustness.robustness import Robustness, purify_at, robustness
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
from napari_mits_gan.evaluation.sites.synthetic_nodules import SyntheticNodules, synthetic_nodules
from napari_mits_gan.evaluation.sites.tissue import sites_by_tissue
from napari_mits_gan.protection.protect import protect

REPOSITORY = Path(__file__).resolve().parents[1]
SEEN = ("inject", "remove")
UNSEEN = tuple(name for name in SHIPPED_ATTACKERS if name not in SEEN)
WHERE_BUDGET_HU = 20
"""By tissue, by slice thickness and against all controls it is measured at this budget alone."""
THICK_SLICE_MM = 5.0
CHECK_SLICES, CHECK_BUDGET_HU = 16, 20
"""What a test can measure again within seconds, to see that the document is of the committed weights and code."""

HEAD = """\
# Results

Written by `python -m benchmarks.results`; do not edit. Sites are drawn at random in the lungs, and the protection
does not know them. Always attack(protected) against attack(original). Intervals resample sites, not patients: there
are two patients only.
"""

HELD_OUT_SCANS = """\
The scans were not used in training attackers or protection: LIDC-IDRI (Armato et al., 2011) and RIDER Pilot, The Cancer
Imaging Archive, CC BY 3.0.
"""

AIMS_HEAD = """\
Reached, and in brackets what was wanted. What was tried for those that are missed, and why they are missed:
[experiments.md](experiments.md#what-is-missed-and-why)."""

CHECK_HEAD = """\
Protected as a scan of their own, seed 0; a test measures them again, to see that this document belongs to the weights
and the code beside it."""

T = TypeVar("T")


@dataclass(frozen=True)
class Wanted:
    """What to measure.

    Parameters
    ----------
    method : str
        The protection.
    budgets : tuple of int
        Largest changes in HU.
    clicks, nodules : int
        Sites and drawn nodules in each scan.
    seed : int
        Fixes all that is drawn.
    device : str
        Where to compute.
    controls : tuple of str
        What to hold the protection against.
    """

    method: str
    budgets: tuple[int, ...]
    clicks: int
    nodules: int
    seed: int
    device: str
    controls: tuple[str, ...]


@dataclass
class Found:
    """All figures of one scan, by budget."""

    evaluations: dict[int, Evaluation] = field(default_factory=dict)
    unseen: dict[int, dict[str, Disruption]] = field(default_factory=dict)
    robust: dict[int, dict[str, Robustness]] = field(default_factory=dict)
    outcomes: dict[str, Outcomes] = field(default_factory=dict)
    diagnostic: dict[int, DiagnosticValue] = field(default_factory=dict)
    where: dict[str, Disruption] = field(default_factory=dict)
    check: dict[str, Change] = field(default_factory=dict)


def measured(path: Path, wanted: Wanted) -> Found:
    """Measure one scan."""
    volume = replace(read_ct(path), name=path.name.removesuffix(".gz").removesuffix(".nii"))
    attackers = load_attackers(SEEN, wanted.device)
    others = load_attackers(UNSEEN, wanted.device)
    detector = NoduleDetector.load(device=wanted.device)
    lung = lung_mask(volume)
    sites = random_lung_clicks(volume, wanted.clicks, wanted.seed, lung=lung)
    annotated = nodules_beside(path, volume)
    drawn = synthetic_nodules(volume, wanted.nodules, wanted.seed, annotated=annotated, lung=lung)
    found = Found()

    def protected_version(scan: CTVolume, budget: int) -> CTVolume:
        return protect(scan, wanted.method, budget, seed=wanted.seed, device=wanted.device)

    found.outcomes["injection, original scan"] = attack_and_classify(attackers["inject"], volume, sites, detector)[1]
    found.outcomes["removal, original scan"] = _removals(attackers["remove"], drawn, drawn.volume, volume, detector)
    found.check = check_of(volume, wanted.method, wanted.device)
    coarse = subsampled_lung_mask(drawn.volume)
    for budget in wanted.budgets:
        print(f"{budget} HU, {volume.name}", flush=True)
        protected = protected_version(volume, budget)
        found.evaluations[budget] = evaluate_protected(
            volume,
            protected,
            sites=sites,
            attackers=attackers,
            detector=detector,
            controls=wanted.controls if budget == WHERE_BUDGET_HU else ("gaussian-noise",),
            seed=wanted.seed,
        )
        unseen = disruptions_at(volume, {"protected": protected}, sites=sites, attackers=others, detector=detector)
        found.unseen[budget] = {name: versions["protected"] for name, versions in unseen.items()}
        purified = purify_at(volume, protected, sites, seed=wanted.seed)
        found.robust[budget] = {name: robustness(attacker, purified) for name, attacker in attackers.items()}
        _, outcomes = attack_and_classify(attackers["inject"], protected, sites, detector)
        found.outcomes[f"injection, protected at {budget} HU"] = outcomes
        with_nodules = protected_version(drawn.volume, budget)
        outcomes = _removals(attackers["remove"], drawn, with_nodules, volume, detector)
        found.outcomes[f"removal, protected at {budget} HU"] = outcomes
        real = [(round(z), round(y), round(x)) for z, y, x in (nodule.at for nodule in annotated)]
        found.diagnostic[budget] = diagnostic_value(
            drawn.volume,
            with_nodules,
            nodules=[*drawn.sites, *real],
            detector=detector,
            healthy_sites=sites,
            healthy=volume,
            lung=coarse,
            seed=wanted.seed,
        )
        if budget == WHERE_BUDGET_HU:
            _by_place(found, volume, protected, lung, wanted, detector)
            thick = volume.coarsen((max(1, round(THICK_SLICE_MM / volume.spacing[0])), 1, 1))
            thick_sites = random_lung_clicks(thick, wanted.clicks, wanted.seed)
            disrupted = disruptions_at(
                thick,
                {"protected": protected_version(thick, budget)},
                sites=thick_sites,
                attackers={"inject": attackers["inject"]},
                detector=detector,
            )
            found.where[f"lung, {THICK_SLICE_MM:g} mm slices (averaged)"] = disrupted["inject"]["protected"]
    return found


def check_of(volume: CTVolume, method: str, device: str) -> dict[str, Change]:
    """What the protection changes in the middle slices, taken for a scan of their own."""
    first = (volume.shape[0] - CHECK_SLICES) // 2
    slices = volume.crop(Box((first, 0, 0), (CHECK_SLICES, *volume.shape[1:])))
    protected = protect(slices, method, CHECK_BUDGET_HU, device=device)
    return {f"{method}, {volume.name}": measure_change(slices, protected, body_mask(slices))}


def _removals(
    attacker: Attacker, drawn: SyntheticNodules, scan: CTVolume, healthy: CTVolume, detector: NoduleDetector
) -> Outcomes:
    return attack_and_classify(attacker, scan, drawn.sites, detector, healthy=healthy)[1]


def _by_place(
    found: Found, volume: CTVolume, protected: CTVolume, lung: np.ndarray, wanted: Wanted, detector: NoduleDetector
) -> None:
    attackers = load_attackers(("inject",), wanted.device)
    for tissue, sites in sites_by_tissue(volume, wanted.clicks, wanted.seed, lung=lung).items():
        if sites:
            disrupted = disruptions_at(
                volume, {"protected": protected}, sites=sites, attackers=attackers, detector=detector
            )
            found.where[tissue] = disrupted["inject"]["protected"]


def summary_table(evaluations: Sequence[Evaluation]) -> Table:
    """One row for each evaluation and attacker: what the protection costs, what it does, what the controls do."""
    controls = list(dict.fromkeys(name for e in evaluations for name in e.controls))
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
        *(f"÷ {name}" for name in controls),
        *(f"{name} over {DISRUPTED_ABOVE}" for name in controls),
    )
    rows = []
    for e in evaluations:
        change = e.changes[e.method]
        for attacker, versions in e.disruptions.items():
            found = versions[e.method]
            low, high = found.median_interval
            rows.append(
                (
                    f"{e.title}, {attacker}",
                    f"{change.fidelity.rms_hu:.2f}",
                    f"{change.fidelity.psnr_db:.1f}",
                    f"{change.fidelity.ssim:.4f}",
                    f"{change.local_mean_95_hu:.2f}",
                    f"{found.median:.5f}",
                    f"{low:.5f} – {high:.5f}",
                    percent(found.proportion_disrupted),
                    f"{found.gain:.2f}",
                    before_and_after(found.seen_original, found.seen),
                    *(e.ratio_text(attacker, c) if c in versions else "" for c in controls),
                    *(percent(versions[c].proportion_disrupted) if c in versions else "" for c in controls),
                )
            )
    return Table(header, tuple(rows))


def together(parts: Sequence[dict[str, T]], pooled: Callable[[list[T]], T]) -> dict[str, T]:
    """Scan by scan to all scans together, name by name; a name that only some scans have is pooled over those."""
    names = list(dict.fromkeys(name for part in parts for name in part))
    return {name: pooled([part[name] for part in parts if name in part]) for name in names}


def report(found: Sequence[Found], wanted: Wanted, *, held_out: bool) -> str:
    """The whole of docs/results.md."""
    pooled = [pool([f.evaluations[budget] for f in found]) for budget in wanted.budgets]
    values = {budget: DiagnosticValue.pooled([f.diagnostic[budget] for f in found]) for budget in wanted.budgets}
    outcomes = together([f.outcomes for f in found], Outcomes.pooled)
    unseen = {b: together([f.unseen[b] for f in found], Disruption.pooled) for b in wanted.budgets}
    robust = {b: together([f.robust[b] for f in found], Robustness.pooled) for b in wanted.budgets}
    reached = {
        budget: Reached(
            one,
            unseen[budget],
            robust[budget],
            outcomes[f"injection, protected at {budget} HU"],
            outcomes[f"removal, protected at {budget} HU"],
            values[budget],
        )
        for budget, one in zip(wanted.budgets, pooled, strict=True)
    }
    text = [HEAD] + ([HELD_OUT_SCANS] if held_out else [])
    text.append(f"## Aims\n\n{AIMS_HEAD}\n\n{aims_table(reached).markdown()}\n")
    text.append(f"## Attackers that training knew\n\n{summary_table(pooled).markdown()}\n\n{LEGEND}\n")
    unknown = [
        (f"{name}, {budget} HU", disruption) for budget in wanted.budgets for name, disruption in unseen[budget].items()
    ]
    text.append(
        "## Attackers that training did not know\n\nAnother seed, another width and blanked core, no histogram "
        f"equalisation (docs/attack.md).\n\n{attacks_table(unknown).markdown()}\n"
    )
    text.append(
        f"## What becomes of the attacks\n\n{outcome_table(list(outcomes.items())).markdown()}\n\n{OUTCOME_LEGEND}\n"
    )
    for budget in wanted.budgets:
        text.append(f"## After purification, {budget} HU\n\n{robustness_table(robust[budget]).markdown()}\n")
    text.append(ROBUSTNESS_LEGEND + "\n")
    where = together([f.where for f in found], Disruption.pooled)
    if where:
        text.append(
            f"## Where, at {WHERE_BUDGET_HU} HU (injections)\n\n{attacks_table(list(where.items())).markdown()}\n"
        )
    diagnostic = diagnostic_table([(f"{b} HU", v) for b, v in values.items()]).markdown()
    text.append(f"## Diagnostic value\n\n{diagnostic}\n\n{DIAGNOSTIC_LEGEND}\n")
    checked = change_table({name: change for f in found for name, change in f.check.items()})
    text.append(
        f"## The middle {CHECK_SLICES} slices alone, {CHECK_BUDGET_HU} HU\n\n{CHECK_HEAD}\n\n{checked.markdown()}\n"
    )
    for one, budget in zip(pooled, wanted.budgets, strict=True):
        text.append(one.to_markdown(legend=False))
        text += [f.evaluations[budget].to_markdown(heading="###", legend=False) for f in found]
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--method", default="mits-gan")
    parser.add_argument(
        "--budgets", type=int, nargs="+", default=(10, 20, 40), metavar="HU", help="(default: 10 20 40)"
    )
    parser.add_argument("--clicks", type=int, default=20, help="in each scan (default: 20)")
    parser.add_argument("--nodules", type=int, default=12, help="drawn into each scan (default: 12)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--controls", nargs="*", default=list(CONTROLS), help="(default: all)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="scans measured at once, each on one core (default: 1)")
    parser.add_argument("--cores", type=int, help="(default: all)")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "results.md")
    parser.add_argument("--json", type=Path, help="also write every site's figures here")
    options = parser.parse_args()

    wanted = Wanted(
        options.method,
        tuple(options.budgets),
        options.clicks,
        options.nodules,
        options.seed,
        options.device,
        tuple(options.controls),
    )
    paths = chosen_paths(options)
    if options.jobs > 1:
        with ProcessPoolExecutor(
            options.jobs, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
        ) as workers:
            found = list(workers.map(measured, paths, [wanted] * len(paths)))
    else:
        if options.cores:
            limit_cores(options.cores)
        found = [measured(path, wanted) for path in paths]
    options.out.write_text(report(found, wanted, held_out=not options.scans), encoding="utf-8")
    print(f"written to {options.out.name}")
    if options.json:
        every = {str(b): [json.loads(f.evaluations[b].to_json()) for f in found] for b in wanted.budgets}
        options.json.write_text(json.dumps(every, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
