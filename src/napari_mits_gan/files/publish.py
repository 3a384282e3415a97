"""Putting finished files in their place in one step, so that nothing is ever half there or overwritten."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_mits_gan.errors import WriteError
from napari_mits_gan.files.unfinished import unfinished_folder

_MARGIN_BYTES = 1 << 20


def check_space(parent: Path, needed_bytes: int) -> None:
    """Refuse if less than `needed_bytes` (and a margin) is free where `parent` is or will be."""
    existing = next(p for p in (parent, *parent.parents) if p.exists())
    try:
        free = shutil.disk_usage(existing).free
    except OSError as error:
        raise failure(error) from None
    if free < needed_bytes + _MARGIN_BYTES:
        needed = needed_bytes + _MARGIN_BYTES
        raise WriteError(
            f"The disk has {free / 1e6:.0f} MB free and this needs about {needed / 1e6:.0f} MB; make room or choose "
            "another disk."
        )


def checked_target(path: str | os.PathLike[str]) -> Path:
    """The absolute path of what is to be written.

    Raises
    ------
    WriteError
        If no file can have that name, or it is the folder that this program works in.
    """
    target = Path(os.path.abspath(path))
    if "\0" in str(target):
        raise WriteError("The name of what is to be written holds a character that no name can have; choose another.")
    with suppress(OSError):
        if target == Path.cwd() or (target.exists() and target.samefile(Path.cwd())):
            raise WriteError("The export folder is the current folder, which cannot be replaced; name a new one in it.")
    return target


def check_empty(folder: Path) -> None:
    """Refuse a folder that holds anything, and what is no folder."""
    try:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise WriteError("What was named as the export folder is a file or a link; choose a new folder.")
        if folder.exists() and any(folder.iterdir()):
            raise WriteError(
                "The export folder is not empty, and nothing in it is overwritten; choose a new or an empty folder."
            )
    except OSError as error:
        raise failure(error) from None


def failure(error: OSError) -> WriteError:
    """What to tell the user of an error of the file system; paths stay out, they may name a patient."""
    while error.errno is None and isinstance(error.__cause__, OSError):
        error = error.__cause__  # pydicom wraps errors of the file system in others of the same type without number
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WriteError("The disk is full, and nothing was written; make room or choose another disk.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return WriteError("This place may not be written to, and nothing was written; choose another folder.")
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
        return WriteError("Something else was written there meanwhile, so nothing was written; choose a new folder.")
    return WriteError(f"Nothing was written: {error.strerror or type(error).__name__}; choose another place.")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` that becomes `folder` when the block ends well, and vanishes when it does not.

    Raises
    ------
    WriteError
        If `folder` is not empty, or the file system refuses. A folder that is there keeps its permissions and group.
    """
    check_empty(folder)
    made: list[Path] = []
    try:
        for parent in reversed([p for p in folder.parents if not p.exists()]):
            parent.mkdir()
            made.append(parent)
        with unfinished_folder(folder.parent, "export") as temporary:
            before = folder.stat() if folder.is_dir() else None
            if before is not None and os.name != "nt":
                with suppress(OSError):  # the files that are made in it take its group after it, if it says so
                    os.chown(temporary, -1, before.st_gid)
                temporary.chmod(0o700 | (stat.S_IMODE(before.st_mode) & stat.S_ISGID))
            yield temporary
            if before is None:
                _open_to_others(temporary, 0o777)
            else:
                temporary.chmod(stat.S_IMODE(before.st_mode))
            sync_folder(temporary)
            if os.name == "nt" and folder.is_dir():
                folder.rmdir()
            os.rename(temporary, folder)
            sync_folder(folder.parent)
    except BaseException as error:
        for parent in reversed(made):
            with suppress(OSError):
                parent.rmdir()
        if isinstance(error, OSError):
            raise failure(error) from None
        raise


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` reach the disk, where the system can do that."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network file systems cannot; the rename is atomic all the same
        pass
    finally:
        os.close(handle)


def place_file(temporary: Path, target: Path) -> None:
    """Give a finished file its final name, unless something has that name.

    Raises
    ------
    FileExistsError
        If something has that name.
    """
    with temporary.open("rb+") as stream:
        os.fsync(stream.fileno())
    _open_to_others(temporary, 0o666)
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.rename(temporary, target)
        return
    temporary.unlink()


def _open_to_others(path: Path, mode: int) -> None:
    """The permissions that the user's umask gives; temporary files are made private."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(mode & ~mask)
