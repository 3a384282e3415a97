"""What the seal finds, names, heals and costs, on scans kept out of training; writes docs/seal_results.md.

python -m benchmarks.seal
python -m benchmarks.seal --few --keep measured --out seal_results.md

Every measurement of each scan and strength is a stage of its own; with --keep its figures stay in a folder, so that a
run that was stopped goes on where it was (empty the folder after a change of the code). Attacks are made on the sealed
scan, several at a time where they lie so far apart that neither touches a block, nor what the detector sees, of
another; each is judged by itself.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import limit_cores
from benchmarks.scans import add_scans, chosen_paths
from benchmarks.seal_report import document
from benchmarks.seal_stages import BITS, STAGES, Case, Wanted, speed

REPOSITORY = Path(__file__).resolve().parents[1]
SPEED = "speed"
_FEW = Wanted(attacks=4, seed=0, slices=48, nodules=2, repeats=1)


def measured(path: Path, bits: int, wanted: Wanted, folder: Path, stages: Iterable[str]) -> None:
    """Run the stages of one scan at one strength that have no figures yet, each kept as soon as it is there."""
    torch.set_num_threads(1)
    case: Case | None = None
    for stage in stages:
        if kept(folder, path, bits, stage, wanted) is None:
            case = case or Case(path, bits, wanted, folder)
            print(f"{case.scan.name}, {bits} bit(s): {stage}", flush=True)
            keep(folder, path, bits, stage, wanted, STAGES[stage](case))


def kept(folder: Path, path: Path, bits: int, stage: str, wanted: Wanted) -> dict[str, Any] | None:
    """The figures of a stage, if it was run with the same options."""
    file = _file(folder, path, bits, stage)
    if not file.is_file():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    return found["figures"] if found["wanted"] == wanted.as_json() else None


def keep(folder: Path, path: Path, bits: int, stage: str, wanted: Wanted, figures: dict[str, Any]) -> None:
    """Write the figures of a stage, all or nothing."""
    file = _file(folder, path, bits, stage)
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps({"wanted": wanted.as_json(), "figures": figures}), encoding="utf-8")
    unfinished.replace(file)


def _file(folder: Path, path: Path, bits: int, stage: str) -> Path:
    return folder / f"{path.name.split('.')[0]}-{bits}-{stage}.json"


def timed(path: Path, bits: int, wanted: Wanted, folder: Path) -> None:
    """Time and memory, in a process that has done nothing else."""
    limit_cores(2)
    if kept(folder, path, bits, SPEED, wanted) is None:
        print(f"{path.name}, {bits} bit(s): time and memory", flush=True)
        keep(folder, path, bits, SPEED, wanted, speed(path, bits, wanted))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--attacks", type=int, default=50, help="of each action on each scan (default: 50)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--few", action="store_true", help="a few attacks on some slices, to see that all runs")
    parser.add_argument("--stages", nargs="+", choices=[*STAGES, SPEED], default=[*STAGES, SPEED], metavar="STAGE")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each on one core (default: 2)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep figures there, and go on from those kept")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "seal_results.md")
    options = parser.parse_args()

    wanted = _FEW if options.few else Wanted(attacks=options.attacks, seed=options.seed)
    paths = chosen_paths(options)
    with tempfile.TemporaryDirectory() as made:
        folder = options.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        stages = [stage for stage in options.stages if stage != SPEED]
        cases = [(path, bits) for bits in BITS for path in paths]
        with ProcessPoolExecutor(options.jobs, get_context("spawn"), max_tasks_per_child=1) as workers:
            running = [workers.submit(measured, path, bits, wanted, folder, stages) for path, bits in cases]
            for future in running:
                future.result()
        if SPEED in options.stages:
            for path, bits in cases:  # one after the other, with both cores
                with ProcessPoolExecutor(1, get_context("spawn")) as alone:
                    alone.submit(timed, path, bits, wanted, folder).result()
        found = {
            bits: {
                path.name.split(".")[0]: {
                    stage: figures
                    for stage in options.stages
                    if (figures := kept(folder, path, bits, stage, wanted)) is not None
                }
                for path in paths
            }
            for bits in BITS
        }
    options.out.write_text(document(found, held_out=not options.scans), encoding="utf-8")
    print(f"written to {options.out.name}")


if __name__ == "__main__":
    main()
