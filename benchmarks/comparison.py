"""Methods, other attackers and the minimum budget, on scans kept out of training; writes docs/comparison.md.

python -m benchmarks.comparison
python -m benchmarks.comparison --clicks 5 --budgets 20 40 --out comparison.md

`--attacker NAME=FILE` adds an attacker, for instance one that was trained on protected scans; `--protector NAME=FILE`
adds weights of "mits-gan", for instance those trained against another attacker. Figures are those of docs/results.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import math
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from benchmarks.measures.minimum_budget import MinimumBudget
from benchmarks.scans import add_scans, chosen_paths
from napari_mits_gan.attack.attackers import load_attacker
from napari_mits_gan.attack.contract import Attacker, DifferentiableAttacker
from napari_mits_gan.attack.ctgan.attacker import SHIPPED_ATTACKERS
from napari_mits_gan.ct.anatomy import body_mask, lung_mask
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.disruption.attacked_sites import inpainted_cores
from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE, Disruption
from napari_mits_gan.evaluation.disruption.fourier_sensitivity import (
    CYCLES_IN,
    FourierSensitivity,
    Wave,
    fourier_sensitivity,
)
from napari_mits_gan.evaluation.evaluate import disruptions_at
from napari_mits_gan.evaluation.measures.change import Change, measure_change
from napari_mits_gan.evaluation.measures.noise_spectrum import BAND_EDGES, NoiseSpectrum, noise_spectrum
from napari_mits_gan.evaluation.reports.table import Table, percent
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
from napari_mits_gan.protection.mits_gan import MitsGan
from napari_mits_gan.protection.mits_gan_paper import MitsGanPaper
from napari_mits_gan.protection.noise_map import sample_distance_mm
from napari_mits_gan.protection.pgd import Pgd
from napari_mits_gan.protection.protect import METHODS, protect
from napari_mits_gan.protection.tafim import Tafim

REPOSITORY = Path(__file__).resolve().parents[1]
OURS = "mits-gan"
CLICK_KNOWN = "pgd, click known"
METHODS_BUDGET_HU = 20
SPECTRUM_BUDGETS_HU = (20, 40)
STRIPES: Wave = (0.0, 7.5, 0.0)
"""The wave that the shipped protection is made of, nearly."""
BLURS = (0.5, 1.0)
"""Standard deviations in the scan's voxels, as in `evaluation/robustness/purifiers.py`."""
CHECK_SITES, CHECK_PROBES = 4, 2
"""What a test can measure again within seconds, to see that the document is of the committed weights and code."""
SQUARE_WAVE = 8 / math.pi**2
"""Proportion of a square wave's mean square that lies in its first harmonic."""

HEAD = """\
# Methods, other attackers, and the minimum budget

Written by `python -m benchmarks.comparison`; do not edit. Scans and sites are those of [results.md](results.md):
two patients who were in no training, random sites in the lungs that the protection does not know. Intervals are 95 %
percentile bootstrap over sites, not patients: there are two of them only. Rows of attackers and protections that do
not come with the package were added by `--attacker` and `--protector`; docs/experiments.md tells how they were trained.
"""

METHODS_LEGEND = """\
All under one contract: the budget, whole HU, inside the body only. *mits-gan-paper* is the published design, whose
gradient never reaches the attack, after {paper} steps on the scan itself: its output does not resemble the scan yet,
so the budget leaves hardly more than its sign; *tafim* is the global part of TAFIM alone, after {tafim} steps on the
scan itself; *pgd* optimises each voxel of the scan. *Click known* is an upper bound that no protection can reach in
use: each site is protected on its own ({known} sites in each scan), and its fidelity is not comparable. *10 mm mean*:
95th percentile of the change of the mean over a 10 mm disc within a slice, of the worse scan. Seconds on one core,
with other work running beside it."""

BUDGET_LEGEND = """\
The smallest budget (largest change of a voxel) at which the attack is disrupted (deviation over {threshold}) at 95 %
of the sites, from budgets of {budgets} HU; between two of them the deviation is taken to grow as a power of the
budget. "> {most}": not even the largest is enough. Above 40 HU the pattern is plainly visible; these rows tell how
far off the goal is, not what anybody should use."""

