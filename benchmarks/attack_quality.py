"""How good the shipped attackers are, by an independent detector and by measurement; writes into docs/attack.md.

python -m benchmarks.attack_quality
python -m benchmarks.attack_quality --scans some/series --sites 6 --out quality.md

On scans kept out of training: injections at random sites in the lungs, removals of nodules drawn at the same sites
and of those that a file beside the scan lists (NAME_nodules.json or .csv). The tables stand between two markers in the
file; the rest of it stays. The same weights, scans and options give the same text, up to the last digits of another
processor.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.measure import limit_cores
from benchmarks.scans import add_scans, chosen_paths

REPOSITORY = Path(__file__).resolve().parents[1]
BEGIN = "<!-- attack quality: written by python -m benchmarks.attack_quality, do not edit -->"
END = "<!-- end of attack quality -->"
HEAD = "# How good the attackers are\n\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--sites", type=int, default=50, help="in each scan (default: 50)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--injector", default="inject", help="weights (default: the shipped ones)")
    parser.add_argument("--remover", default="remove", help="weights (default: the shipped ones)")
    parser.add_argument("--detector", type=Path, help="weights (default: the shipped ones)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--cores", type=int, help="(default: all)")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "attack.md")
    parser.add_argument("--json", type=Path, help="also write every attack's figures here")
    options = parser.parse_args()

    if options.cores:
        limit_cores(options.cores)
    from benchmarks.attack_quality_report import markdown
    from benchmarks.measures.attack_quality import attack_quality
    from napari_mits_gan.attack.attackers import load_attacker, load_differentiable
    from napari_mits_gan.ct.annotations import nodules_beside
    from napari_mits_gan.ct.read import read_ct
    from napari_mits_gan.detection.detector import NoduleDetector

    injector = load_differentiable(options.injector, options.device, action="inject")
    remover = load_attacker(options.remover, options.device, action="remove")
    detector = NoduleDetector.load(options.detector, options.device)
    found = []
    for path in chosen_paths(options):
        volume = replace(read_ct(path), name=path.name.removesuffix(".gz").removesuffix(".nii"))
        found.append(
            attack_quality(
                volume,
                injector,
                remover,
                detector,
                annotated=nodules_beside(path, volume),
                n=options.sites,
                seed=options.seed,
                progress=lambda done, total, name=volume.name: print(f"{name}: {done} of {total}", flush=True),
            )
        )
    text = markdown(found)
    put_between_markers(options.out, text)
    print(f"\n{text}\nwritten to {options.out.name}")
    if options.json:
        attacks = {
            one.scan: {
                kind: [asdict(attack) for attack in getattr(one, kind)]
                for kind in ("injected", "removed_drawn", "removed_real")
            }
            for one in found
        }
        options.json.write_text(json.dumps(attacks, indent=2), encoding="utf-8")


def put_between_markers(path: Path, text: str) -> None:
    """Write `text` between the markers in a file, or at its end where it has none yet."""
    whole = path.read_text(encoding="utf-8") if path.is_file() else HEAD
    before, _, rest = whole.partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before.rstrip()}\n\n{BEGIN}\n\n{text}\n{END}{after or chr(10)}", encoding="utf-8")


if __name__ == "__main__":
    main()
