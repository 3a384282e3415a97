"""What the mark still finds where a seal is lost, on scans kept out of training, as a Markdown document.

python -m benchmarks.mark > docs/mark_results.md

Scans are marked, attacked at several sites that lie far apart, and then filtered as a whole; each attack is judged by
itself: found, if the mark is reported missing at a voxel that the attack changed much. Nodules to be removed are drawn
before the scan is marked: the patient's nodules, as it were. False alarms are places reported in marked and filtered
scans that were not attacked, each time with another key; they are counted for 4 litres of lung, which is a scan's
worth. Runs are kept with --raw, after each group of attacks and each key, go on from there when started again with the
same options, and are put together with --from-raw.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

from benchmarks.measure import MIB, forget_peak, limit_cores, peak_bytes, resident_bytes
from benchmarks.scans import add_scans, chosen_scans
from napari_mits_gan.files.replace import replaced_file

WAYS = ("untouched", "noise-10", "jpeg2000-5", "resample-1mm", "blur-0.5")
EQUALISED = {
    "inject": ("inject", "inject-other-seed", "inject-small-core"),
    "remove": ("remove", "remove-small-core"),
}
OTHERS = {"inject": ("inject-fixed-window", "inject-copy-paste"), "remove": ("remove-copy-paste",)}
ADDED = "inject-drawn-nodule"
"""Adds a nodule and leaves the scan's own noise, and with it the mark, in place."""
FAR_MM = 56.0
MUCH_HU = 100.0
"""Change from which on a voxel counts as changed much, and its part of a nodule's size."""
LITRES = 4.0


@dataclass(frozen=True)
class Attack:
    """What came of one attack after one filter."""

    scan: str
    slice_mm: float
    tissue: str
    attacker: str
    action: str
    way: str
    diameter_mm: float
    found: bool
    score: float


@dataclass(frozen=True)
class Untouched:
    """What was reported of one marked scan that was not attacked."""

    scan: str
    way: str
    key: int
    litres: float
    places: int
    highest: float
    sureness: float


