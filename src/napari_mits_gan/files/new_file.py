"""Writing a short text into a new file in one step."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from napari_mits_gan.errors import WriteError
from napari_mits_gan.files.publish import checked_target, failure, place_file


def write_new_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file, as a whole or not at all.

    Parameters
    ----------
    path : path-like
        A new file; nothing is overwritten.
    text : str
        Written as UTF-8.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    WriteError
        If the file is there already, or the file system refuses.
    """
    target = checked_target(path)
    if os.path.lexists(target):
        raise WriteError(f"{target.name} is there already and is not overwritten; choose another name.")
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".napari-mits-gan-", suffix=".tmp")
    except OSError as error:
        raise failure(error) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        place_file(temporary, target)
    except FileExistsError:
        raise WriteError(f"{target.name} is there already and is not overwritten; choose another name.") from None
    except OSError as error:
        raise failure(error) from None
    finally:
        with suppress(OSError):
            temporary.unlink()
    return target
