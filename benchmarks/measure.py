"""What the benchmarks measure with: a limit on cores, time, and peak memory."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

MIB = 2**20


def limit_cores(cores: int) -> None:
    """Keep this process, PyTorch included, to some cores; call it before PyTorch is imported."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(cores)
    import torch

    torch.set_num_threads(cores)


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def resident_bytes() -> int:
    """Memory that this process holds now."""
    return _status("VmRSS")


def forget_peak() -> None:
    """Start the record of the peak anew, so that reading the scan is not counted."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        print("the peak of memory cannot be reset here; it may include the reading of the scan", file=sys.stderr)


def peak_bytes() -> int:
    """The most memory that this process held since `forget_peak`."""
    return _status("VmHWM")


def _status(field: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        sys.exit("memory is measured on Linux only")
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))
