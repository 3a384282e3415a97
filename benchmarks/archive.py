"""How an archive is worked on: twice as fast by two processes, the same to the byte, whoever is killed meanwhile.

python -m benchmarks.archive
python -m benchmarks.archive --series 40 --stages speed killed cluster
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.measure import tell

STAGES = ("speed", "killed", "cluster")
WORKER_KILLS, RUN_KILLS = 10, 3
_MOMENT = "1700000000"
_STATE = ".archive"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=200, help="(default: 200)")
    parser.add_argument("--method", default="mits-gan", help="protection method (default: mits-gan)")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES), help="(default: all)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_archive(place / "root", options.series)
        serial = Run(place, "serial", options.method, workers=1)
        took, computed = serial.seconds()
        expected = contents(serial.out)
        figures: dict[str, float] = {
            "series": options.series,
            "one worker, s": took,
            "one worker, processors' s": computed,
        }
        if "speed" in options.stages:
            two = Run(place, "two", options.method, workers=2)
            took_two, computed_two = two.seconds()
            again, _ = two.seconds()
            figures |= {
                "two workers, s": took_two,
                "two workers, processors' s": computed_two,
                "speed-up": took / took_two,
                "two workers, all done before, s": again,
                "files that differ from serial, two workers": differing(contents(two.out), expected),
            }
        if "killed" in options.stages:
            figures |= killed(Run(place, "killed", options.method, workers=2), expected)
        if "cluster" in options.stages:
            figures |= on_clusters(place, options.method, expected)
        tell(figures)


def make_archive(root: Path, series: int) -> None:
    """Small chests, each with noise of its own, three folders deep."""
    from napari_mits_gan.ct.dicom.write import write_dicom
    from napari_mits_gan.ct.read import read_ct

    sample = read_ct(Path(__file__).resolve().parents[1] / "sample_data" / "chest_phantom")
    y, x = sample.spacing[1:]
    hu = sample.hu[56:72, ::2, ::2].astype(np.int32)
    for number in range(series):
        noise = np.random.default_rng(number).integers(-20, 21, hu.shape)
        small = np.clip(hu + noise, -1024, 3000).astype(np.int16)
        scan = replace(
            sample, hu=small, spacing=(sample.spacing[0], 2 * y, 2 * x), padding=None, source=None, name=f"{number}"
        )
        write_dicom(scan, root / f"{number % 7}" / f"patient {number}" / "ct")


class Run:
    """One output, made by the command line in a process of its own."""

    def __init__(self, place: Path, name: str, method: str, workers: int, *options: str) -> None:
        self.out = place / name
        self.command = [
            *(sys.executable, "-m", "napari_mits_gan", "archive", str(place / "root"), str(self.out)),
            *("--workers", str(workers), "--threads", "1", *options),
            *("--do", "protect", "--method", method, "--without-lungs", "--device", "cpu"),
        ]

    def start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "SOURCE_DATE_EPOCH": _MOMENT}
        return subprocess.Popen(self.command, env=environment, stdout=subprocess.DEVNULL)

    def seconds(self) -> tuple[float, float]:
        """Wall-clock time, and time of the processors for all processes, which a busy machine hardly changes."""
        begun, before = time.perf_counter(), _of_children()
        if self.start().wait():
            sys.exit("the archive's command failed")
        return time.perf_counter() - begun, _of_children() - before

    def done(self) -> int:
        return sum(1 for _ in (self.out / _STATE / "records").glob("*/*.json"))


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def contents(out: Path) -> dict[str, str]:
    """Digests of all that was made, records and report left out."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob("*")
        if path.is_file() and _STATE not in path.parts and not path.name.startswith("report.")
    }


def differing(found: dict[str, str], expected: dict[str, str]) -> int:
    return sum(found.get(name) != expected.get(name) for name in found.keys() | expected.keys())


def killed(run: Run, expected: dict[str, str]) -> dict[str, float]:
    """Kill workers and the whole run at moments drawn at random, until it has been done all the same."""
    draw = random.Random(0)
    of_workers = of_runs = done_again = 0
    process = run.start()
    while of_workers < WORKER_KILLS or of_runs < RUN_KILLS:
        time.sleep(draw.uniform(0.5, 2.5))
        if process.poll() is not None:
            sys.exit(f"the run ended before all kills were made ({of_workers} workers, {of_runs} runs)")
        workers = children(process.pid)
        if of_runs < RUN_KILLS and of_workers >= (of_runs + 1) * WORKER_KILLS // (RUN_KILLS + 1):
            before = run.done()
            process.kill()
            process.wait()
            of_runs += 1
            process = run.start()
            done_again += max(0, before - run.done())
        elif workers and run.done():
            with suppress(ProcessLookupError):
                os.kill(draw.choice(workers), signal.SIGKILL)
                of_workers += 1
    if process.wait():
        sys.exit("the run failed after the kills")
    return {
        "workers killed": of_workers,
        "runs killed": of_runs,
        "files that differ from serial, killed": differing(contents(run.out), expected),
        "left in the work folder, killed": sum(1 for _ in (run.out / _STATE / "work").iterdir()),
    }


def children(pid: int) -> list[int]:
    """Processes that a process has spawned to work for it."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return found


def on_clusters(place: Path, method: str, expected: dict[str, str]) -> dict[str, float]:
    """On a LocalCluster with two processes, and on two worker processes started by hand."""
    from distributed import LocalCluster

    figures = {}
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        run = Run(place, "local cluster", method, 1, "--scheduler", cluster.scheduler_address)
        figures["LocalCluster with two processes, s"], _ = run.seconds()
        figures["files that differ from serial, LocalCluster"] = differing(contents(run.out), expected)
    with ExitStack() as stack:
        cluster = stack.enter_context(LocalCluster(n_workers=0, dashboard_address=None, protocol="tcp"))
        for _ in range(2):
            command = ["-m", "distributed.cli.dask_worker", cluster.scheduler_address, "--nthreads", "1"]
            worker = subprocess.Popen(
                [sys.executable, *command, "--no-dashboard", "--local-directory", str(place)],
                stderr=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            stack.callback(worker.wait)
            stack.callback(worker.terminate)
        run = Run(place, "dask workers", method, 1, "--scheduler", cluster.scheduler_address)
        figures["two `dask worker` processes, s"], _ = run.seconds()
        figures["files that differ from serial, dask workers"] = differing(contents(run.out), expected)
    return figures


if __name__ == "__main__":
    main()
