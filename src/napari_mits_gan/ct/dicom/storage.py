"""The way back from HU to stored values: which HU a slice can store, and as what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.dicom.padding import PaddingRange
from napari_mits_gan.ct.dicom.rescale import Rescale, StoredFormat, to_hu
from napari_mits_gan.ct.storable import StorableHU


@dataclass(frozen=True, eq=False)
class Storage:
    """The HU that a slice can store, and the stored value of each.

    Parameters
    ----------
    hu : StorableHU
        The HU that are read back as the same HU.
    values : ndarray of int, shape of `hu.levels`
        Item i is stored for level i.
    """

    hu: StorableHU
    values: NDArray[np.integer]

    def stored(self, hu: NDArray[np.int16]) -> NDArray[np.integer]:
        """Stored values of the storable HU that are nearest to `hu`; of two equally near ones the lower."""
        low, high = self.hu.neighbours(hu)
        levels = self.hu.levels.astype(np.int32)
        return np.asarray(self.values[np.where(hu - levels[low] <= levels[high] - hu, low, high)])


@lru_cache(maxsize=64)
def storage_of(rescale: Rescale, stored_format: StoredFormat, padding: tuple[PaddingRange, ...] = ()) -> Storage:
    """What a slice with this rescale, these bits and this padding can store.

    Parameters
    ----------
    rescale : Rescale
        The slice's own slope and intercept.
    stored_format : StoredFormat
        The slice's own bits.
    padding : tuple of PaddingRange
        Stored values that mean padding in it, and so no HU.

    Returns
    -------
    Storage
        With a slope above 1 HU per step not every HU can be stored; with one below, of the several values that are read
        as the same HU the one nearest to it is stored.
    """
    values = np.arange(stored_format.lowest, stored_format.highest + 1)
    for outside in padding:
        values = values[~outside.mask(values)]
    hu, clipped = to_hu(values, rescale)
    if clipped is not None:
        values, hu = values[~clipped], hu[~clipped]
    off = np.abs(values * rescale.slope + rescale.intercept - hu)
    best_first = np.lexsort((off, hu))
    levels, first = np.unique(hu[best_first], return_index=True)
    return Storage(StorableHU(levels), values[best_first][first].astype(stored_format.dtype))
