"""Which HU a file can store, and the nearest of them to any other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.constants import HU_MAX, HU_MIN


@dataclass(frozen=True, eq=False)
class StorableHU:
    """The HU that one slice of a file can store, and that are read back from it as the same HU.

    Parameters
    ----------
    levels : ndarray of int16, shape (n,)
        Ascending, each once; the array is made read-only. Empty where no value can be stored at all.
    """

    levels: NDArray[np.int16]

    def __post_init__(self) -> None:
        levels = self.levels.view()
        levels.flags.writeable = False
        object.__setattr__(self, "levels", levels)

    @property
    def is_gapless(self) -> bool:
        """Whether every HU from the lowest to the highest level can be stored."""
        return bool(self.levels.size) and int(self.levels[-1]) - int(self.levels[0]) + 1 == self.levels.size

    def neighbours(self, hu: NDArray[np.integer]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Numbers of the highest level that is not above, and the lowest that is not below, each of `hu`.

        Beyond the ends both are the end's.
        """
        above = np.minimum(np.searchsorted(self.levels, hu), self.levels.size - 1)
        exact_or_outside = (self.levels[above] <= hu) | (above == 0)
        return np.where(exact_or_outside, above, above - 1), above

    def nearest_within(self, wanted: NDArray[np.integer], around: NDArray[np.int16], reach: int) -> NDArray[np.int16]:
        """The level nearest to `wanted` that is at most `reach` away from `around`; `around` itself if there is none.

        Parameters
        ----------
        wanted : ndarray of int, any shape
            HU asked for.
        around : ndarray of int16, same shape
            HU from which the result may differ by at most `reach`.
        reach : int
            HU. Of two levels equally near to `wanted` the one nearer to `around` is taken.

        Returns
        -------
        ndarray of int16, same shape
        """
        if not self.levels.size:
            return around.copy()
        wide = around.astype(np.int32)
        if self.is_gapless:
            found = np.clip(wanted, int(self.levels[0]), int(self.levels[-1])).astype(np.int32)
        else:
            low, high = (self.levels[i].astype(np.int32) for i in self.neighbours(wanted))
            off_low, off_high = np.abs(low - wanted), np.abs(high - wanted)
            nearer = (off_low < off_high) | ((off_low == off_high) & (np.abs(low - wide) <= np.abs(high - wide)))
            reached = np.abs(low - wide) <= reach
            found = np.where(reached & (nearer | (np.abs(high - wide) > reach)), low, high)
        return np.where(np.abs(found - wide) <= reach, found, wide).astype(np.int16)


EVERY_HU = StorableHU(np.arange(HU_MIN, HU_MAX + 1, dtype=np.int16))
"""What a scan can store that did not come from a file with limits of its own."""
