"""From scores to false alarms: how often untouched scans show something as striking."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tail:
    """An exponential tail of the scores that untouched scans show.

    Parameters
    ----------
    score : float
        From this score on the tail holds.
    per_scan : float
        How many traces with at least that score an untouched scan shows.
    slope : float
        By which factor, as a power of e, the number falls when the score rises by one.
    """

    score: float
    per_scan: float
    slope: float

    def false_alarms_per_scan(self, score: float) -> float:
        """How many traces with at least this score an untouched scan shows; below the tail an upper estimate."""
        return self.per_scan * math.exp(-self.slope * (score - self.score))

    def score_at(self, false_alarms_per_scan: float) -> float:
        """The score that an untouched scan reaches so often."""
        return self.score - math.log(false_alarms_per_scan / self.per_scan) / self.slope

    @classmethod
    def fit(cls, highest: NDArray[np.floating], share: float = 0.2) -> Tail:
        """Fit the tail to the highest score of each of many untouched scans.

        Parameters
        ----------
        highest : ndarray of float, shape (n,)
            One score a scan.
        share : float
            Of the scans, the tail is fitted to those with the highest scores.
        """
        ordered = np.sort(np.asarray(highest, dtype=np.float64))[::-1]
        n = max(2, round(share * len(ordered)))
        start = float(ordered[n - 1])
        slope = (n - 1) / max(float(np.sum(ordered[: n - 1] - start)), 1e-9)
        return cls(start, n / len(ordered), slope)
