"""How well the detector tells nodules from healthy lung on scans kept out of its training; prints Markdown.

python -m benchmarks.detector
python -m benchmarks.detector --scans some/series --sites 20

Nodules are drawn at random healthy sites of the lungs, by the rule that the attackers learned from and by the
detector's own; "found" are those that reach its threshold. The same weights, scans and options give the same text, up
to the last digits of another processor.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from benchmarks.measure import limit_cores
from benchmarks.scans import add_scans, chosen_paths

MIDDLE = (23.7, 23.7, 23.7)
"""Where the site lies in a cut cube of 48 mm: between the voxels 23 and 24."""
LEAST_SEEN = 0.5
"""A nodule of which less is to be seen, drawn into a vessel or a wall, is counted apart."""
DIAMETERS_MM = ((4.0, 6.0), (6.0, 10.0), (10.0, 20.0), (20.0, 30.0))
SLICE_MM = 5.0
NOISE_HU = 40.0
NOISE_GRAIN = 0.7
"""Standard deviation, in voxels of 1 mm, of the blur that gives the added noise its grain."""

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Scan:
    """A held-out scan: cubes of healthy lung, shape (n, 48, 48, 48), HU at 1 mm, and its real nodules' scores."""

    name: str
    slice_mm: float
    healthy: np.ndarray
    real: tuple[tuple[float, float], ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--sites", type=int, default=130, help="in each scan (default: 130)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--detector", type=Path, help="weights (default: the shipped ones)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--cores", type=int, help="(default: all)")
    options = parser.parse_args()

    if options.cores:
        limit_cores(options.cores)
    from napari_mits_gan.detection.detector import NoduleDetector

    detector = NoduleDetector.load(options.detector, options.device)
    scans = [held_out(path, detector, options.sites, options.seed) for path in chosen_paths(options)]
    print("\n".join(["", *table(scans, detector, options.seed)]))
    print(f"\nWeights: {detector.name}, threshold {detector.threshold:g}. Seed {options.seed}.")


def held_out(path: Path, detector, sites: int, seed: int) -> Scan:
    """Read a scan and cut cubes of its lungs, away from the nodules that a file beside it lists."""
    from napari_mits_gan.attack.resample import cut_at_1mm
    from napari_mits_gan.ct.annotations import nodules_beside
    from napari_mits_gan.ct.read import read_ct
    from napari_mits_gan.detection.network import CUBE_MM
    from napari_mits_gan.evaluation.sites.healthy_lung import healthy_lung_sites

    volume = replace(read_ct(path), name=path.name.removesuffix(".gz").removesuffix(".nii"))
    nodules = nodules_beside(path, volume)
    at = healthy_lung_sites(volume, sites, seed, annotated=nodules)
    cubes = np.stack([cut_at_1mm(volume, np.array(one), CUBE_MM) for one in at]).astype(np.float32)
    found = []
    for nodule in nodules:
        z, y, x = (round(c) for c in nodule.at)
        found.append((nodule.diameter_mm, float(detector.scores(volume, [(z, y, x)])[0])))
    print(f"{volume.name}: {len(cubes)} healthy sites, {len(found)} real nodule(s)", file=sys.stderr)
    return Scan(volume.name, volume.spacing[0], cubes, tuple(found))


def by_attackers_rule(cube: np.ndarray, rng: np.random.Generator, slice_mm: float) -> tuple[np.ndarray, float]:
    """A cube with a nodule such as the attackers learned from, and which part of it is to be seen."""
    from napari_mits_gan.attack.nodules.implant import implant_nodule
    from napari_mits_gan.attack.nodules.rules import random_nodule

    drawn = implant_nodule(cube, random_nodule(rng), MIDDLE)
    near = np.linalg.norm(np.indices(cube.shape) - np.reshape(MIDDLE, (3, 1, 1, 1)), axis=0) < 3
    return drawn, float(((drawn - cube)[near] > 120).mean())


def by_own_rule(
    cube: np.ndarray,
    rng: np.random.Generator,
    slice_mm: float,
    diameter_mm: tuple[float, float] | None = None,
) -> tuple[np.ndarray, float]:
    """A cube with a nodule such as the detector learned from, and which part of it is to be seen.

    Within `diameter_mm`, where that is given, every diameter is as likely; ground-glass ones measure 6 mm at least.
    """
    from napari_mits_gan.detection.drawn_nodules import draw_into, random_drawn_nodule

    nodule = random_drawn_nodule(rng, slice_mm=slice_mm)
    if diameter_mm is not None:
        low, high = diameter_mm
        least = low if nodule.kind == "solid" else min(max(low, 6.0), high)
        nodule = replace(nodule, diameter_mm=float(rng.uniform(least, high)))
    return draw_into(cube, nodule, MIDDLE)


def in_slices(cube: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from napari_mits_gan.detection.augmentation import in_thick_slices

    return in_thick_slices(cube, SLICE_MM, rng.random())


def with_noise(cube: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    field = ndimage.gaussian_filter(rng.standard_normal(cube.shape, dtype=np.float32), NOISE_GRAIN)
    return cube + field * (NOISE_HU / field.std())


def table(scans: list[Scan], detector, seed: int) -> list[str]:
    """The rows in Markdown."""
    from napari_mits_gan.evaluation.measures.intervals import Proportion

    def scored(cubes: list[np.ndarray]) -> np.ndarray:
        return detector.score_cubes(np.stack(cubes)) if cubes else np.zeros(0)

    def found(scores: np.ndarray) -> str:
        return str(Proportion.among(scores >= detector.threshold))

    def drawn(rule, stream: int, change: Change | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Scores of the nodules of which enough is to be seen, and of the others."""
        rng = np.random.default_rng([seed, stream])
        clear, hidden = [], []
        for scan in scans:
            for cube in scan.healthy:
                with_nodule, seen = rule(cube, rng, scan.slice_mm)
                (clear if seen > LEAST_SEEN else hidden).append(change(with_nodule, rng) if change else with_nodule)
        return scored(clear), scored(hidden)

    def healthy(change: Change | None, stream: int) -> np.ndarray:
        rng = np.random.default_rng([seed, stream])
        return scored([change(cube, rng) if change else cube for scan in scans for cube in scan.healthy])

    without = healthy(None, 0)
    rows = ["| held out | AUC | found (95 % interval) |", "| --- | ---: | ---: |"]

    def add(what: str, area: float | None, answer: str) -> None:
        rows.append(f"| {what} | {'' if area is None else f'{area:.3f}'} | {answer} |")
        print(f"{len(rows) - 2}: {what}", file=sys.stderr, flush=True)

    for stream, (what, rule) in enumerate(
        (("attackers'", by_attackers_rule), ("detector's own", by_own_rule)), start=1
    ):
        clear, hidden = drawn(rule, stream)
        add(f"nodules by the {what} rule", area_under_curve(clear, without), found(clear))
        if hidden.size:
            both = np.concatenate([clear, hidden])
            add("with those hardly to be seen", area_under_curve(both, without), found(both))
    for stream, (low, high) in enumerate(DIAMETERS_MM, start=10):
        clear, _ = drawn(lambda c, r, s, reach=(low, high): by_own_rule(c, r, s, reach), stream)
        add(f"its own rule, {low:g} to {high:g} mm", area_under_curve(clear, without), found(clear))
    first = 0
    for scan in scans:
        add(f"random sites of {scan.name}", None, found(without[first : first + len(scan.healthy)]))
        first += len(scan.healthy)
        for diameter, score in scan.real:
            add(f"the real nodule of {scan.name}, {diameter:.0f} mm", None, f"score {score:.3f}")
    for stream, (what, change) in enumerate(
        ((f"{SLICE_MM:g} mm slices imitated", in_slices), (f"noise of {NOISE_HU:g} HU added", with_noise)), start=20
    ):
        clear, _ = drawn(by_own_rule, stream, change)
        changed = healthy(change, stream + 10)
        add(f"{what}, its own rule", area_under_curve(clear, changed), found(clear))
        add(f"{what}, random sites", None, found(changed))
    return rows


def area_under_curve(positive: np.ndarray, negative: np.ndarray) -> float:
    """How often a nodule scores higher than a healthy site; ties count half."""
    above, equal = positive[:, None] > negative, positive[:, None] == negative
    return float(above.mean() + 0.5 * equal.mean())


if __name__ == "__main__":
    main()
