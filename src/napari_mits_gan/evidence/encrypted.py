"""Encryption and authentication of what the seal carries: index and recovery copy."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from napari_mits_gan.errors import EvidenceError

OVERHEAD_BYTES = 16
"""Bytes that encrypting adds."""


class DamagedSealError(EvidenceError):
    """What the seal carries is damaged, or was made with another key."""


def encrypt(data: bytes, key: bytes) -> bytes:
    """Encrypt with ChaCha20-Poly1305 (RFC 8439) under a key that serves for this one message, hence with nonce 0."""
    return ChaCha20Poly1305(key).encrypt(bytes(12), data, None)


def decrypt(data: bytes, key: bytes) -> bytes:
    """Decrypt and authenticate.

    Raises
    ------
    DamagedSealError
        If it is not what was encrypted.
    """
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), data, None)
    except InvalidTag:
        raise DamagedSealError("What the seal carries is damaged or of another key.") from None
