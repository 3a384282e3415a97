"""What an inspection finds and how often it errs, on scans kept out of training, as the tables of docs/inspect.md.

python -m benchmarks.inspection measure --records inspection.jsonl
python -m benchmarks.inspection report --records inspection.jsonl --into docs/inspect.md

Measuring appends a line for each inspection to a file of records and goes on where it ended, so it can be done in
parts (--most, --kinds). Attacks are made on the untouched scan, several at a time where they lie far apart, and each
is judged by itself: it is found where a finding lies within 3 mm of the voxel that was clicked.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.in_painters import Autoregression, Interpolation, MirroredBox
from benchmarks.inspection_report import REGION_MM, tails, write_into
from benchmarks.measure import MIB, cpu_seconds, forget_peak, limit_cores, peak_bytes, resident_bytes
from benchmarks.scans import add_scans, chosen_paths
from napari_mits_gan.ct.volume import CTVolume

if TYPE_CHECKING:
    from napari_mits_gan.inspection.contract import Method

FAR_MM, CUBIC_FAR_MM = 60.0, 110.0
"""Least distance of two attacks in one scan; the published mode reaches further across slices."""
CHANGED_HU = 3
MIRRORED = ((False, False), (False, True), (True, False), (True, True))
"""Whether CT-GAN's fixed spot is mirrored, along rows and columns."""
TREATMENTS = ("protected", "sealed", "thick slices", "noise-10", "resample-1mm", "jpeg2000-5", "blur-0.5", "denoiser")
AFTER = ("jpeg2000-5", "noise-10", "resample-1mm", "blur-0.5")
SPOTS = 4
ELSEWHERE = (0.45, 0.5, 0.7)
"""A place in the other lung, in parts of the scan's shape."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("measure", "report", "tails", "speed"))
    add_scans(parser)
    parser.add_argument("--records", type=Path, default=Path("inspection.jsonl"), help="(default: %(default)s)")
    parser.add_argument("--into", type=Path, default=Path("docs/inspect.md"), help="(default: %(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=tuple(KINDS), default=list(KINDS), help="(default: all)")
    parser.add_argument("--only", nargs="+", help="only attackers and kinds of scans named like these")
    parser.add_argument("--sites", type=int, default=6, help="attacked at once where they lie apart (default: 6)")
    parser.add_argument("--most", type=int, default=sys.maxsize, metavar="N", help="measure no more than N lines")
    parser.add_argument("--methods", nargs="+", help="measure these methods only, by name; the report joins them")
    parser.add_argument("--cores", type=int, default=2, help="(default: 2)")
    options = parser.parse_args()
    limit_cores(options.cores)
    if options.task == "measure":
        measure(options)
    elif options.task == "tails":
        print(tails(joined(read_records(options.records))))
    elif options.task == "speed":
        print(speed(chosen_paths(options)[0], options.cores))
    else:
        write_into(options.into, joined(read_records(options.records)))


@dataclass(frozen=True)
class Scan:
    """A scan, with what is told of it in the records."""

    name: str
    volume: CTVolume
    sites: int
    methods: tuple[Method, ...]


def measure(options: argparse.Namespace) -> None:
    from napari_mits_gan.ct.read import read_ct

    done = 0
    known = {record["key"] for record in read_records(options.records)}
    methods = chosen_methods(options.methods)
    suffix = f" [{', '.join(options.methods)}]" if options.methods else ""
    for path in chosen_paths(options):
        name = path.name.removesuffix(".gz").removesuffix(".nii")
        scan: Scan | None = None
        for kind in options.kinds:
            for bare_key, work in KINDS[kind](name):
                key = bare_key + suffix
                if key in known or (options.only and not any(part in key for part in options.only)):
                    continue
                if done >= options.most:
                    return
                scan = scan or Scan(name, replace(read_ct(path), source=None), options.sites, methods)
                print(key, file=sys.stderr, flush=True)
                record = {"key": key, "scan": name, "kind": kind, **work(scan)}
                with options.records.open("a") as stream:
                    stream.write(json.dumps(record) + "\n")
                done += 1


def read_records(path: Path) -> list[dict[str, Any]]:
    """Each line of the file, the last one where a line was measured twice."""
    lines = path.read_text().splitlines() if path.exists() else []
    return list({record["key"]: record for record in map(json.loads, lines)}.values())


def chosen_methods(names: Sequence[str] | None) -> tuple[Method, ...]:
    from napari_mits_gan.inspection.inspect import METHODS

    by_name = {method.name: method for method in METHODS}
    if unknown := set(names or ()) - set(by_name):
        sys.exit(f"there is no method {', '.join(unknown)}; choose of {', '.join(by_name)}")
    return tuple(by_name[name] for name in names) if names else METHODS


def joined(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One record for each inspection, where its methods were measured one after the other, the last time counting."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        key, _, names = record["key"].removesuffix("]").partition(" [")
        if key not in found:
            found[key] = {**record, "key": key}
        elif "sites" in record:
            first, again = found[key], names.split(", ")
            before = [[f for f in site if f[0] not in again] for site in (*first["sites"], first["others"])]
            *sites, others = (
                one + more for one, more in zip(before, (*record["sites"], record["others"]), strict=True)
            )
            found[key] = {**first, "sites": sites, "others": others}
        else:
            found[key] = {**found[key], "scores": {**found[key]["scores"], **record["scores"]}}
    return list(found.values())


def inspected(
    volume: CTVolume, methods: Sequence[Method], at: Sequence[Any], before: CTVolume | None = None
) -> dict[str, Any]:
    """What is found near each of the sites attacked, and elsewhere; and how well it covers what was changed."""
    from napari_mits_gan.inspection.inspect import FALSE_ALARMS_PER_SCAN, inspect

    began = time.perf_counter()
    inspection = inspect(volume, false_alarms_per_scan=1.0, methods=methods)
    seconds = time.perf_counter() - began
    found = inspection.findings
    told = []
    rest = list(found)
    for site in at:
        # A copy is told with both of its ends, where it cannot be known which one was there first.
        ends = {f: [end for end in (f.at, f.source) if end is not None] for f in found}
        away = {f: min(away_mm(volume, end, site) for end in ends[f]) for f in found}
        near = [f for f in found if away[f] <= REGION_MM]
        told.append([[f.method, f.score, f.false_alarms_per_scan, away[f]] for f in near])
        rest = [f for f in rest if f not in near]
    others = [[f.method, f.score, f.false_alarms_per_scan] for f in rest]
    record = {"sites": told, "others": others, "seconds": seconds}
    if before is not None:
        rare = tuple(f for f in found if f.false_alarms_per_scan <= FALSE_ALARMS_PER_SCAN)
        balls = tuple(replace(f, outline=None) for f in rare)
        changed = np.abs(volume.hu.astype(np.int32) - before.hu) > CHANGED_HU
        for name, shown in (("outlines", rare), ("balls", balls)):
            covered = replace(inspection, findings=shown).evidence() > 0
            counts = [int(np.count_nonzero(mask)) for mask in (covered & changed, covered, changed)]
            record[f"{name}: right, covered, changed"] = counts
    return record


def away_mm(volume: CTVolume, one: Sequence[int], other: Sequence[int]) -> float:
    return float(np.linalg.norm((np.array(one) - other) * volume.spacing))


def highest(volume: CTVolume, methods: Sequence[Method]) -> dict[str, Any]:
    """The highest score of each method in an untouched scan; of the fixed spot, also with the spot mirrored.

    To flip a scan is to mirror the spot: other noise is compared with the same lungs. The other methods see the same
    in a flipped scan.
    """
    from napari_mits_gan.inspection.examined_scan import ExaminedScan
    from napari_mits_gan.inspection.fixed_spot import FixedSpot

    began = time.perf_counter()
    scan = ExaminedScan.of(volume)
    told = {}
    for method in methods:
        if isinstance(method, FixedSpot):
            z, y, x = method.source(scan)
            _, rows, columns = volume.shape
            scores = [
                FixedSpot((z, rows - 1 - y if down else y, columns - 1 - x if across else x)).highest(scan)
                for down, across in MIRRORED
            ]
        else:
            scores = [method.highest(scan)]
        told[method.name] = [score for score in scores if score is not None]
    return {"scores": told, "seconds": time.perf_counter() - began}


def untouched(name: str) -> Iterator[tuple[str, Callable[[Scan], dict[str, Any]]]]:
    yield f"untouched/{name}/as it is", lambda scan: {"class": "as it is", **highest(scan.volume, scan.methods)}


def other_spots(name: str) -> Iterator[tuple[str, Callable[[Scan], dict[str, Any]]]]:
    """The fixed spot put to other places of the lungs, where nothing was ever copied from."""
    for number in range(SPOTS):

        def work(scan: Scan, number: int = number) -> dict[str, Any]:
            from napari_mits_gan.ct.anatomy import lung_mask
            from napari_mits_gan.inspection.examined_scan import ExaminedScan
            from napari_mits_gan.inspection.fixed_spot import FixedSpot

            examined = ExaminedScan.of(scan.volume)
            places = np.argwhere(lung_mask(scan.volume)[::2, ::4, ::4]) * (2, 4, 4)
            scores = []
            for at in places[np.random.default_rng(number).choice(len(places), 2, replace=False)]:
                score = FixedSpot(tuple(int(v) for v in at)).highest(examined)
                if score is not None:
                    scores.append(score)
            return {"class": "other spots", "scores": {FixedSpot.name: scores}}

        yield f"spots/{name}/{number}", work


def treated(name: str) -> Iterator[tuple[str, Callable[[Scan], dict[str, Any]]]]:
    for treatment in TREATMENTS:

        def work(scan: Scan, treatment: str = treatment) -> dict[str, Any]:
            return {"class": treatment, **highest(treat(scan.volume, treatment), scan.methods)}

        yield f"treated/{name}/{treatment}", work


def halves(name: str) -> Iterator[tuple[str, Callable[[Scan], dict[str, Any]]]]:
    """The scan cut in two between slices, each half a scan with another fixed spot and other lung around."""
    for half in ("lower", "upper"):

        def work(scan: Scan, half: str = half) -> dict[str, Any]:
            middle = scan.volume.shape[0] // 2
            z = slice(0, middle) if half == "lower" else slice(middle, None)
            padding = None if scan.volume.padding is None else scan.volume.padding[z]
            part = CTVolume(scan.volume.hu[z], scan.volume.spacing, padding=padding, name=scan.volume.name)
            return {"class": "half a scan", **highest(part, scan.methods)}

        yield f"halves/{name}/{half}", work


def treat(volume: CTVolume, treatment: str) -> CTVolume:
    from napari_mits_gan.evaluation.robustness.purifiers import purify
    from napari_mits_gan.evidence.key import SealKey
    from napari_mits_gan.evidence.seal import seal
    from napari_mits_gan.protection.protect import protect

    if treatment == "protected":
        return protect(volume)
    if treatment == "sealed":
        return seal(volume, SealKey(bytes(range(32))), bits=2)
    if treatment == "thick slices":
        return volume.coarsen((2, 1, 1))
    return purify(volume, treatment)


@dataclass(frozen=True)
class Attack:
    """An attacker as it is told of in the tables."""

    family: str
    name: str
    make: Callable[[], Any]
    far_mm: float = FAR_MM
    scans: int = 1
    alone: bool = False
    spot: tuple[float, float, float] | None = None


def attacks() -> list[Attack]:
    from napari_mits_gan.attack.attackers import load_attacker
    from napari_mits_gan.attack.ctgan.attacker import CTGAN
    from napari_mits_gan.attack.ctgan.pipeline import REFERENCE

    def published(which: str) -> Callable[[], Any]:
        return lambda: CTGAN.load(which, "cpu", mode=REFERENCE)

    def named(which: str) -> Callable[[], Any]:
        return lambda: load_attacker(which, "cpu")

    others = ("inject-other-seed", "inject-small-core", "inject-fixed-window", "remove-small-core")
    return [
        Attack("CT-GAN", "remove, published mode", published("remove"), CUBIC_FAR_MM, 2),
        Attack("CT-GAN", "remove, mended mode", named("remove"), scans=2),
        Attack("CT-GAN", "inject, published mode", published("inject"), CUBIC_FAR_MM, 3),
        Attack("CT-GAN", "inject, mended mode", named("inject"), scans=3),
        *(Attack("other CT-GANs", name, named(name)) for name in others),
        # Several copies of one source in a scan would be found by each other, so each has a scan for itself.
        Attack("CT-GAN, noise from elsewhere", "remove", named("remove"), scans=3, alone=True, spot=ELSEWHERE),
        Attack("CT-GAN, noise from elsewhere", "inject", named("inject"), scans=3, alone=True, spot=ELSEWHERE),
        Attack("copy and paste", "inject-copy-paste", named("inject-copy-paste"), scans=3, alone=True),
        Attack("copy and paste", "remove-copy-paste", named("remove-copy-paste"), scans=3, alone=True),
        Attack("drawn nodule", "inject-drawn-nodule", named("inject-drawn-nodule")),
        Attack("smooth in-painting", "remove by interpolation", Interpolation),
        Attack("autoregression", "remove by autoregression", Autoregression),
        Attack("pasted box", "remove by a mirrored box", MirroredBox),
    ]


def attacked(name: str) -> Iterator[tuple[str, Callable[[Scan], dict[str, Any]]]]:
    for attack in attacks():
        for number in range(attack.scans):

            def work(scan: Scan, attack: Attack = attack, number: int = number) -> dict[str, Any]:
                volume, sites, before = one_group(scan, attack, number)
                return {"family": attack.family, "name": attack.name, **inspected(volume, scan.methods, sites, before)}

            yield f"attacked/{name}/{attack.name} ({attack.family})/{number}", work


def laundered(name: str) -> Iterator[tuple[str, Callable[[Scan], dict[str, Any]]]]:
    """The mended attacks after what may happen to a scan on its way."""
    for attack in (a for a in attacks() if a.family == "CT-GAN" and "mended" in a.name):
        for treatment in AFTER:

            def work(scan: Scan, attack: Attack = attack, treatment: str = treatment) -> dict[str, Any]:
                volume, sites, _ = one_group(scan, attack, 0)
                return {
                    "family": f"CT-GAN, then {treatment}",
                    "name": attack.name,
                    **inspected(treat(volume, treatment), scan.methods, sites),
                }

            yield f"laundered/{name}/{attack.name}/{treatment}", work


KINDS: dict[str, Callable[[str], Iterator[tuple[str, Callable[[Scan], dict[str, Any]]]]]] = {
    "attacked": attacked,
    "untouched": untouched,
    "halves": halves,
    "spots": other_spots,
    "treated": treated,
    "laundered": laundered,
}


@contextmanager
def noise_from(spot: tuple[float, float, float] | None) -> Iterator[None]:
    """Let CT-GAN copy its noise from another place, in parts of the scan's shape."""
    from napari_mits_gan.attack.ctgan import pipeline

    usual = pipeline.noise_spot
    if spot is not None:
        pipeline.noise_spot = lambda shape: tuple(int(n * part) for n, part in zip(shape, spot, strict=True))
    try:
        yield
    finally:
        pipeline.noise_spot = usual


