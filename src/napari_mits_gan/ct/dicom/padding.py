"""Which stored values are padding: pixels outside the field of view where the scanner measured nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.dicom.rescale import Rescale, StoredFormat

AIR_HU = -1024
"""Nothing that a scanner measures on its usual scale lies below this; a lower constant is a filler."""


@dataclass(frozen=True)
class PaddingRange:
    """Stored values that mean "nothing measured here".

    Parameters
    ----------
    lowest, highest : int
        The range, both included.
    filler : int
        The one of them that is written for padding.
    """

    lowest: int
    highest: int
    filler: int

    def mask(self, stored: NDArray[np.integer]) -> NDArray[np.bool_]:
        """True where `stored` is padding."""
        if self.lowest == self.highest:
            return np.asarray(stored == self.lowest)
        return np.asarray((stored >= self.lowest) & (stored <= self.highest))


def declared(value: int | None, limit: int | None, stored_format: StoredFormat) -> PaddingRange | None:
    """The padding that the header states, as stored values of the slice's own sign.

    Many files state a signed value as unsigned (63536 for -2000); the bits are the same.
    """
    if value is None:
        return None
    bounds = [value, value if limit is None else limit]
    if stored_format.signed:
        bounds = [b - (1 << stored_format.bits_allocated) if b > stored_format.highest else b for b in bounds]
    else:
        bounds = [b + (1 << stored_format.bits_allocated) if b < 0 else b for b in bounds]
    return PaddingRange(min(bounds), max(bounds), bounds[0])


def undeclared(stored: NDArray[np.integer], rescale: Rescale) -> PaddingRange | None:
    """The filler of a slice whose header does not state it (or states another value).

    A value counts as filler if all four corners have it, nothing in the slice lies lower, and it lies below -1024 HU,
    where nothing is measured. What lies beyond it, where the slice has no value, counts as filler too: a value there
    would make the filler look measured.
    """
    corner = int(stored[0, 0])
    if not (corner == stored[0, -1] == stored[-1, 0] == stored[-1, -1]):
        return None
    extreme = stored.min() if rescale.slope > 0 else stored.max()
    if corner != int(extreme) or corner * rescale.slope + rescale.intercept >= AIR_HU:
        return None
    limits = np.iinfo(stored.dtype)
    return PaddingRange(*((limits.min, corner) if rescale.slope > 0 else (corner, limits.max)), corner)


def padding_mask(
    stored: NDArray[np.integer], rescale: Rescale, stated: PaddingRange | None
) -> tuple[NDArray[np.bool_] | None, tuple[PaddingRange, ...]]:
    """Where one slice is padding, and which stored values mean it there.

    Parameters
    ----------
    stored : ndarray of int, shape (y, x)
        Stored values of one slice.
    rescale : Rescale
        Its slope and intercept.
    stated : PaddingRange or None
        What its header states.

    Returns
    -------
    mask : ndarray of bool, shape (y, x), or None
        None where there is no padding.
    ranges : tuple of PaddingRange
        The stated range and the undeclared one, as far as there are any.
    """
    ranges = tuple(r for r in (stated, undeclared(stored, rescale)) if r is not None)
    mask: NDArray[np.bool_] | None = None
    for padding in ranges:
        found = padding.mask(stored)
        if found.any():
            mask = found if mask is None else mask | found
    return mask, ranges
