"""How sure a figure from a few sites is: percentile bootstrap intervals, and Wilson's interval of a proportion."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def median(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of each row; shape (resamples, n) to (resamples,)."""
    return np.median(samples, axis=1)


def ratio_of_medians(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of the first column over the median of the second; shape (resamples, n, 2) to (resamples,)."""
    medians = np.median(samples, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = medians[:, 0] / medians[:, 1]
    return np.where(medians[:, 0] == 0, 0.0, ratios)


def bootstrap_interval(
    values: NDArray[np.floating],
    statistic: Statistic = median,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a statistic: the sites are resampled with replacement.

    Parameters
    ----------
    values : ndarray of float, shape (n,) or (n, k)
        One row per site; figures of the same site stay together.
    statistic : callable
        Takes all resamples at once, shape (resamples, n) or (resamples, n, k), and returns shape (resamples,).
    level : float
        Proportion of the resamples inside the interval.
    resamples : int
        How many are drawn.
    seed : int
        The same seed gives the same interval.

    Returns
    -------
    tuple of float
        Lower and upper end.
    """
    rows = np.random.default_rng(seed).integers(len(values), size=(resamples, len(values)))
    found = statistic(np.asarray(values, dtype=np.float64)[rows])
    # "nearest" takes figures that occurred, so infinite ones do no harm.
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], method="nearest")
    return float(low), float(high)


@dataclass(frozen=True)
class Proportion:
    """So many of so many.

    Parameters
    ----------
    count, total : int
        `count` of `total`.
    """

    count: int
    total: int

    @classmethod
    def among(cls, answers: Iterable[bool]) -> Proportion:
        """The proportion of the answers that are true."""
        every = [bool(answer) for answer in answers]
        return cls(sum(every), len(every))

    @property
    def value(self) -> float:
        """0 to 1; NaN where there is nothing to count."""
        return self.count / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """95 % score interval (Wilson, Journal of the American Statistical Association 22, 209, 1927)."""
        if not self.total:
            return (math.nan, math.nan)
        found = stats.binomtest(self.count, self.total).proportion_ci(0.95, method="wilson")
        return (float(found.low), float(found.high))

    def __str__(self) -> str:
        if not self.total:
            return "–"
        low, high = self.interval
        return f"{self.count} of {self.total}, {100 * self.value:.0f} % ({100 * low:.0f} – {100 * high:.0f})"
