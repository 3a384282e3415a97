"""Is the mark missing in a window? Each window against what others of the same scan, with as much noise, hold of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.evidence.mark.likelihood import Likelihood

_GROUPS = 10
"""Windows are compared with those of like noise, in so many groups."""
_FEWEST = 200
"""Windows of a group."""
_WITH_IT = 0.9
"""Of all windows, this quantile surely has the mark,"""
_HAS_IT = 0.3
"""and those with so much of what it has do; where a coder took most, little more is left."""
_FEWEST_WITH_IT = 0.1
"""Share of a group that has to have the mark; else its neighbours say what is usual."""
_BINS_OF_OTHERS = 10
"""How many bins the spread of other windows counts for, beside a window's own bins."""
_NORMAL = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True)
class Window:
    """A window that is moved over the scan.

    Parameters
    ----------
    side_mm : float
        Side of a cube.
    bright : bool
        Whether only the bright voxels in it count, as those of a nodule.
    fewest_mm3 : float
        Volume below which a window is not judged.
    """

    side_mm: float
    bright: bool
    fewest_mm3: float


WINDOWS = (Window(7.0, False, 150.0), Window(14.0, False, 1000.0), Window(9.0, True, 100.0))


@dataclass(frozen=True, eq=False)
class Absence:
    """How surely the mark is missing around each bin.

    Parameters
    ----------
    score : ndarray of float32, shape (bins z, y, x)
        By how many standard deviations there is less of the mark than expected; -inf where that is not judged.
    share : ndarray of float32, same shape
        What is there of it, 1 being as much as elsewhere.
    """

    score: NDArray[np.float32]
    share: NDArray[np.float32]


def absence(sums: Likelihood, window: Window, bin_mm: tuple[float, float, float], voxel_mm3: float) -> Absence:
    """Look through one window at every bin.

    The bins of a window where the mark is missing differ no more among themselves than others do. Where they differ
    more, an edge or a vessel in some of them is what speaks against the mark: then their own spread counts.
    """
    side = [max(1, round(window.side_mm / mm)) for mm in bin_mm]
    size = float(np.prod(side))

    def sum_of(values: NDArray[np.generic]) -> NDArray[np.float64]:
        return np.asarray(size * ndimage.uniform_filter(values.astype(np.float64), side, mode="constant"))

    likeness, expected, voxels = (sum_of(values) for values in (sums.likeness, sums.expected, sums.voxels))
    judged = (voxels * voxel_mm3 >= window.fewest_mm3) & (expected > 0)
    score, share = np.full(judged.shape, -np.inf, np.float32), np.ones(judged.shape, np.float32)
    t, e, n = likeness[judged], expected[judged], voxels[judged]
    if t.size:
        there = sums.expected > 0
        likeness_squared = np.square(sums.likeness, dtype=np.float64)
        of_bins = np.divide(likeness_squared, sums.expected, where=there, out=np.zeros(there.shape))
        squares, bins = sum_of(of_bins)[judged], sum_of(there)[judged]
        usual, spread = _expectation(t / e, e, n)
        own = np.maximum(squares - t * t / e, 0) + _BINS_OF_OTHERS * spread**2
        own /= _BINS_OF_OTHERS + np.maximum(bins - 1, 0)
        spread = np.sqrt(np.maximum(spread**2, own))
        score[judged] = (usual * e - t) / (spread * np.sqrt(e))
        share[judged] = t / np.maximum(usual * e, 1e-12)
    return Absence(score, share)


def _expectation(
    ratio: NDArray[np.float64], expected: NDArray[np.float64], voxels: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mark's usual strength and its spread, in windows with as much noise as each window.

    Medians over the windows that have it, so that it makes no difference whether few or most lack it.
    """
    quiet = np.log(expected / voxels)
    groups = max(1, min(_GROUPS, len(ratio) // _FEWEST))
    edges = np.quantile(quiet, np.linspace(0, 1, groups + 1))
    group = np.clip(np.searchsorted(edges, quiet, side="right") - 1, 0, groups - 1)
    has_it = ratio >= _HAS_IT * np.quantile(ratio, _WITH_IT)
    known: list[tuple[float, float, float]] = []
    for g in range(groups):
        here = group == g
        with_it = here & has_it
        if np.count_nonzero(with_it) < _FEWEST_WITH_IT * np.count_nonzero(here):
            continue
        usual = float(np.median(ratio[with_it]))
        off = (usual - ratio[with_it]) * np.sqrt(expected[with_it])
        known.append((float(np.median(quiet[here])), usual, _NORMAL * float(np.median(np.abs(off)))))
    centres, usuals, spreads = np.array(known).T
    return np.interp(quiet, centres, usuals), np.maximum(np.interp(quiet, centres, spreads), 1e-9)