UPPER_BOUND_LEGEND = """\
For small changes to the attacker's own 1 mm cubes, from the gradients of what it in-paints
(`evaluation/disruption/fourier_sensitivity.py`); waves of 20 HU that were really added gave 0.8 to 1.2 times as much,
or less (docs/experiments.md, P27). Plane waves are given by their cycles along z, y, x in {voxels} mm. *Upper bound*:
the mean deviation that no change of up to {budget} HU exceeds unless it depends on the scan or the click; over all
waves, and over those that leave the mean over 10 mm within a slice as it is. *Stripes*: square waves of {budget} HU
with 7.5 cycles in {voxels} mm along y, in all tissue. *Reached*: under {ours} at {budget} HU, which ends 14 mm from
the lungs: the mean deviation, and the proportion of the sites over {threshold}. *Minimum*: the budget at which the
upper bound would be {threshold}, if the deviation went on growing with the square of the change. *Behind a blur*: the
upper bound over the waves that keep means and that the scan's voxels can represent, after a Gaussian blur of that
many voxels. Letting the change depend on the scan gains little, as far as was found (P29). A mean is not a
proportion: where few sites are many times more sensitive than the rest, few are disrupted; and a wave that is strong
against one attacker is weak against another (P33)."""

SPECTRUM_LEGEND = """\
RMS in HU in bands of spatial frequency (cycles per mm) within the slice, in squares of 24 mm of lung. The scanner's
noise is the difference of a slice from the mean of its neighbours, so vessels that differ from slice to slice count
as noise. *Peak*: the change's strongest single frequency over the noise at that frequency, as a ratio of amplitudes,
in the worse scan: above 1, the stripes stand out of the noise there, and anybody who looks at a spectrum sees them."""


CHECK_HEAD = f"""\
With {CHECK_PROBES} random weightings of the core for each site, which is rough; a test measures it again, to see that
this document belongs to the weights and the code beside it."""


@dataclass(frozen=True)
class Wanted:
    """What to measure; files by the names that they have in the tables."""

    clicks: int
    known_clicks: int
    budgets: tuple[int, ...]
    attackers: Mapping[str, str]
    protectors: Mapping[str, str]
    seed: int
    device: str


@dataclass
class Found:
    """All figures of one scan."""

    changes: dict[str, Change] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    methods: dict[str, dict[str, Disruption]] = field(default_factory=dict)
    budgets: dict[str, MinimumBudget] = field(default_factory=dict)
    budget_disruptions: dict[int, dict[str, Disruption]] = field(default_factory=dict)
    protectors: dict[str, dict[str, Disruption]] = field(default_factory=dict)
    spectra: dict[str, NoiseSpectrum] = field(default_factory=dict)
    waves: dict[str, FourierSensitivity] = field(default_factory=dict)
    blurred_waves: dict[float, dict[str, FourierSensitivity]] = field(default_factory=lambda: {s: {} for s in BLURS})
    lpips: dict[str, float] = field(default_factory=dict)
    check: dict[str, FourierSensitivity] = field(default_factory=dict)


def measured(path: Path, wanted: Wanted) -> Found:
    """Measure one scan."""
    volume = replace(read_ct(path), name=path.name.removesuffix(".gz").removesuffix(".nii"))
    attackers = {name: load_attacker(name, wanted.device) for name in SHIPPED_ATTACKERS}
    attackers |= {name: load_attacker(Path(file), wanted.device) for name, file in wanted.attackers.items()}
    body, lung = body_mask(volume), lung_mask(volume)
    sites = random_lung_clicks(volume, wanted.clicks, wanted.seed, lung=lung)
    found = Found()

    def attacked(version: CTVolume) -> dict[str, Disruption]:
        every = disruptions_at(volume, {"this": version}, sites=sites, attackers=attackers)
        return {name: versions["this"] for name, versions in every.items()}

    for budget in wanted.budgets:
        print(f"{OURS} at {budget} HU, {volume.name}", flush=True)
        started = time.perf_counter()
        protected = protect(volume, OURS, budget, seed=wanted.seed, device=wanted.device)
        seconds = time.perf_counter() - started
        found.budget_disruptions[budget] = attacked(protected)
        if budget in SPECTRUM_BUDGETS_HU:
            found.spectra[f"{OURS} at {budget} HU"] = noise_spectrum(volume, protected, lung, seed=wanted.seed)
            if lpips_is_installed():
                found.lpips[f"{budget} HU"] = lpips(volume, protected)
        if budget == METHODS_BUDGET_HU:
            found.methods[OURS] = found.budget_disruptions[budget]
            found.changes[OURS], found.seconds[OURS] = measure_change(volume, protected, body), seconds
    for name, attacker in attackers.items():
        print(f"waves against {name}, {volume.name}", flush=True)
        found.waves[name] = fourier_sensitivity(attacker, volume, sites, seed=wanted.seed)
        for sigma, blurred in found.blurred_waves.items():
            z, y, x = (mm / d for mm, d in zip(volume.spacing, sample_distance_mm(volume.spacing), strict=True))
            blurred[name] = found.waves[name].after_blur(sigma, (z, y, x))
        rows = [found.budget_disruptions[budget][name].deviations for budget in wanted.budgets]
        found.budgets[name] = MinimumBudget(wanted.budgets, np.array(rows).T)
    found.check[volume.name] = check_of(attackers["inject"], volume)
    for name, file in wanted.protectors.items():
        for budget in SPECTRUM_BUDGETS_HU:
            print(f"{name} at {budget} HU, {volume.name}", flush=True)
            other = protect(volume, MitsGan(Path(file)), budget, seed=wanted.seed, device=wanted.device)
            found.protectors[f"{name}, {budget} HU"] = attacked(other)
    for name in METHODS:
        if name == OURS:
            continue
        print(f"{name}, {volume.name}", flush=True)
        started = time.perf_counter()
        protected = protect(volume, name, METHODS_BUDGET_HU, seed=wanted.seed, device=wanted.device)
        found.seconds[name] = time.perf_counter() - started
        found.changes[name] = measure_change(volume, protected, body)
        found.methods[name] = attacked(protected)
    found.methods[CLICK_KNOWN] = _click_known(volume, sites[: wanted.known_clicks], attackers, wanted)
    return found


