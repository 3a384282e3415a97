"""Range asymmetric numeral systems with many states side by side, so that NumPy codes thousands of symbols a step.

Duda, "Asymmetric numeral systems" (arXiv 1311.2540); interleaving after Giesen, "Interleaved entropy coders" (arXiv
1402.3392). Integer arithmetic only: what is coded here decodes alike on any processor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError

PRECISION = 15
"""Frequencies of a context add up to two to this power."""
SPARE_BITS = 16
"""Each state starts with so many bits of other data, given back in the end: many states cost nothing."""
LOST_BITS = 8.5
"""What a state takes beyond its spare bits, on average: it is stored in 32 bits and rarely needs them all."""
_MOST_STATES = 1024
_SYMBOLS_PER_STATE = 1 << 14
_LOWEST = np.uint32(1 << 16)
_WORD = np.uint32(16)

Words = NDArray[np.uint16]
Symbols = NDArray[np.uint8]
Contexts = NDArray[np.uint8]


def states_for(symbols: int, spare_bits: int = 0) -> int:
    """How many states to code so many symbols with: as many as the spare bits pay for, and enough to be fast."""
    return max(1, min(_MOST_STATES, max(symbols // _SYMBOLS_PER_STATE, spare_bits // SPARE_BITS)))


def encode(
    chunks: list[tuple[Symbols, Contexts]], frequencies: NDArray[np.uint32], spare: Words
) -> tuple[NDArray[np.uint32], Words]:
    """Code the chunks, which are decoded first to last.

    Parameters
    ----------
    chunks : list of (symbols, contexts)
    frequencies : ndarray of uint32, shape (contexts, symbols)
        Each row adds up to two to the power of `PRECISION`; none of a symbol that occurs is 0.
    spare : ndarray of uint16
        One word for each state, `states_for` tells how many; `Decoder.spare` gives them back.

    Returns
    -------
    states : ndarray of uint32
    words : ndarray of uint16
    """
    state = spare.astype(np.uint32) | _LOWEST
    n = len(state)
    start = (np.cumsum(frequencies, axis=1, dtype=np.uint32) - frequencies).ravel()
    size, count = frequencies.ravel(), frequencies.shape[1]
    most = np.uint32(1 << PRECISION)
    rest = most - size
    # From here on a state would outgrow its 32 bits; with the largest size none does.
    limit = np.where(size < most, size << np.uint32(32 - PRECISION), np.uint32(0xFFFFFFFF))
    written: list[Words] = []
    for symbols, contexts in reversed(chunks):
        place = contexts.astype(np.int32) * count + symbols
        sizes, starts, rests, limits = size.take(place), start.take(place), rest.take(place), limit.take(place)
        for first in range((len(symbols) - 1) // n * n, -1, -n):
            here = slice(first, first + n)
            f = sizes[here]
            x = state[: len(f)]
            full = np.flatnonzero(x >= limits[here])
            if len(full):
                over = x[full]
                written.append(over.astype(np.uint16)[::-1])
                x[full] = over >> _WORD
            # (x // f << PRECISION) + x % f + start, with one division and in place
            quotient = x // f
            quotient *= rests[here]
            x += quotient
            x += starts[here]
    words = np.concatenate(written)[::-1] if written else np.empty(0, np.uint16)
    return state, np.ascontiguousarray(words)


class Decoder:
    """Gives back, chunk by chunk, what `encode` coded."""

    def __init__(self, states: NDArray[np.uint32], words: Words, frequencies: NDArray[np.uint32]) -> None:
        self._state = states.copy()
        self._words = words.astype(np.uint32)
        self._at = 0
        self._size = frequencies.ravel()
        self._start = (np.cumsum(frequencies, axis=1, dtype=np.uint32) - frequencies).ravel()
        self._count = frequencies.shape[1]
        numbers = np.arange(self._count, dtype=np.uint8)
        self._symbol = np.concatenate([np.repeat(numbers, row) for row in frequencies])

    def take(self, contexts: Contexts) -> Symbols:
        """Decode one symbol for each context; raises EvidenceError where the words end too early."""
        n = len(self._state)
        symbols = np.empty(len(contexts), np.uint8)
        row = contexts.astype(np.int32)
        slot_of, place_of = row << PRECISION, row * self._count
        for first in range(0, len(contexts), n):
            here = slice(first, min(first + n, len(contexts)))
            x = self._state[: here.stop - first]
            slot = x & np.uint32((1 << PRECISION) - 1)
            symbol = self._symbol.take(slot_of[here] + slot.view(np.int32))
            symbols[here] = symbol
            place = place_of[here] + symbol
            x >>= np.uint32(PRECISION)
            x *= self._size.take(place)
            x += slot
            x -= self._start.take(place)
            empty = np.flatnonzero(x < _LOWEST)
            if len(empty):
                words = self._words[self._at : self._at + len(empty)]
                if len(words) < len(empty):
                    raise EvidenceError("the recovery copy is damaged: its coded values end too early")
                x[empty] = (x[empty] << _WORD) | words
                self._at += len(empty)
        return symbols

    def spare(self) -> Words:
        """The words handed to `encode`; raises EvidenceError where the states do not end as they began."""
        if self._at != len(self._words) or ((self._state >> _WORD) != 1).any():
            raise EvidenceError("the recovery copy is damaged: its coded values do not end where they should")
        return self._state.astype(np.uint16)
