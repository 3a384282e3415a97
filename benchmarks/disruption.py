"""How far the protection disrupts attacks on scans kept out of training; writes docs/results.md.

python benchmarks/disruption.py
python benchmarks/disruption.py --budgets 20 --clicks 5 --out results.md --json results.json

At each budget: random places in the lungs that the protection does not know, attack(protected) against
attack(original), beside controls of the same RMS. The same weights, scans and options give the same text, up to the
last digits of another processor.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from measure import limit_cores
from scans import add_scans, chosen_scans

from napari_mits_gan.detection.detector import NoduleDetector
from napari_mits_gan.evaluation.controls import CONTROLS
from napari_mits_gan.evaluation.evaluate import evaluate, load_attackers
from napari_mits_gan.evaluation.report import LEGEND, markdown, summary_table
from napari_mits_gan.evaluation.result import Evaluation, pool

REPOSITORY = Path(__file__).resolve().parents[1]

HEAD = """\
# Results

Written by `python benchmarks/disruption.py`; do not edit. Places are drawn at random in the lungs, and the protection
does not know them. Always attack(protected) against attack(original).
"""

HELD_OUT_SCANS = """\
The scans were not used in training attackers or protection: LIDC-IDRI (Armato et al., 2011) and RIDER Pilot, The Cancer
Imaging Archive, CC BY 3.0.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--method", default="mits-gan")
    parser.add_argument(
        "--budgets", type=int, nargs="+", default=(10, 20, 40), metavar="HU", help="(default: 10 20 40)"
    )
    parser.add_argument("--clicks", type=int, default=20, help="in each scan (default: 20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--attackers", nargs="+", default=("inject", "remove"), metavar="NAME", help="names or files")
    parser.add_argument("--controls", nargs="*", default=list(CONTROLS), help="(default: all)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--cores", type=int, help="(default: all)")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "results.md")
    parser.add_argument("--json", type=Path, help="also write every place's figures here")
    options = parser.parse_args()

    if options.cores:
        limit_cores(options.cores)
    volumes = chosen_scans(options)
    attackers = load_attackers(options.attackers, options.device)
    detector = NoduleDetector.load(device=options.device)
    found: dict[int, list[Evaluation]] = {}
    for budget in options.budgets:
        for volume in volumes:
            print(f"{budget} HU, {volume.name}", flush=True)
            one = evaluate(
                volume,
                method=options.method,
                max_change_hu=budget,
                clicks=options.clicks,
                seed=options.seed,
                device=options.device,
                controls=options.controls,
                attackers=attackers,
                detector=detector,
            )
            print(one.to_text(), flush=True)
            found.setdefault(budget, []).append(one)

    pooled = {budget: pool(parts) for budget, parts in found.items()}
    text = [HEAD] if options.scans else [HEAD, HELD_OUT_SCANS]
    text += [f"## All scans together\n\n{summary_table(list(pooled.values())).markdown()}\n", LEGEND + "\n"]
    for budget, parts in found.items():
        text.append(markdown(pooled[budget]))
        text += [markdown(part, heading="###") for part in parts]
    options.out.write_text("\n".join(text), encoding="utf-8")
    print(f"\n{summary_table(list(pooled.values())).plain_text()}\nwritten to {options.out.name}")
    if options.json:
        every = {str(budget): [json.loads(part.to_json()) for part in parts] for budget, parts in found.items()}
        options.json.write_text(json.dumps(every, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
