"""Magnitudes as symbols of a small alphabet: small ones as they are, large ones by size class and further bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PLAIN = 16
"""Magnitudes below are their own token."""
LARGEST = (1 << 24) - 1
TOKENS = PLAIN + 2 * 20
"""Tokens that magnitudes up to `LARGEST` need."""


def tokens_of(magnitudes: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The token of each magnitude, 0 to `LARGEST`."""
    flat = magnitudes.reshape(-1)
    tokens = flat.astype(np.uint8)
    large = np.flatnonzero(flat >= PLAIN)
    if large.size:
        values = flat.take(large)
        exponent = np.frexp(values.astype(np.float64))[1] - 1
        tokens[large] = PLAIN + 2 * (exponent - 4) + (values >> (exponent - 1) & 1)
    return tokens.reshape(magnitudes.shape)


_NUMBERS = np.arange(TOKENS)
EXTRA_BITS = np.where(_NUMBERS < PLAIN, 0, 3 + (_NUMBERS - PLAIN) // 2).astype(np.uint8)
"""Bits that follow each token."""
BASE = np.where(_NUMBERS < PLAIN, _NUMBERS, (2 + _NUMBERS % 2) << EXTRA_BITS.astype(np.int64)).astype(np.int32)
"""Smallest magnitude of each token."""


def pack_extra(tokens: NDArray[np.uint8], magnitudes: NDArray[np.int32]) -> bytes:
    """The further bits of all large magnitudes, token by token, each padded to a byte."""
    packed = []
    for token in range(PLAIN, TOKENS):
        rest = magnitudes[tokens == token] - BASE[token]
        if len(rest):
            packed.append(np.packbits(rest[:, None] >> np.arange(EXTRA_BITS[token]) & 1).tobytes())
    return b"".join(packed)


def extra_size(tokens: NDArray[np.uint8]) -> int:
    """Bytes that `pack_extra` needs."""
    counts = np.bincount(tokens, minlength=TOKENS)
    return int(sum(-(-int(n) * int(bits) // 8) for n, bits in zip(counts, EXTRA_BITS, strict=False)))


def unpack_extra(data: bytes, tokens: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The magnitudes; `data` has `extra_size` bytes."""
    magnitudes = BASE.take(tokens)
    at = 0
    for token in range(PLAIN, TOKENS):
        places = np.flatnonzero(tokens == token)
        if len(places):
            bits = int(EXTRA_BITS[token])
            size = -(-len(places) * bits // 8)
            planes = np.unpackbits(np.frombuffer(data, np.uint8, size, at), count=len(places) * bits)
            magnitudes[places] += planes.reshape(-1, bits).astype(np.int32) @ (1 << np.arange(bits, dtype=np.int32))
            at += size
    return magnitudes