def one_group(scan: Scan, attack: Attack, number: int) -> tuple[CTVolume, list[Any], CTVolume]:
    """The scan with some attacks far apart, where, and the scan before; removals have nodules drawn there first."""
    from napari_mits_gan.attack.ctgan.touch_up import noise_spot
    from napari_mits_gan.attack.nodules.in_scan import implant_in_scan
    from napari_mits_gan.attack.nodules.rules import random_nodule
    from napari_mits_gan.detection.sites import injection_sites

    rng = np.random.default_rng(number)
    volume, spot = scan.volume, noise_spot(scan.volume.shape)
    group: list[Any] = []
    for site in injection_sites(volume, 6 * scan.sites, seed=number):
        apart = all(away_mm(volume, site.at, other) >= attack.far_mm for other in group)
        if apart and away_mm(volume, site.at, spot) >= FAR_MM / 2 and len(group) < (1 if attack.alone else scan.sites):
            group.append(site.at)
    attacker = attack.make()
    if attacker.action == "remove":
        for at in group:
            volume = replace(implant_in_scan(volume, random_nodule(rng, (6, 18)), at), history=())
    before = volume
    with noise_from(attack.spot):
        for at in group:
            volume = attacker.tamper(volume, at)
    return volume, group, before


def speed(path: Path, cores: int) -> str:
    from scipy import ndimage

    from napari_mits_gan.ct.read import read_ct
    from napari_mits_gan.inspection.inspect import inspect

    scan = read_ct(path)
    index = np.round(np.linspace(0, scan.shape[0] - 1, 300)).astype(int)
    hu = scan.hu[index]
    if hu.shape[1:] != (512, 512):
        hu = ndimage.zoom(hu, (1, *(512 / n for n in hu.shape[1:])), order=1)
    rng = np.random.default_rng(0)  # slices that occur twice shall not have the same noise
    hu = (hu + rng.normal(0, 8, hu.shape)).astype(np.int16)
    padding = None if scan.padding is None else scan.padding[index]
    spacing = (scan.spacing[0] * scan.shape[0] / 300, *scan.spacing[1:])
    volume = CTVolume(hu, spacing, padding=padding if padding is None or padding.shape == hu.shape else None)
    before = resident_bytes()
    forget_peak()
    seconds, computed = cpu_seconds(lambda: inspect(volume))
    return (
        f"300 x 512 x 512 on {cores} cores: {seconds:.1f} s, {computed:.1f} s of processor time, "
        f"{(peak_bytes() - before) / MIB:.0f} MiB beyond the volume"
    )


if __name__ == "__main__":
    main()
