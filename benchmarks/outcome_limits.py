"""Measure how far attacks on unprotected scans range, and print the limits of `evaluation/outcomes/limits.py`.

python -m benchmarks.outcome_limits --sites 50 --scans LIDC-IDRI-0003.nii.gz LIDC-IDRI-0314.nii.gz

Give scans that no protection is evaluated on. Also printed is the proportion of attacks on each scan that limits from
the other scans would call conspicuous: the false alarms that a new scan has to expect.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.measure import limit_cores
from benchmarks.scans import add_scans, chosen_paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--sites", type=int, default=50, help="in each scan (default: 50)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--cores", type=int, help="(default: all)")
    parser.add_argument("--json", type=Path, help="also write all that was measured here")
    options = parser.parse_args()

    if options.cores:
        limit_cores(options.cores)
    from benchmarks.measures.outcome_calibration import calibrated, false_alarms, reference_features
    from napari_mits_gan.attack.attackers import load_attacker
    from napari_mits_gan.ct.annotations import nodules_beside
    from napari_mits_gan.ct.read import read_ct
    from napari_mits_gan.detection.detector import NoduleDetector

    injector, remover = (load_attacker(action, options.device) for action in ("inject", "remove"))
    detector = NoduleDetector.load(device=options.device)
    found = {}
    for path in chosen_paths(options):
        volume = replace(read_ct(path), name=path.name.removesuffix(".gz").removesuffix(".nii"))
        found[volume.name] = reference_features(
            volume,
            injector,
            remover,
            detector,
            n=options.sites,
            seed=options.seed,
            annotated=nodules_beside(path, volume),
        )
        one = found[volume.name]
        print(f"{volume.name}: {len(one.injected)} injected, {len(one.removed)} removed, {len(one.drawn)} drawn")
        if options.json:
            options.json.write_text(json.dumps({name: asdict(r) for name, r in found.items()}), encoding="utf-8")
    everything = list(found.values())
    injection, removal = calibrated(everything)
    for name, limits, attacks in (
        ("INJECTION_LIMITS", injection, [t for one in everything for t in one.injected]),
        ("REMOVAL_LIMITS", removal, [t for one in everything for t in one.removed]),
    ):
        print(f"\n{name} = {{")
        for feature, (low, high) in limits.items():
            print(f'    "{feature}": ({_shown(low)}, {_shown(high)}),')
        print(f"}}  # called conspicuous of these attacks themselves: {100 * false_alarms(attacks, limits):.1f} %")
    for name, one in found.items() if len(found) > 1 else ():
        injection, removal = calibrated([other for other in everything if other is not one])
        alarms = (100 * false_alarms(one.injected, injection), 100 * false_alarms(one.removed, removal))
        print(f"{name}, limits from the others: injections {alarms[0]:.0f} %, removals {alarms[1]:.0f} %")


def _shown(limit: float) -> str:
    return {float("inf"): "math.inf", float("-inf"): "-math.inf"}.get(limit, f"{limit:.4g}")


if __name__ == "__main__":
    main()
