"""A new key as two files: the secret one, and beside it its public half, which may be handed out."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.key import new_key, write_key
from napari_mits_gan.evidence.manifest import signer_of
from napari_mits_gan.evidence.public_key import SUFFIX, write_public_key


def make_key_files(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Draw a new key; write it and its public half.

    Parameters
    ----------
    path : path-like
        A new file for the key, which only its owner may read; nothing is overwritten.

    Returns
    -------
    tuple of Path
        The key's file, and that of its public half: the same name with `.pub` behind.

    Raises
    ------
    EvidenceError
        If one of the two is there already or the file system refuses; nothing new is left then.
    """
    secret = Path(path)
    if not secret.name:
        raise EvidenceError("The key needs the name of a new file; a folder was named.")
    public = secret.with_name(secret.name + SUFFIX)
    if os.path.lexists(public):
        raise EvidenceError(f"{public.name} is there already and is not overwritten; choose another name.")
    key = new_key()
    write_key(key, secret)
    try:
        write_public_key(signer_of(key).public_key(), public)
    except EvidenceError:
        with suppress(OSError):
            secret.unlink()
        raise
    return secret, public