def check_of(injector: DifferentiableAttacker, volume: CTVolume) -> FourierSensitivity:
    """Sensitivity of the injector at a few sites, roughly."""
    sites = random_lung_clicks(volume, CHECK_SITES, 0)
    return fourier_sensitivity(injector, volume, sites, probes=CHECK_PROBES)


def check_table(found: Mapping[str, FourierSensitivity]) -> Table:
    """A row for each scan: what `check_of` gives."""
    header = ("inject", "strongest that keeps means", f"upper bound at {METHODS_BUDGET_HU} HU", "the same, all waves")
    rows = []
    for name, s in found.items():
        wave = ", ".join(f"{cycles:g}" for cycles in s.strongest_wave(keep_local_mean=True))
        bounds = (s.upper_bound(METHODS_BUDGET_HU, keep_local_mean=keep) for keep in (True, False))
        rows.append((name, wave, *(f"{bound:.5f}" for bound in bounds)))
    return Table(header, tuple(rows))


def _click_known(
    volume: CTVolume, sites: Sequence[tuple[int, int, int]], attackers: Mapping[str, Attacker], wanted: Wanted
) -> dict[str, Disruption]:
    """Each site protected for itself."""
    parts: dict[str, list[Disruption]] = {name: [] for name in attackers}
    for site in sites:
        print(f"{CLICK_KNOWN}, {volume.name}", flush=True)
        version = protect(volume, Pgd(at=site), METHODS_BUDGET_HU, seed=wanted.seed, device=wanted.device)
        for name, attacker in attackers.items():
            cores = [inpainted_cores(attacker, scan, [site]) for scan in (version, volume)]
            parts[name].append(Disruption.between(*cores))
    return {name: Disruption.pooled(some) for name, some in parts.items()}


def lpips_is_installed() -> bool:
    """Whether LPIPS can be computed here: its package, and the network that it looks through, already on disk."""
    if importlib.util.find_spec("lpips") is None or importlib.util.find_spec("torchvision") is None:
        return False
    checkpoints = Path(torch.hub.get_dir()) / "checkpoints"
    return any(checkpoints.glob("alexnet-*.pth"))


def lpips(original: CTVolume, protected: CTVolume) -> float:
    """Learned perceptual distance (Zhang et al., CVPR 2018) in the lung window, mean over every fourth slice."""
    import lpips as package

    from napari_mits_gan.ct.constants import LUNG_WINDOW_HU

    low, high = LUNG_WINDOW_HU
    network = package.LPIPS(net="alex", verbose=False).eval()
    found = []
    with torch.inference_mode():
        for a, b in zip(original.hu[::4], protected.hu[::4], strict=True):
            pair = [
                2 * (torch.from_numpy(slices.astype(np.float32)).clamp(low, high) - low) / (high - low) - 1
                for slices in (a, b)
            ]
            found.append(float(network(*(s[None, None].expand(-1, 3, -1, -1) for s in pair))))
    return float(np.mean(found))


