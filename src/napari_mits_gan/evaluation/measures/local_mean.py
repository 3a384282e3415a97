"""Whether local means stay true: what a change does to the mean HU that a radiologist reads in a 10 mm disc."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from napari_mits_gan.ct.constants import REGION_OF_INTEREST_MM


def disc(diameter_mm: float, spacing_yx: tuple[float, float]) -> NDArray[np.bool_]:
    """Voxels (y, x) whose centres lie in a disc around the middle voxel."""
    reach = [int(diameter_mm / 2 / s) for s in spacing_yx]
    y, x = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    return (y * spacing_yx[0]) ** 2 + (x * spacing_yx[1]) ** 2 <= (diameter_mm / 2) ** 2


def local_mean_change(
    reference_hu: NDArray[np.number],
    changed_hu: NDArray[np.number],
    spacing: tuple[float, float, float],
    *,
    body: NDArray[np.bool_],
    diameter_mm: float = REGION_OF_INTEREST_MM,
) -> NDArray[np.float32]:
    """Change of the mean over a disc within a slice, for every disc centred in the body.

    Parameters
    ----------
    reference_hu, changed_hu : ndarray, shape (z, y, x)
        HU.
    spacing : tuple of float
        mm (z, y, x).
    body : ndarray of bool, shape (z, y, x)
        Where discs are centred; voxels of a disc that lie outside do not count.
    diameter_mm : float
        Of the disc.

    Returns
    -------
    ndarray of float32, shape (number of voxels in the body,)
        Signed change in HU, in the order of `body`'s voxels.
    """
    weights = disc(diameter_mm, spacing[1:]).astype(np.float64)
    found = [np.empty(0, dtype=np.float32)]
    for reference, changed, inside in zip(reference_hu, changed_hu, body, strict=True):
        box = ndimage.find_objects(inside.astype(np.uint8))
        if not box:
            continue
        within = inside[box[0]]
        change = np.where(within, changed[box[0]].astype(np.float64) - reference[box[0]], 0.0)
        total = signal.oaconvolve(change, weights, mode="same")
        count = signal.oaconvolve(within.astype(np.float64), weights, mode="same")
        found.append((total[within] / count[within].round()).astype(np.float32))
    return np.concatenate(found)


def local_mean_change_percentile(changes_hu: NDArray[np.floating], percentile: float = 95.0) -> float:
    """The percentile of the absolute changes (HU, any shape) that `local_mean_change` found; 0 where there are none."""
    return float(np.percentile(np.abs(changes_hu), percentile)) if changes_hu.size else 0.0
