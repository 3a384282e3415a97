"""Whether the mark is missing in a window, from what its bins hold of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.mark.detect import THRESHOLD
from napari_mits_gan.evidence.mark.likelihood import Likelihood
from napari_mits_gan.evidence.mark.windows import WINDOWS, absence

BIN_MM = (2.0, 2.0, 2.0)
PLACE = (15, 15, 15)


def _score(change: NDArray[np.float64]) -> float:
    """The highest score where each bin should hold about 5 of the mark, with a spread of 2."""
    rng = np.random.default_rng(0)
    expected = rng.uniform(4, 6, change.shape).astype(np.float32)
    likeness = expected + rng.normal(0, 2, change.shape) + change
    sums = Likelihood(likeness.astype(np.float32), expected, np.full(change.shape, 16, np.float32))
    return float(absence(sums, WINDOWS[0], BIN_MM, 0.5).score.max())


def test_a_missing_mark_is_told_from_an_edge_in_one_bin_that_weighs_as_much() -> None:
    missing, edge = np.zeros((30, 30, 30)), np.zeros((30, 30, 30))
    missing[tuple(slice(p - 2, p + 2) for p in PLACE)] = -5
    edge[PLACE] = missing.sum()

    assert _score(np.zeros_like(edge)) < 6
    assert _score(missing) > THRESHOLD + 5
    assert _score(edge) < THRESHOLD