def _pooled(parts: Sequence[dict[str, Disruption]]) -> dict[str, Disruption]:
    return {name: Disruption.pooled([part[name] for part in parts]) for name in parts[0]}


def methods_table(found: Sequence[Found]) -> Table:
    """A line for each method: what it costs and how often attackers are disrupted."""
    header = (
        f"at {METHODS_BUDGET_HU} HU", "RMS, HU", "PSNR, dB", "SSIM", "10 mm mean, 95 %, HU", "seconds",
        "inject: median", "95 % interval", f"over {DISRUPTED_ABOVE}", "gain", "remove: median",
        "other seed", "other core and width", "no equalisation",
    )  # fmt: skip
    lines = []
    for name in found[0].methods:
        by = _pooled([f.methods[name] for f in found])
        low, high = by["inject"].median_interval
        cost = ("–",) * 5
        if name in found[0].changes:
            change = Change.pooled([f.changes[name] for f in found])
            cost = (
                f"{change.fidelity.rms_hu:.1f}",
                f"{change.fidelity.psnr_db:.1f}",
                f"{change.fidelity.ssim:.3f}",
                f"{change.local_mean_95_hu:.1f}",
                f"{sum(f.seconds[name] for f in found) / len(found):.0f}",
            )
        lines.append(
            (
                name,
                *cost,
                f"{by['inject'].median:.4f}",
                f"{low:.4f} – {high:.4f}",
                percent(by["inject"].proportion_disrupted),
                f"{by['inject'].gain:.1f}",
                f"{by['remove'].median:.4f}",
                *(
                    percent(by[n].proportion_disrupted)
                    for n in ("inject-other-seed", "inject-small-core", "inject-fixed-window")
                ),
            )
        )
    return Table(header, tuple(lines))


def attackers_table(rows: Mapping[str, Mapping[str, Disruption]], attackers: Sequence[str]) -> Table:
    """A line for each protection and budget: proportion over the threshold and median deviation of each attacker."""
    header = ("protection", *attackers)
    return Table(
        header,
        tuple(
            (name, *(f"{percent(by[a].proportion_disrupted)}, {by[a].median:.4f}" for a in attackers))
            for name, by in rows.items()
        ),
    )


def minimum_budget_table(found: Sequence[Found], most: int) -> Table:
    """A line for each attacker."""

    def shown(hu: float) -> str:
        return f"> {most}" if math.isinf(hu) else f"{hu:.0f}"

    lines = []
    for name in found[0].budgets:
        pooled = MinimumBudget.pooled([f.budgets[name] for f in found])
        low, high = pooled.interval
        half = float(np.quantile(pooled.needed_hu, 0.5, method="inverted_cdf"))
        lines.append((name, shown(half), shown(pooled.hu), f"{shown(low)} – {shown(high)}"))
    return Table(("attacker", "for half of the sites, HU", "for 95 %, HU", "95 % interval"), tuple(lines))


def upper_bound_table(found: Sequence[Found]) -> Table:
    """A line for each attacker: the upper bound for changes that do not know the click, and what is reached."""

    def shown(wave: Wave) -> str:
        return ", ".join(f"{cycles:g}" for cycles in wave)

    budget, lines = METHODS_BUDGET_HU, []
    reached = _pooled([f.budget_disruptions[budget] for f in found])
    for name in found[0].waves:
        waves = FourierSensitivity.pooled([f.waves[name] for f in found])
        blurred = [FourierSensitivity.pooled([f.blurred_waves[sigma][name] for f in found]) for sigma in BLURS]
        best, kept = waves.strongest_wave(), waves.strongest_wave(keep_local_mean=True)
        lines.append(
            (
                name,
                shown(best),
                f"{waves.upper_bound(budget):.4f}",
                shown(kept),
                f"{waves.upper_bound(budget, keep_local_mean=True):.4f}",
                f"{SQUARE_WAVE * waves.deviation(STRIPES, budget):.4f}",
                f"{np.mean(reached[name].deviations):.4f}, {percent(reached[name].proportion_disrupted)}",
                f"{waves.minimum_budget_hu():.0f}",
                *(f"{left.upper_bound(budget, keep_local_mean=True):.4f}" for left in blurred),
            )
        )
    header = (
        "attacker", "strongest wave", f"upper bound at {budget} HU", "strongest that keeps means",
        f"upper bound at {budget} HU", "stripes", "reached", "minimum, HU", *(f"behind a blur of {s:g}" for s in BLURS),
    )  # fmt: skip
    return Table(header, tuple(lines))


