"""The HU budget: whatever a method asks for, a protected scan differs by no more than this, and only in the body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.storable import EVERY_HU, StorableHU
from napari_mits_gan.errors import ProtectionError

MOST_HU = 200
"""No protection may be asked to change a voxel by more than this."""


def checked_budget(max_change_hu: int) -> int:
    """The budget as a whole number of HU, 1 to 200.

    Raises
    ------
    ProtectionError
        If it is something else.
    """
    if not float(max_change_hu).is_integer() or not 1 <= max_change_hu <= MOST_HU:
        raise ProtectionError(
            f"the largest change must be a whole number from 1 to {MOST_HU} HU; it is {max_change_hu}."
        )
    return int(max_change_hu)


def apply_within_budget(
    hu: NDArray[np.int16],
    change_hu: NDArray[np.floating],
    max_change_hu: int,
    allowed: NDArray[np.bool_],
    storable: StorableHU = EVERY_HU,
) -> NDArray[np.int16]:
    """Add a change, rounded to HU that can be stored, cut to the budget, and only where it is allowed.

    Parameters
    ----------
    hu : ndarray of int16, shape (..., y, x)
        The scan, or some of its slices.
    change_hu : ndarray of float, same shape
        What the method asks for.
    max_change_hu : int
        The budget.
    allowed : ndarray of bool, same shape
        Voxels that may change: the body, without padding.
    storable : StorableHU
        What the scan's source can store, so that the protected scan is exported as what it is.

    Returns
    -------
    ndarray of int16, same shape
    """
    whole = np.clip(np.rint(change_hu), -max_change_hu, max_change_hu) * allowed
    changed = storable.nearest_within(hu + whole.astype(np.int32), hu, max_change_hu)
    return np.where(whole != 0, changed, hu)
