"""The secret key of a seal: made, kept in a file, and split into one derived key for each purpose."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from napari_mits_gan.errors import EvidenceError

KEY_BYTES = 32
_FIRST_LINE = "napari-mits-gan seal key, version 1"
_LONGEST_FILE = 4096


class KeyFileError(EvidenceError):
    """A key file cannot be made or read."""


class SealKey:
    """A secret of 256 bits; whoever has it can check, heal and also forge seals.

    Parameters
    ----------
    secret : bytes
        32 bytes.

    Raises
    ------
    ValueError
        If it is not 32 bytes long.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a seal key has {KEY_BYTES} bytes, not {len(secret)}")
        self._secret = bytes(secret)

    def __repr__(self) -> str:
        return "SealKey(secret)"

    def __reduce__(self) -> str:
        raise TypeError("a seal key is not pickled; keep it in its file")

    def derive(self, purpose: str, nonce: bytes = b"", length: int = 32) -> bytes:
        """The key for one purpose, by HKDF-SHA256 (RFC 5869).

        Parameters
        ----------
        purpose : str
            Names the purpose; two purposes never share a key.
        nonce : bytes
            The nonce of the scan, for keys that serve one scan only.
        length : int
            Bytes wanted.

        Returns
        -------
        bytes
        """
        info = b"napari-mits-gan seal 1: " + purpose.encode("ascii")
        return HKDF(SHA256(), length, salt=nonce or None, info=info).derive(self._secret)

    def _text(self) -> str:
        return f"{_FIRST_LINE}\n{self._secret.hex()}\n"


def new_key() -> SealKey:
    """Draw a new random key from the operating system's generator.

    Returns
    -------
    SealKey
        Keep it with `write_key`: scans that were sealed with a lost key can be neither checked nor healed.

    Examples
    --------
    >>> key = new_key()
    """
    return SealKey(secrets.token_bytes(KEY_BYTES))


def write_key(key: SealKey, path: str | os.PathLike[str]) -> Path:
    """Write a key into a new file that only its owner may read.

    Parameters
    ----------
    key : SealKey
        The key.
    path : path-like
        A new file; nothing is overwritten, since with a key all that it sealed would be lost.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    KeyFileError
        If something is there already or the file system refuses.
    """
    target = Path(path)
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyFileError(
            f"{target.name} is there already, and a key is never overwritten; choose another name."
        ) from None
    except OSError as error:
        raise KeyFileError(f"{target.name} cannot be made: {error.strerror or type(error).__name__}.") from None
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            with suppress(AttributeError, OSError):  # a umask only takes permissions away; Windows has no modes
                os.fchmod(stream.fileno(), 0o600)
            stream.write(key._text())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        with suppress(OSError):
            target.unlink()
        raise KeyFileError(f"{target.name} cannot be written: {error.strerror or type(error).__name__}.") from None
    return target


def read_key(path: str | os.PathLike[str]) -> SealKey:
    """Read the key in a file.

    Parameters
    ----------
    path : path-like
        A file made by `write_key`.

    Returns
    -------
    SealKey

    Raises
    ------
    KeyFileError
        If the file is not there, cannot be read, or is no key file; nothing of its content is told.
    """
    source = Path(path)
    try:
        with source.open("rb") as stream:
            content = stream.read(_LONGEST_FILE)
    except OSError as error:
        raise KeyFileError(f"The key file {source.name} cannot be read: {_cause(error)}.") from None
    lines = content.decode("ascii", "replace").split()
    if content.decode("ascii", "replace").split("\n")[0].strip() != _FIRST_LINE:
        raise KeyFileError(f"{source.name} is no key file of version 1; make one with `napari-mits-gan keygen`.")
    try:
        return SealKey(bytes.fromhex(lines[-1]))
    except ValueError:
        raise KeyFileError(f"The key in {source.name} is damaged: it must be 64 hexadecimal digits.") from None


def _cause(error: OSError) -> str:
    return error.strerror or type(error).__name__
