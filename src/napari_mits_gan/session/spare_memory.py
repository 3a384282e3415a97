"""Memory of large arrays that are gone, for those that follow.

The system may take longer to give new memory for a scan than an attack takes to compute.
"""

from __future__ import annotations

import weakref
from collections import deque

import numpy as np
from numpy.typing import NDArray

_MOST = 2
"""Arrays whose memory is kept."""


class SpareMemory:
    """Gives arrays of int16, in memory that nobody has any more where there is some; keeps that of two at most."""

    def __init__(self) -> None:
        self._spare: deque[bytearray] = deque(maxlen=_MOST)

    def empty(self, shape: tuple[int, ...]) -> NDArray[np.int16]:
        """An array of this shape with anything in it."""
        return self._array(shape)[0]

    def zeros(self, shape: tuple[int, ...]) -> NDArray[np.int16]:
        """An array of this shape with 0 in it."""
        array, is_new = self._array(shape)
        if not is_new:
            array.fill(0)
        return array

    def _array(self, shape: tuple[int, ...]) -> tuple[NDArray[np.int16], bool]:
        size = int(np.prod(shape)) * np.dtype(np.int16).itemsize
        spare = self._taken(size)
        memory = bytearray(size) if spare is None else spare
        array = np.frombuffer(memory, np.int16)
        # Every view of this array keeps it, so that its memory is spare only when the last of them is gone.
        weakref.finalize(array, self._spare.append, memory).atexit = False
        return array.reshape(shape), spare is None

    def _taken(self, size: int) -> bytearray | None:
        while True:
            try:
                found = self._spare.popleft()
            except IndexError:
                return None
            if len(found) == size:
                return found