def spectrum_table(found: Sequence[Found]) -> Table:
    """The scan's noise and each change, band by band."""
    bands = tuple(f"{low:g} – {high:g}" for low, high in itertools.pairwise(BAND_EDGES))
    lines: list[tuple[str, ...]] = []

    def form(rms_hu: float) -> str:
        return "–" if math.isnan(rms_hu) else f"{rms_hu:.1f}"

    for name in found[0].spectra:
        pooled = NoiseSpectrum.pooled([f.spectra[name] for f in found])
        if not lines:
            lines.append(("the scanner's noise", *map(form, pooled.noise_hu), ""))
        lines.append((name, *map(form, pooled.change_hu), f"{pooled.peak_ratio:.1f}"))
    return Table(("cycles per mm", *bands, "peak"), tuple(lines))


def report(found: Sequence[Found], wanted: Wanted) -> str:
    """The whole of docs/comparison.md."""
    names = list(found[0].budgets)
    ours = {f"{OURS}, {b} HU": _pooled([f.budget_disruptions[b] for f in found]) for b in wanted.budgets}
    ours |= {name: _pooled([f.protectors[name] for f in found]) for name in found[0].protectors}
    spectrum = f"## In the scanner's noise\n\n{spectrum_table(found).markdown()}\n\n{SPECTRUM_LEGEND}\n"
    bound = UPPER_BOUND_LEGEND.format(voxels=CYCLES_IN, budget=METHODS_BUDGET_HU, ours=OURS, threshold=DISRUPTED_ABOVE)
    perceived = (
        "LPIPS (lung window, AlexNet): "
        + ", ".join(f"{b}: {np.mean([f.lpips[b] for f in found]):.4f}" for b in found[0].lpips)
        + ".\n"
        if found[0].lpips
        else "LPIPS is not given: its package and the weights that it looks through were not installed here.\n"
    )
    legend = METHODS_LEGEND.format(known=wanted.known_clicks, paper=MitsGanPaper().steps, tafim=Tafim().steps)
    least = BUDGET_LEGEND.format(
        threshold=DISRUPTED_ABOVE, budgets=", ".join(map(str, wanted.budgets)), most=max(wanted.budgets)
    )
    checked = check_table({name: check for f in found for name, check in f.check.items()})
    return "\n".join(
        [
            HEAD,
            f"## Methods\n\n{methods_table(found).markdown()}\n\n{legend}\n",
            "## All attackers\n\nProportion of the sites over "
            f"{DISRUPTED_ABOVE}, and the median deviation.\n\n{attackers_table(ours, names).markdown()}\n",
            f"## The minimum budget\n\n{minimum_budget_table(found, max(wanted.budgets)).markdown()}\n\n{least}\n",
            f"## Upper bound without knowledge of the click\n\n{upper_bound_table(found).markdown()}\n\n{bound}\n",
            spectrum,
            perceived,
            f"## Upper bound at {CHECK_SITES} sites of each scan\n\n{CHECK_HEAD}\n\n{checked.markdown()}\n",
        ]
    )


def _named(text: str) -> tuple[str, str]:
    name, _, file = text.partition("=")
    if not name or not file:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=FILE")
    return name, file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--clicks", type=int, default=20, help="in each scan (default: 20)")
    parser.add_argument("--known-clicks", type=int, default=6, help="of these protected for themselves (default: 6)")
    parser.add_argument(
        "--budgets", type=int, nargs="+", default=(20, 40, 80, 120, 200), metavar="HU",
        help="(default: 20 40 80 120 200)",
    )  # fmt: skip
    parser.add_argument("--attacker", type=_named, action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--protector", type=_named, action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="scans measured at once, each on one core (default: 1)")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "comparison.md")
    options = parser.parse_args()
    wanted = Wanted(
        options.clicks,
        options.known_clicks,
        tuple(sorted({METHODS_BUDGET_HU, *options.budgets})),
        dict(options.attacker),
        dict(options.protector),
        options.seed,
        options.device,
    )
    paths = chosen_paths(options)
    with ProcessPoolExecutor(
        options.jobs, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as workers:
        found = list(workers.map(measured, paths, [wanted] * len(paths)))
    options.out.write_text(report(found, wanted), encoding="utf-8")
    print(f"written to {options.out.name}")


if __name__ == "__main__":
    main()
