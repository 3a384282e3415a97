"""Frequencies of the tokens in each context: one byte each on a logarithmic scale, decoded with integers only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.copy_codec.rans import PRECISION

_WHOLE = 1 << PRECISION
_PER_OCTAVE = 8


def _scale() -> NDArray[np.int64]:
    """Weight of each code: 0 for a token that never occurs, then from rare to certain."""
    falling = [_WHOLE << 8]
    for _ in range(_PER_OCTAVE * PRECISION):
        falling.append(falling[-1] * 60097 >> 16)  # two to the power of -1/8
    return np.array([0] + falling[::-1], dtype=np.int64)


_SCALE = _scale()
CODES = len(_SCALE)


def codes_of(counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """A byte for each context and token, from how often the token occurs there."""
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with np.errstate(divide="ignore"):
        falls = np.round(-np.log2(counts / total) * _PER_OCTAVE)
    codes = np.clip(CODES - 1 - np.where(np.isfinite(falls), falls, 0), 1, CODES - 1)
    return np.where(counts > 0, codes, 0).astype(np.uint8)


def frequencies_of(codes: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Frequencies (contexts, tokens), each row adding up to two to the power of the coder's precision."""
    weights = _SCALE[np.minimum(codes, CODES - 1)]
    # A context that never occurs still needs a row.
    weights[weights.sum(axis=1) == 0, 0] = 1
    total = weights.sum(axis=1, keepdims=True)
    frequencies = np.where(weights > 0, np.maximum(weights * _WHOLE // total, 1), 0)
    largest = frequencies.argmax(axis=1)
    frequencies[np.arange(len(codes)), largest] += _WHOLE - frequencies.sum(axis=1)
    return frequencies.astype(np.uint32)


def bits(counts: NDArray[np.int64], frequencies: NDArray[np.uint32]) -> float:
    """Bits that so many tokens take."""
    counts = counts[:, : frequencies.shape[1]]
    used = counts > 0
    return float((counts[used] * (PRECISION - np.log2(frequencies[used]))).sum())
