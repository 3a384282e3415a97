"""The highest places of a map, each counted once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.grid import Spacing, Voxel

_MOST = 50


def peaks(
    values: NDArray[np.float32], least: float, apart_mm: float, spacing: Spacing, most: int = _MOST
) -> list[tuple[Voxel, float]]:
    """Voxels (z, y, x) with at least this value and none higher within `apart_mm`, highest first.

    Parameters
    ----------
    values : ndarray of float32, shape (z, y, x)
        A map of scores.
    least : float
        Lower ones are left out.
    apart_mm : float
        Least distance between two peaks.
    spacing : tuple of float
        mm (z, y, x).
    most : int
        No more than this many.
    """
    places = np.argwhere(values >= least)
    scores = values[tuple(places.T)]
    found: list[tuple[Voxel, float]] = []
    left = np.argsort(-scores, kind="stable")
    places_mm = places * np.asarray(spacing)
    while left.size and len(found) < most:
        first = left[0]
        z, y, x = (int(v) for v in places[first])
        found.append(((z, y, x), float(scores[first])))
        left = left[np.linalg.norm(places_mm[left] - places_mm[first], axis=1) >= apart_mm]
    return found