@dataclass(frozen=True)
class Change:
    """What the mark does to a scan."""

    scan: str
    lungs_rms_hu: float
    body_rms_hu: float
    largest_hu: int
    noise_hu: float
    mean_hu: float
    laa_points: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--attacks", type=int, default=40, help="of each action on each scan (default: 40)")
    parser.add_argument("--keys", type=int, default=10, help="keys for false alarms on each scan (default: 10)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="(default: all)")
    parser.add_argument("--thicken", type=int, default=1, help="take so many slices together first (default: 1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", type=int, default=2, help="(default: 2)")
    parser.add_argument("--no-speed", action="store_true", help="leave out time and memory")
    parser.add_argument("--raw", type=Path, help="keep the figures here, as JSON, and go on from those kept")
    parser.add_argument("--from-raw", type=Path, nargs="+", help="measure nothing; put these files together")
    options = parser.parse_args()
    limit_cores(options.cores)

    if options.from_raw:
        results = Results.read(options.from_raw)
    else:
        results = Results.read([options.raw]) if options.raw and options.raw.exists() else Results()
        results.kept_at = options.raw
        for scan in chosen_scans(options):
            if options.thicken > 1:
                scan = replace(scan.coarsen((options.thicken, 1, 1)), name=scan.name)
            one_scan(scan, options, results)
        if not options.no_speed:
            results.once("speed", lambda: results.set_speed(speed(chosen_scans(options, 1)[0], options.cores)))
    print(document(results))


@dataclass
class Results:
    """All that was measured, and what that was."""

    attacks: list[Attack] = field(default_factory=list)
    untouched: list[Untouched] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    speed: str = ""
    done: list[str] = field(default_factory=list)
    kept_at: Path | None = None

    def once(self, name: str, measure: Callable[[], None]) -> None:
        """Measure something unless that was done before, and keep it."""
        if name in self.done:
            return
        measure()
        self.done.append(name)
        if self.kept_at is not None:
            with replaced_file(self.kept_at) as new:
                new.write_text(self.as_json())

    def set_speed(self, found: str) -> None:
        """Take in the table of time and memory."""
        self.speed = found

    def as_json(self) -> str:
        """What `read` reads."""
        lists = {name: [asdict(item) for item in getattr(self, name)] for name in ("attacks", "untouched", "changes")}
        return json.dumps({**lists, "speed": self.speed, "done": self.done})

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Results:
        out = cls()
        for path in paths:
            told = json.loads(path.read_text())
            out.attacks += [Attack(**item) for item in told["attacks"]]
            out.untouched += [Untouched(**item) for item in told["untouched"]]
            out.changes += [Change(**item) for item in told["changes"]]
            out.speed = out.speed or told["speed"]
            out.done += told.get("done", [])
        return out


def one_scan(scan, options: argparse.Namespace, results: Results) -> None:
    from napari_mits_gan.ct.anatomy import lung_mask
    from napari_mits_gan.evaluation.sites.tissue import JUXTA_PLEURAL, PARENCHYMA, sites_by_tissue
    from napari_mits_gan.evidence.mark.embed import embed_mark

    lung = lung_mask(scan)
    key = key_of(0)
    marked = embed_mark(scan, key, number=1)
    results.once(f"{scan.name}: change", lambda: results.changes.append(change(scan, marked, lung)))
    if options.attacks:
        found = sites_by_tissue(scan, 40, options.seed, lung=lung)
        sites = [(tissue, at) for tissue in (PARENCHYMA, JUXTA_PLEURAL) for at in found[tissue]]
        sites = [sites[i] for i in np.random.default_rng(options.seed).permutation(len(sites))][: options.attacks]
        ill = marked_with_nodules(scan, sites, options)
        for action, base in (("inject", marked), ("remove", ill)):
            attackers = (*EQUALISED[action], *OTHERS[action], *([ADDED] if action == "inject" else []))
            for number, group in enumerate(groups(sites, attackers, scan.spacing, options)):
                judge = partial(judge_group, base, action, group, options.ways, results)
                results.once(f"{scan.name}: {action}, group {number}", judge)
    litres = float(np.count_nonzero(lung) * np.prod(scan.spacing)) / 1e6
    for number in range(1, options.keys + 1):
        judge = partial(judge_untouched, scan, number, options.ways, litres, results)
        results.once(f"{scan.name}: key {number}", judge)
    print(scan.name, "done", file=sys.stderr)


def key_of(number: int):
    from napari_mits_gan.evidence.key import SealKey

    return SealKey(bytes([number]) * 32)


def marked_with_nodules(scan, sites, options: argparse.Namespace):
    from napari_mits_gan.attack.nodules.in_scan import implant_in_scan
    from napari_mits_gan.attack.nodules.rules import random_nodule
    from napari_mits_gan.evidence.mark.embed import embed_mark

    rng, ill = np.random.default_rng(options.seed), scan
    for _, at in sites:
        ill = implant_in_scan(ill, random_nodule(rng, (8, 20)), at)
    return embed_mark(replace(ill, history=()), key_of(0), number=2)


def groups(sites, attackers: Sequence[str], spacing, options: argparse.Namespace) -> Iterator[list]:
    """Attacks, each (tissue, place, attacker), in groups whose places lie far apart; tissues and attackers in turn."""
    chosen = [sites[i % len(sites)] for i in range(options.attacks)]
    left = [(tissue, at, attackers[i % len(attackers)]) for i, (tissue, at) in enumerate(chosen)]
    while left:
        group: list = []
        for attack in list(left):
            if all(np.linalg.norm((np.array(attack[1]) - other[1]) * spacing) >= FAR_MM for other in group):
                group.append(attack)
                left.remove(attack)
        yield group


def judge_group(base, action: str, group: list, ways: Sequence[str], results: Results) -> None:
    tampered, boxes = base, []
    for _, at, name in group:
        attacker = loaded(name)
        tampered = attacker.tamper(tampered, at)
        boxes.append(attacker.touched(at, base.spacing).inside(base.shape).slices())
    much = np.abs(tampered.hu.astype(np.int32) - base.hu) >= MUCH_HU
    for way in ways:
        seen = examined(tampered, key_of(0), way)
        for (tissue, _, name), box in zip(group, boxes, strict=True):
            here = np.zeros(base.shape, bool)
            here[box] = much[box]
            bins = in_bins(here, seen.grid) if seen is not None else None
            found = bool(bins is not None and seen.missing[bins].any())
            score = float(seen.score[bins].max(initial=-99.0)) if bins is not None else -99.0
            diameter = (6 / np.pi * np.count_nonzero(here) * np.prod(base.spacing)) ** (1 / 3)
            slice_mm = base.spacing[0]
            results.attacks.append(
                Attack(base.name, slice_mm, tissue, name, action, way, float(diameter), found, max(-99.0, score))
            )


@cache
def loaded(name: str):
    from napari_mits_gan.attack.attackers import load_attacker

    return load_attacker(name, "cpu")


def in_bins(voxels: NDArray[np.bool_], grid) -> NDArray[np.bool_]:
    """Bins that hold any of these voxels."""
    part = voxels[grid.part].astype(np.float32)
    out = np.zeros(grid.shape, bool)
    for n, plane in enumerate(part):
        out[n // grid.size[0]] |= grid.in_plane(plane) > 0
    return out


def examined(volume, key, way: str):
    from napari_mits_gan.evaluation.robustness.purifiers import purify
    from napari_mits_gan.evidence.mark.detect import examine_mark

    return examine_mark(volume if way == "untouched" else purify(volume, way), key)


def judge_untouched(scan, number: int, ways: Sequence[str], litres: float, results: Results) -> None:
    from napari_mits_gan.evidence.mark.embed import embed_mark

    volume = embed_mark(scan, key_of(number), number=number)
    results.untouched += [untouched(volume, number, way, litres) for way in ways]


def untouched(volume, number: int, way: str, litres: float) -> Untouched:
    seen = examined(volume, key_of(number), way)
    if seen is None:
        return Untouched(volume.name, way, number, litres, 0, 0.0, 0.0)
    places = int(ndimage.label(seen.missing, np.ones((3, 3, 3)))[1])
    return Untouched(volume.name, way, number, litres, places, float(seen.score.max()), seen.found.sureness)


def change(scan, marked, lung: NDArray[np.bool_]) -> Change:
    from napari_mits_gan.ct.anatomy import body_mask

    difference = marked.hu.astype(np.float32) - scan.hu
    ny, nx = (max(1, round(10 / s)) for s in scan.spacing[1:])
    means = ndimage.uniform_filter(difference, (0, ny, nx))
    quiet = scan.hu.astype(np.float32) - ndimage.gaussian_filter(scan.hu.astype(np.float32), (0, 2, 2))
    return Change(
        scan.name,
        float(np.sqrt(np.mean(difference[lung] ** 2))),
        float(np.sqrt(np.mean(difference[body_mask(scan)] ** 2))),
        int(np.abs(difference).max()),
        float(1.4826 * np.median(np.abs(quiet[lung]))),
        float(np.percentile(np.abs(means[lung]), 99)),
        100 * float((marked.hu[lung] < -950).mean() - (scan.hu[lung] < -950).mean()),
    )


def speed(scan, cores: int) -> str:
    """Time and memory for 300 slices of 512 x 512, made of the scan's own."""
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.evidence.mark.detect import examine_mark
    from napari_mits_gan.evidence.mark.embed import embed_mark

    ny, nx = (min(512, n) for n in scan.shape[1:])
    part = scan.hu[:, :ny, :nx]
    part = np.pad(part, ((0, 0), (0, 512 - ny), (0, 512 - nx)), mode="edge")
    hu = np.concatenate([part, part[::-1], part])[:300]
    hu = np.pad(hu, ((0, 300 - len(hu)), (0, 0), (0, 0)), mode="wrap")
    volume = CTVolume(np.ascontiguousarray(hu), (1.25, *scan.spacing[1:]))
    rows = [f"300 x 512 x 512, {cores} cores, beyond the volume itself.\n", "| | seconds | MiB |", "|---|---:|---:|"]

    def measured(name: str, work: Callable):
        before = resident_bytes()
        forget_peak()
        start = time.perf_counter()
        result = work()
        took = time.perf_counter() - start
        rows.append(f"| {name} | {took:.1f} | {max(0, peak_bytes() - before) / MIB:.0f} |")
        return result

    marked = measured("mark a scan", lambda: embed_mark(volume, key_of(1)))
    measured("find where the mark is missing", lambda: examine_mark(marked, key_of(1)))
    measured("look for a mark that is not there", lambda: examine_mark(marked, key_of(2)))
    return "\n".join(rows)


def document(results: Results) -> str:
    parts = ["# What the mark finds\n", "Measured by `python -m benchmarks.mark`; shares with 95 % intervals."]
    if results.changes:
        parts += ["## What it costs\n", costs(results.changes)]
    if results.attacks:
        parts += ["## Attacks found, by what was done to the whole scan afterwards\n", attacks_table(results.attacks)]
        parts += ["## By tissue, slice thickness and attacker, all filters together\n", split_table(results.attacks)]
    if results.untouched:
        parts += ["## False alarms\n", alarms(results.untouched)]
    if results.speed:
        parts += ["## Time and memory\n", results.speed]
    return "\n\n".join(parts)


def costs(changes: Sequence[Change]) -> str:
    from napari_mits_gan.evaluation.reports.table import Table

    rows = [
        ("RMS in the lungs, HU", *(f"{c.lungs_rms_hu:.1f}" for c in changes)),
        ("RMS in the body, HU", *(f"{c.body_rms_hu:.1f}" for c in changes)),
        ("largest change, HU", *(str(c.largest_hu) for c in changes)),
        ("noise of the lungs themselves, HU", *(f"{c.noise_hu:.0f}" for c in changes)),
        ("change of 10 mm means, 99th percentile, HU", *(f"{c.mean_hu:.2f}" for c in changes)),
        ("change of LAA-950, percentage points", *(f"{c.laa_points:+.2f}" for c in changes)),
    ]
    return Table(("", *(c.scan for c in changes)), tuple(rows)).markdown()


KINDS: dict[str, Callable[[Attack], bool]] = {
    "removals, CT-GAN": lambda a: a.attacker in EQUALISED["remove"],
    "removals, copied lung": lambda a: a.attacker in OTHERS["remove"],
    "injections of 8 mm or more, CT-GAN": lambda a: a.attacker in EQUALISED["inject"] and a.diameter_mm >= 8,
    "smaller injections, CT-GAN": lambda a: a.attacker in EQUALISED["inject"] and a.diameter_mm < 8,
    "injections of 8 mm or more, no equalisation": lambda a: a.attacker == "inject-fixed-window" and a.diameter_mm >= 8,
    "injections of 8 mm or more, copied": lambda a: a.attacker == "inject-copy-paste" and a.diameter_mm >= 8,
    "drawn nodules, added to the scan's own noise": lambda a: a.attacker == ADDED,
}


def attacks_table(attacks: Sequence[Attack]) -> str:
    from napari_mits_gan.evaluation.reports.table import Table

    ways = [way for way in WAYS if any(a.way == way for a in attacks)]
    rows = []
    for name, belongs in KINDS.items():
        cells = [share([a for a in attacks if belongs(a) and a.way == way]) for way in ways]
        rows.append((name, *cells))
    return Table(("found", *ways), tuple(rows)).markdown()


def split_table(attacks: Sequence[Attack]) -> str:
    from napari_mits_gan.evaluation.reports.table import Table

    chosen = [a for a in attacks if a.attacker != ADDED and (a.action == "remove" or a.diameter_mm >= 8)]
    splits: dict[str, Callable[[Attack], str]] = {
        "": lambda a: a.tissue,
        "slices of ": lambda a: f"{a.slice_mm:g} mm ({a.scan})",
        "attacker ": lambda a: a.attacker,
    }
    rows = []
    for words, key in splits.items():
        for value in dict.fromkeys(map(key, chosen)):
            here = [a for a in chosen if key(a) == value]
            cells = (share([a for a in here if a.action == action]) for action in ("remove", "inject"))
            rows.append((f"{words}{value}", *cells))
    return Table(("found", "removals", "injections of 8 mm or more"), tuple(rows)).markdown()


def share(attacks: Sequence[Attack]) -> str:
    from napari_mits_gan.evaluation.measures.intervals import Proportion

    return str(Proportion.among(a.found for a in attacks))


def alarms(untouched_: Sequence[Untouched]) -> str:
    from napari_mits_gan.evaluation.reports.table import Table
    from napari_mits_gan.evidence.mark.detect import THRESHOLD

    rows = []
    for way in [*WAYS, None]:
        here = [u for u in untouched_ if way in (None, u.way)]
        if not here:
            continue
        worth = sum(u.litres for u in here) / LITRES
        alarmed = sum(u.places > 0 for u in here)
        high = stats.chi2.ppf(0.95, 2 * (alarmed + 1)) / 2 / worth * 100
        fitted = stats.gumbel_r.sf(THRESHOLD, *stats.gumbel_r.fit([u.highest for u in here])) if len(here) > 9 else None
        rows.append(
            (
                way or "all",
                str(len(here)),
                f"{worth:.0f}",
                str(alarmed),
                f"{100 * alarmed / worth:.1f} (at most {high:.1f})",
                str(sum(u.sureness == 0 for u in here)),
                f"{max(u.highest for u in here):.1f}",
                "–" if fitted is None else f"{100 * fitted * len(here) / worth:.1f}",
            )
        )
    header = (
        "",
        "marked scans",
        "scans' worth of lung",
        "with a false alarm",
        "for 100 scans' worth (95 % limit)",
        "mark not found",
        "highest score",
        "for 100 scans' worth, by a Gumbel fit of the highest scores",
    )
    return Table(header, tuple(rows)).markdown()


if __name__ == "__main__":
    main()
