"""Weights of the features from which a coefficient's size is expected, fitted to the scan at hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.copy_codec.contexts import CONSTANT, FEATURES, WEIGHT_LOG2, Places, Sizes, Weights

_LARGEST_WEIGHT = 1 << WEIGHT_LOG2
_MOST_SAMPLES = 10_000
_PRIOR_SAMPLES = 30
# Constant, same place in the band before, sum over 3 x 3 in this level, same place and 3 x 3 one level coarser, four
# neighbours, four above and below (halved), four diagonal ones.
_PRIOR = np.array([0.01, 0.1, 0.01, 0.02, 0.01, 0.1, 0.05, 0.05])


class WeightFit:
    """Least squares over all slabs seen, each sample weighted by the inverse of its variance as first expected."""

    def __init__(self, bands: int) -> None:
        self._products = np.zeros((bands, 4, FEATURES, FEATURES))
        self._targets = np.zeros((bands, 4, FEATURES))

    def __call__(self, number: int, phase: int, features: list[Sizes], sizes: Sizes, places: Places) -> Weights:
        """Take in one quarter of a band, as far as it is coded, and return the weights so far."""
        coded = np.arange(sizes.size) if places is None else places
        every = max(1, len(coded) // _MOST_SAMPLES)
        some = coded[::every]
        columns = np.zeros((len(some), FEATURES))
        columns[:, 0] = CONSTANT
        for i, feature in enumerate(features, start=1):
            columns[:, i] = feature.reshape(-1).take(some)
        target = sizes.reshape(-1).take(some).astype(np.float64)
        first = columns @ _PRIOR + 0.1
        weighted = columns / (first * first)[:, None]
        self._products[number, phase] += every * (weighted.T @ columns)
        self._targets[number, phase] += every * (weighted.T @ target)
        return self._solve(number, phase)

    def __add__(self, other: WeightFit) -> WeightFit:
        """What both have seen."""
        fit = WeightFit(len(self._products))
        fit._products = self._products + other._products
        fit._targets = self._targets + other._targets
        return fit

    def _solve(self, number: int, phase: int) -> Weights:
        products = self._products[number, phase].copy()
        diagonal = np.diag(products).copy()
        samples = max(diagonal[0], 1e-9)
        pull = diagonal * 1e-3 + samples * 1e-6 + 1e-9
        solution = np.linalg.solve(products + np.diag(pull), self._targets[number, phase] + pull * _PRIOR)
        return np.clip(np.round(solution * (1 << WEIGHT_LOG2)), -_LARGEST_WEIGHT, _LARGEST_WEIGHT).astype(np.int16)

    def weights(self) -> NDArray[np.int16]:
        """The weights of each quarter of each band."""
        bands = len(self._products)
        return np.stack([[self._solve(number, phase) for phase in range(4)] for number in range(bands)])
