"""All measurements of speed in one go, beside those of the last time on this machine.

python -m benchmarks
python -m benchmarks protection click --results my_results

Each runs in a process of its own. The figures go, with the machine and its load, into a JSON file in the folder of
results; what changed since the last file of the same measurement on the same machine is told. Figures of what the
protection, the attacks and the seal achieve are another matter: benchmarks.results, comparison, attack_quality and seal
write them into docs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import FIGURES

SUITE = {
    "protection": ("benchmarks.protection", "--slices", "300", "--published"),
    "growth": ("benchmarks.growth",),
    "click": ("benchmarks.click_answer",),
    "window": ("benchmarks.click_in_window",),
    "archive": ("benchmarks.archive",),
}
"""Measurements by name: module and arguments. Each hands its figures over by `measure.tell`."""
_WORTH_TELLING = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(SUITE)} (default: all)")
    parser.add_argument(
        "--results", type=Path, default=Path("benchmark_results"), metavar="FOLDER", help="(default: benchmark_results)"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - set(SUITE):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(SUITE)}")
    options.results.mkdir(parents=True, exist_ok=True)
    failed = [name for name in options.names or SUITE if not measured(name, options.results)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def measured(name: str, folder: Path) -> bool:
    """Run one measurement, keep its figures, tell what changed; False if it failed."""
    print(f"\n== {name}", flush=True)
    with tempfile.TemporaryDirectory() as place:
        handed = Path(place) / "figures.json"
        before = os.getloadavg()
        module, *arguments = SUITE[name]
        command = [sys.executable, "-m", module, *arguments]
        if subprocess.run(command, env={**os.environ, FIGURES: str(handed)}, check=False).returncode:
            return False
        figures = json.loads(handed.read_text("utf-8"))
    found = {
        "measurement": name,
        "command": " ".join(["python", "-m", module, *arguments]),
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": machine(),
        "load": {"before": before, "after": os.getloadavg()},
        "figures": figures,
    }
    last = last_of(name, folder)
    path = folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**9:09d}.json"
    path.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    for line in changes(figures, {} if last is None else last["figures"]):
        print(line)
    if last is not None and max(before[0], last["load"]["before"][0]) > 1:
        print("The machine was busy before one of the two began; times are not to be relied on.")
    return True


def machine() -> dict[str, object]:
    """What the figures depend on beside the code."""
    import numpy
    import torch

    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = (line for line in info.read_text().splitlines() if line.startswith("model name"))
        model = next(lines, model).rpartition(":")[2].strip()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": model,
        "cores": cores,
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
    }


def last_of(name: str, folder: Path) -> dict[str, dict[str, float]] | None:
    """The last results of a measurement on a machine like this one."""
    for path in sorted(folder.glob(f"{name}-*.json"), reverse=True):
        found = json.loads(path.read_text("utf-8"))
        if found["machine"]["processor"] == machine()["processor"] and found["machine"]["cores"] == machine()["cores"]:
            return dict(found)
    return None


def changes(now: dict[str, float], before: dict[str, float]) -> list[str]:
    """A line for each figure that is another by a tenth or more, or is new."""
    lines = []
    for name, value in now.items():
        if name not in before:
            lines.append(f"new: {name}: {value:.4g}")
        elif abs(value - before[name]) > _WORTH_TELLING * abs(before[name]):
            lines.append(f"{name}: {before[name]:.4g} before, {value:.4g} now")
    return lines or ["nothing changed by a tenth"]


if __name__ == "__main__":
    main()
