"""Folders in which files are made before they get their place, and what a killed process leaves of them."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NAME = re.compile(r"\.(?P<kind>export|image|archive)-(?P<machine>[0-9a-f]{8})-[0-9a-f]{12}\.partial")


def is_unfinished(name: str) -> bool:
    """Whether a folder of this name holds work that was not finished, and must not be taken for a scan."""
    return _NAME.fullmatch(name) is not None


@contextmanager
def unfinished_folder(parent: Path, kind: str) -> Iterator[Path]:
    """A new private folder in `parent`, locked while the block runs, and removed after it unless it was renamed.

    The lock is the system's own, which ends with the process that holds it, however that ends. So a folder of this
    kind that nobody holds was left behind by a process that is gone, and those are removed here first.

    Parameters
    ----------
    parent : Path
        An existing folder.
    kind : {"export", "image"}
        What is made in it.

    Yields
    ------
    Path
        The folder; with permissions for its owner only.

    Raises
    ------
    OSError
        If the file system refuses.
    """
    remove_leftovers(parent)
    folder, held = new_folder(parent, kind)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


def remove_leftovers(parent: Path) -> None:
    """Remove the unfinished folders in `parent` whose process is gone.

    Only real folders with a name of ours that this machine and this user made, that no process holds, and in which
    there is nothing but plain files (in those of archives, folders too); whatever is in doubt stays. Where the file
    system has no locks (and on Windows) all of them stay.
    """
    try:
        with os.scandir(parent) as entries:
            names = [entry.name for entry in entries]
    except OSError:
        return
    for name in names:
        found = _NAME.fullmatch(name)
        if found is None or found["machine"] != _machine():
            continue
        folder = parent / name
        with suppress(OSError):
            held = _lock(folder)
            if held is None:
                continue
            try:
                if _is_still(folder, held):
                    if found["kind"] == "archive":
                        shutil.rmtree(folder)
                    else:
                        _empty(folder)
                        folder.rmdir()
            finally:
                os.close(held)


def new_folder(parent: Path, kind: str) -> tuple[Path, int | None]:
    """A new private folder in `parent`, and the handle that locks it; None where folders cannot be locked.

    What an archive was unpacked to stays until its scan is no longer needed; everything else is made in a block, see
    `unfinished_folder`.
    """
    while True:
        folder = parent / f".{kind}-{_machine()}-{secrets.token_hex(6)}.partial"
        folder.mkdir(mode=0o700)
        try:
            held = _lock(folder)
        except (BlockingIOError, FileNotFoundError):
            continue  # another process took it for a leftover, before it was locked
        if held is None or _is_still(folder, held):
            return folder, held
        os.close(held)


def _empty(folder: Path) -> None:
    """Remove the files in `folder`, if there is nothing else in it."""
    with os.scandir(folder) as entries:
        found = list(entries)
    if all(entry.is_file(follow_symlinks=False) for entry in found):
        for entry in found:
            os.unlink(entry.path)


def _lock(folder: Path) -> int | None:
    """A handle that holds `folder`, or None where folders cannot be locked.

    Raises
    ------
    BlockingIOError
        If another process holds it.
    FileNotFoundError
        If it is gone.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise
    except OSError:  # some network drives
        os.close(held)
        return None
    return held


def _is_still(folder: Path, held: int) -> bool:
    """Whether the folder behind the handle is the one that has this name, and this user's."""
    there = os.fstat(held)
    try:
        named = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(named.st_mode) and os.path.samestat(there, named) and there.st_uid == os.geteuid()


def _machine() -> str:
    """Tells this machine from others that write to the same network drive, without naming it."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]
