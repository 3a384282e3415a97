"""Histogram equalisation and normalisation: between HU and the units in which the network works.

CT-GAN (USENIX Security 2019), section 5.2 'Pre-processing'; published code `utils/equalizer.py`. Both directions are
piecewise linear, so they are differentiable almost everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LEVELS = 10_000
"""Number of histogram bins of the original."""

NORMALISED_LIMIT = 0.5
"""The network's output is clipped to plus and minus this value before HU are recovered."""


def _interpolate(x: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """`numpy.interp` with a gradient; where knots repeat, the last of them counts, as in NumPy."""
    below = (torch.searchsorted(knots, x.detach().contiguous(), right=True) - 1).clamp(0, len(knots) - 2)
    x0, x1, y0, y1 = knots[below], knots[below + 1], values[below], values[below + 1]
    width = x1 - x0
    slope = torch.where(width > 0, (y1 - y0) / torch.where(width > 0, width, 1.0), 0.0)
    inside = y0 + (x - x0) * slope
    return torch.where(x >= knots[-1], values[-1], torch.where(x < knots[0], values[0], inside))


@dataclass(frozen=True, eq=False)
class Calibration:
    """A monotone map from HU to the network's units, about -0.5 to 0.5.

    Parameters
    ----------
    bins_hu : ndarray of float64, shape (n,)
        HU of the knots, ascending.
    cdf : ndarray of float64, shape (n,)
        Cumulative counts at the knots, not descending.
    mean, minimum, maximum : float
        Normalisation of the equalised values: `(cdf - mean) / (maximum - minimum)`.
    """

    bins_hu: NDArray[np.float64]
    cdf: NDArray[np.float64]
    mean: float
    minimum: float
    maximum: float

    def __post_init__(self) -> None:
        if self.bins_hu.shape != self.cdf.shape or self.bins_hu.ndim != 1 or len(self.bins_hu) < 2:
            raise ValueError("a calibration needs two lists of the same length, two knots at least")
        if not (np.all(np.diff(self.bins_hu) > 0) and np.all(np.diff(self.cdf) >= 0)):
            raise ValueError("a calibration's HU must ascend and its cumulative counts must not descend")
        if not self.maximum > self.minimum:
            raise ValueError("a calibration's maximum must lie above its minimum")

    @classmethod
    def fit(cls, cubes_hu: NDArray[np.floating], levels: int = LEVELS) -> Calibration:
        """Fit to training cubes, as the original does.

        Parameters
        ----------
        cubes_hu : ndarray of float, shape (n, 32, 32, 32)
            Training cubes in HU.
        levels : int
            Number of bins.
        """
        counts, edges = np.histogram(cubes_hu, bins=levels)
        bins_hu = (edges + (edges[-1] - edges[0]) / len(edges) / 2)[:levels]
        cdf = np.cumsum(counts / len(cubes_hu))
        equalised = np.interp(cubes_hu, bins_hu, cdf)
        return cls(bins_hu, cdf, float(equalised.mean()), float(equalised.min()), float(equalised.max()))

    @classmethod
    def fixed_window(cls, low_hu: float, high_hu: float) -> Calibration:
        """A linear window in place of histogram equalisation: `low_hu` becomes -0.5, `high_hu` 0.5."""
        return cls(np.array([low_hu, high_hu], dtype=float), np.array([0.0, 1.0]), 0.5, 0.0, 1.0)

    def _knots(self, like: Tensor) -> tuple[Tensor, Tensor]:
        cache: dict[tuple[torch.dtype, torch.device], tuple[Tensor, Tensor]] = self.__dict__.setdefault("_cache", {})
        key = (like.dtype, like.device)
        if key not in cache:
            # Kept for later calls, so they must serve gradients even if the first call wants none.
            with torch.inference_mode(False):
                cache[key] = (
                    torch.as_tensor(self.bins_hu, dtype=like.dtype, device=like.device),
                    torch.as_tensor(self.cdf, dtype=like.dtype, device=like.device),
                )
        return cache[key]

    def normalise(self, hu: Tensor) -> Tensor:
        """HU, any shape, to the network's units."""
        bins_hu, cdf = self._knots(hu)
        return (_interpolate(hu, bins_hu, cdf) - self.mean) / (self.maximum - self.minimum)

    def denormalise(self, normalised: Tensor) -> Tensor:
        """The network's output, any shape, clipped to plus and minus 0.5, to HU."""
        bins_hu, cdf = self._knots(normalised)
        clipped = normalised.clamp(-NORMALISED_LIMIT, NORMALISED_LIMIT)
        return _interpolate(clipped * (self.maximum - self.minimum) + self.mean, cdf, bins_hu)

    def arrays(self) -> Mapping[str, NDArray[np.float64]]:
        """The calibration as named arrays, for storing beside weights."""
        return {"bins_hu": self.bins_hu, "cdf": self.cdf, "norm": np.array([self.mean, self.minimum, self.maximum])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float64]]) -> Calibration:
        """The calibration that `arrays()` described."""
        mean, minimum, maximum = (float(v) for v in arrays["norm"])
        return cls(np.asarray(arrays["bins_hu"], float), np.asarray(arrays["cdf"], float), mean, minimum, maximum)
