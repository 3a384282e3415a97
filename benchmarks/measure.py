"""What the benchmarks measure with: a limit on cores, time, and peak memory."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from napari_mits_gan.archive import memory
from napari_mits_gan.archive.memory import MIB, resident_bytes

__all__ = ["MIB", "cpu_seconds", "forget_peak", "limit_cores", "peak_bytes", "resident_bytes", "seconds", "tell"]
FIGURES = "MITS_GAN_FIGURES"
"""Environment variable: a file that the figures are written to as JSON, for `python -m benchmarks`."""


def tell(figures: Mapping[str, float]) -> None:
    """Print figures, each named with its unit, and hand them to `python -m benchmarks` if it asks for them."""
    width = max(map(len, figures))
    for name, value in figures.items():
        print(f"{name:<{width}}  {value:.6g}")
    if path := os.environ.get(FIGURES):
        Path(path).write_text(json.dumps(dict(figures)) + "\n", "utf-8")


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


def cpu_seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall-clock time of one call, and the time that all threads of this process computed, which a busy machine hardly
    changes.
    """
    computed = time.process_time()
    took = seconds(work)
    return took, time.process_time() - computed


def forget_peak() -> None:
    """Start the record of the peak anew, so that reading the scan is not counted."""
    if not memory.forget_peak():
        print("the peak of memory cannot be reset here; it may include the reading of the scan", file=sys.stderr)


def peak_bytes() -> int:
    """The most memory that this process held since `forget_peak`."""
    return memory.peak_bytes() or sys.exit("memory is measured on Linux only")
