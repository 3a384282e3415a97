"""A share of so many, with Wilson's interval."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_Z_95 = 1.959964


@dataclass(frozen=True)
class Share:
    """How many of how many.

    Parameters
    ----------
    found, of : int
        `found` of `of`.
    """

    found: int
    of: int

    @classmethod
    def among(cls, answers: Iterable[bool]) -> Share:
        """The share of the answers that are true."""
        every = [bool(answer) for answer in answers]
        return cls(sum(every), len(every))

    @property
    def value(self) -> float:
        """0 to 1; NaN of nothing."""
        return self.found / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """95 % score interval (Wilson, Journal of the American Statistical Association 22, 209, 1927)."""
        if not self.of:
            return (math.nan, math.nan)
        p, n, z2 = self.value, self.of, _Z_95**2
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = _Z_95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        return (max(0.0, middle - half), min(1.0, middle + half))

    def __str__(self) -> str:
        if not self.of:
            return "–"
        low, high = self.interval
        return f"{self.found} of {self.of}, {100 * self.value:.0f} % ({100 * low:.0f} – {100 * high:.0f})"
