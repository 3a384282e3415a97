"""The public key that manifests are checked with: written beside the secret key, handed to whoever receives scans."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from napari_mits_gan.errors import EvidenceError

SUFFIX = ".pub"
_FIRST_LINE = "napari-mits-gan manifest public key, version 1"
_LONGEST_FILE = 4096


def write_public_key(public_key: Ed25519PublicKey, path: str | os.PathLike[str]) -> Path:
    """Write a public key into a new file.

    Raises
    ------
    EvidenceError
        If something is there already or the file system refuses.
    """
    target = Path(path)
    try:
        with target.open("x", encoding="ascii") as stream:
            stream.write(f"{_FIRST_LINE}\n{public_key.public_bytes_raw().hex()}\n")
    except FileExistsError:
        raise EvidenceError(f"{target.name} is there already and is not overwritten; choose another name.") from None
    except OSError as error:
        with suppress(OSError):
            target.unlink()
        raise EvidenceError(f"{target.name} cannot be written: {error.strerror or type(error).__name__}.") from None
    return target


def read_public_key(path: str | os.PathLike[str]) -> Ed25519PublicKey:
    """Read a public key.

    Raises
    ------
    EvidenceError
        If the file cannot be read or holds no public key.
    """
    source = Path(path)
    try:
        with source.open("rb") as stream:
            lines = stream.read(_LONGEST_FILE).decode("ascii", "replace").split("\n")
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise EvidenceError(f"The public key {source.name} cannot be read: {cause}.") from None
    try:
        if lines[0].strip() != _FIRST_LINE:
            raise ValueError
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(lines[1].strip()))
    except (ValueError, IndexError):
        raise EvidenceError(
            f"{source.name} is no public key of version 1; use the file that keygen wrote beside the key."
        ) from None
