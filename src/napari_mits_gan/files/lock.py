"""A file that one process holds at a time; the hold ends with the process, however that ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold a file while the block runs, if no other process does.

    Parameters
    ----------
    path : Path
        A file for this purpose alone; it and its folder are made.

    Yields
    ------
    bool
        Whether it is held; True as well where the system or its network drive has no locks.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _is_ours(handle)
    finally:
        os.close(handle)


def _is_ours(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network drives
        return True
    return True
