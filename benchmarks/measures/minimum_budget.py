"""The minimum budget: the smallest largest change at which 95 % of the attacks are disrupted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE
from napari_mits_gan.evaluation.measures.intervals import bootstrap_interval

WANTED_SHARE = 0.95


@dataclass(frozen=True, eq=False)
class MinimumBudget:
    """Deviations of one attacker at several budgets.

    Parameters
    ----------
    budgets_hu : tuple of int
        Largest changes, rising.
    deviations : ndarray of float64, shape (sites, budgets)
        See `disruption.deviation`.

    Raises
    ------
    ValueError
        If the budgets do not rise, or there is not one deviation for each of them at each site.
    """

    budgets_hu: tuple[int, ...]
    deviations: NDArray[np.float64]

    def __post_init__(self) -> None:
        if list(self.budgets_hu) != sorted(set(self.budgets_hu)) or not self.budgets_hu:
            raise ValueError(f"budgets must rise; they are {self.budgets_hu}")
        if self.deviations.ndim != 2 or self.deviations.shape[1] != len(self.budgets_hu) or not len(self.deviations):
            raise ValueError(f"deviations must be (sites, {len(self.budgets_hu)}); they are {self.deviations.shape}")

    @classmethod
    def pooled(cls, parts: Sequence[MinimumBudget]) -> MinimumBudget:
        """The sites of several scans together; all at the same budgets."""
        return cls(parts[0].budgets_hu, np.concatenate([part.deviations for part in parts]))

    @property
    def needed_hu(self) -> NDArray[np.float64]:
        """For each site, the budget from which on its attack is disrupted; infinite where none of them is enough.

        Between two budgets the deviation is taken to grow as a power of the budget, as it nearly does.
        """
        out = np.full(len(self.deviations), math.inf)
        budgets = np.log(np.array(self.budgets_hu, dtype=np.float64))
        for i, row in enumerate(np.log(np.maximum(self.deviations, 1e-12))):
            below = np.flatnonzero(row <= math.log(DISRUPTED_ABOVE))
            if len(below) == 0:
                out[i] = self.budgets_hu[0]
            elif below[-1] + 1 < len(budgets):
                k = int(below[-1])
                weight = (math.log(DISRUPTED_ABOVE) - row[k]) / (row[k + 1] - row[k])
                out[i] = math.exp(budgets[k] + weight * (budgets[k + 1] - budgets[k]))
        return out

    @property
    def hu(self) -> float:
        """The smallest budget in HU that disrupts 95 % of the attacks; infinite if none of those tried does."""
        return float(_quantile(self.needed_hu[None])[0])

    @property
    def interval(self) -> tuple[float, float]:
        """95 % bootstrap interval of `hu`, resampling sites."""
        return bootstrap_interval(self.needed_hu, _quantile)


def _quantile(needed: NDArray[np.float64]) -> NDArray[np.float64]:
    """95 % quantile of each row, as one of its figures, so that infinite ones do no harm."""
    return np.asarray(np.quantile(needed, WANTED_SHARE, axis=1, method="inverted_cdf"))
