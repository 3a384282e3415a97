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
    judged : int
        Number of windows.
    """

    score: NDArray[np.float32]
    share: NDArray[np.float32]
    judged: int


def absence(sums: Likelihood, window: Window, bin_mm: tuple[float, float, float], voxel_mm3: float) -> Absence:
    """Look through one window at every bin."""
    side = [max(1, round(window.side_mm / mm)) for mm in bin_mm]
    bins = float(np.prod(side))
    likeness, expected, voxels = (
        bins * ndimage.uniform_filter(values.astype(np.float64), side, mode="constant")
        for values in (sums.likeness, sums.expected, sums.voxels)
    )
    judged = (voxels * voxel_mm3 >= window.fewest_mm3) & (expected > 0)
    score, share = np.full(judged.shape, -np.inf, np.float32), np.ones(judged.shape, np.float32)
    t, e, n = likeness[judged], expected[judged], voxels[judged]
    if t.size:
        usual, spread = _expectation(t / e, e, n)
        score[judged] = (usual * e - t) / (spread * np.sqrt(e))
        share[judged] = t / np.maximum(usual * e, 1e-12)
    return Absence(score, share, t.size)


def _expectation(
    ratio: NDArray[np.float64], expected: NDArray[np.float64], voxels: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mark's usual strength and its spread in windows with as much noise as each; medians, whatever a few lack."""
    quiet = np.log(expected / voxels)
    groups = max(1, min(_GROUPS, len(ratio) // _FEWEST))
    edges = np.quantile(quiet, np.linspace(0, 1, groups + 1))
    group = np.clip(np.searchsorted(edges, quiet, side="right") - 1, 0, groups - 1)
    centres, usual, spread = (np.empty(groups) for _ in range(3))
    for g in range(groups):
        here = group == g
        if not here.any():
            here = np.ones(len(group), bool)
        centres[g], usual[g] = np.median(quiet[here]), np.median(ratio[here])
        off = (usual[g] - ratio[here]) * np.sqrt(expected[here])
        spread[g] = _NORMAL * np.median(np.abs(off))
    return np.interp(quiet, centres, usual), np.maximum(np.interp(quiet, centres, spread), 1e-9)
