"""How sure a figure is that comes from a few places: percentile bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

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
    """Interval of a statistic under resampling of the places, with replacement.

    Parameters
    ----------
    values : ndarray of float, shape (n,) or (n, k)
        One row per place; figures of the same place stay together.
    statistic : callable
        Takes all resamples at once, shape (resamples, n) or (resamples, n, k), and returns shape (resamples,).
    level : float
        Share of the resamples inside the interval.
    resamples : int
        How many are drawn.
    seed : int
        The same seed gives the same interval.

    Returns
    -------
    tuple of float
        Low and high end.
    """
    rows = np.random.default_rng(seed).integers(len(values), size=(resamples, len(values)))
    found = statistic(np.asarray(values, dtype=np.float64)[rows])
    # "nearest" takes figures that occurred, so infinite ones do no harm.
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], method="nearest")
    return float(low), float(high)
