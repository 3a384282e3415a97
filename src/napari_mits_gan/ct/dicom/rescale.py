"""The one place that converts stored pixel values into HU; `storage` has the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.constants import HU_MAX, HU_MIN


@dataclass(frozen=True)
class Rescale:
    """`HU = slope * stored + intercept`, as one slice states it.

    Parameters
    ----------
    slope : float
        HU per stored step; never 0.
    intercept : float
        HU of the stored value 0.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.slope) and np.isfinite(self.intercept) and self.slope != 0):
            raise ValueError(f"slope {self.slope} and intercept {self.intercept} do not map stored values to HU")

    @property
    def is_shift(self) -> bool:
        """Whether stored values and HU differ by a whole number only, so that nothing is ever rounded."""
        return self.slope == 1.0 and self.intercept == round(self.intercept) and abs(self.intercept) <= 2**16


@dataclass(frozen=True)
class StoredFormat:
    """Range of the stored values of one slice.

    Parameters
    ----------
    bits_allocated : {8, 16}
        Bits that one value takes in the file.
    bits_stored : int
        Bits that carry the value.
    high_bit : int
        Number of the highest of them.
    signed : bool
        Whether they are two's complement.
    """

    bits_allocated: int = 16
    bits_stored: int = 16
    high_bit: int = 15
    signed: bool = True

    @property
    def dtype(self) -> np.dtype[np.integer]:
        """NumPy type that holds one allocated value, little endian."""
        return np.dtype(f"<{'i' if self.signed else 'u'}{self.bits_allocated // 8}")

    @property
    def lowest(self) -> int:
        """Smallest stored value that the bits can hold."""
        return -(1 << (self.bits_stored - 1)) if self.signed else 0

    @property
    def highest(self) -> int:
        """Largest stored value that the bits can hold."""
        return (1 << (self.bits_stored - 1)) - 1 if self.signed else (1 << self.bits_stored) - 1

    def clean(self, values: NDArray[np.integer]) -> NDArray[np.integer]:
        """`values` without what other bits of the word hold (overlays of old files), sign extended."""
        if self.bits_stored == self.bits_allocated:
            return values.astype(self.dtype, copy=False)
        wide = (values.astype(np.int32) >> (self.high_bit + 1 - self.bits_stored)) & ((1 << self.bits_stored) - 1)
        if self.signed:
            wide = np.where(wide > self.highest, wide - (1 << self.bits_stored), wide)
        return wide.astype(self.dtype)


def to_hu(stored: NDArray[np.integer], rescale: Rescale) -> tuple[NDArray[np.int16], NDArray[np.bool_] | None]:
    """HU of stored values, rounded to whole HU.

    Parameters
    ----------
    stored : ndarray of int, any shape
        Stored values.
    rescale : Rescale
        The slice's own slope and intercept.

    Returns
    -------
    hu : ndarray of int16, same shape
        HU, rounded half to even and clipped to the range of int16.
    clipped : ndarray of bool, same shape, or None
        True where the HU lie outside the range of int16; None where they all lie inside.
    """
    if rescale.is_shift:
        shift = int(rescale.intercept)
        low, high = int(stored.min(initial=0)) + shift, int(stored.max(initial=0)) + shift
        if low >= HU_MIN and high <= HU_MAX:
            # The sum fits, so arithmetic modulo 2**16 gives it without a wider array.
            hu = stored.astype(np.int16)
            if shift:
                np.add(hu, np.array(shift & 0xFFFF, np.uint16).view(np.int16), out=hu)
            return hu, None
        exact = stored.astype(np.float64) + shift
    else:
        exact = np.rint(stored.astype(np.float64) * rescale.slope + rescale.intercept)
    clipped = (exact < HU_MIN) | (exact > HU_MAX)
    return np.clip(exact, HU_MIN, HU_MAX).astype(np.int16), clipped if clipped.any() else None
