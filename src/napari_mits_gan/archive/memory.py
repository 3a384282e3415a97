"""How much memory this process holds and held; 0 where the system does not tell."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

MIB = 2**20


def forget_peak() -> bool:
    """Begin the record of the most memory anew; whether the system lets us."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
        return True
    return False


def peak_bytes() -> int:
    """The most memory that this process held since `forget_peak`."""
    return _status("VmHWM")


def resident_bytes() -> int:
    """Memory that this process holds now."""
    return _status("VmRSS")


def _status(field: str) -> int:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))
    return 0
