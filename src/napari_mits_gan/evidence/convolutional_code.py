"""An error-correcting code for few bits that are read often and badly: convolutional, decoded from soft votes.

Rate 1/4, constraint length 11, ended by ten zeros. The Viterbi algorithm finds the message whose code word the votes
favour most, so that no single bit's vote decides.

References
----------
K. J. Larsen, "Short convolutional codes with maximal free distance for rates 1/2, 1/3, and 1/4", IEEE Transactions on
Information Theory 19 (1973), table III; A. J. Viterbi, ibid. 13 (1967).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MEMORY = 10
_GENERATORS = (0o2327, 0o2353, 0o2671, 0o3175)
RATE = len(_GENERATORS)
"""Bits of the code word for each bit of the message."""
_STATES = 1 << _MEMORY


def coded_length(message_bits: int) -> int:
    """Bits of the code word of a message."""
    return RATE * (message_bits + _MEMORY)


def _outputs() -> NDArray[np.uint8]:
    """The four bits that each content of the register gives, shape (2048, 4); the newest bit is its lowest."""
    parity = np.arange(2 * _STATES)[:, None] & np.array(_GENERATORS)
    for shift in (8, 4, 2, 1):
        parity ^= parity >> shift
    return (parity & 1).astype(np.uint8)


_OUTPUTS = _outputs()


def encode(message: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The code word, shape (`coded_length`,), of a message of bits, shape (n,)."""
    padded = np.concatenate([np.zeros(_MEMORY, np.int64), message, np.zeros(_MEMORY, np.int64)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, _MEMORY + 1)
    return _OUTPUTS[windows @ (1 << np.arange(_MEMORY, -1, -1))].ravel()


def decode(votes: NDArray[np.integer]) -> NDArray[np.uint8]:
    """The message that votes favour most.

    Parameters
    ----------
    votes : ndarray of int, shape (`coded_length`,)
        For each bit of the code word, how many more readings say 1 than 0; 0 where it was never read.

    Returns
    -------
    ndarray of uint8, shape (n,)
    """
    steps = len(votes) // RATE
    gains = votes.reshape(steps, RATE).astype(np.float64) @ (2.0 * _OUTPUTS.T - 1)
    score = np.full(_STATES, -np.inf)
    score[0] = 0
    from_upper = np.empty((steps, _STATES), bool)
    half = _STATES // 2
    for step, gain in enumerate(gains):
        # A state, the last ten bits, follows the two that differ in the bit which it has forgotten.
        lower = score[:half].repeat(2) + gain[:_STATES]
        upper = score[half:].repeat(2) + gain[_STATES:]
        np.greater(upper, lower, out=from_upper[step])
        score = np.maximum(lower, upper)
    bits = np.empty(steps, np.uint8)
    state = 0
    for step in range(steps - 1, -1, -1):
        bits[step] = state & 1
        state = (state >> 1) + (half if from_upper[step, state] else 0)
    return bits[: steps - _MEMORY]
