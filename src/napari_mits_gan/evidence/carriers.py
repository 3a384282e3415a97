"""Which voxels carry bits of the seal: those whose value may change in its lowest bits and stays what it is.

A value's *level* is what is left of it without its carried bits. A voxel is a carrier if its level is: no padding, and
no part of it outside what the file can store. Embedding keeps the level, or moves to a neighbouring one that is a
carrier's too, so that the rule finds the same carriers afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.dicom.padding import AIR_HU
from napari_mits_gan.ct.volume import CTVolume

_UNDECLARED_SHARE = 0.01
"""Share of voxels with one and the same value, below -1024 HU and below all others, that is taken for padding."""


@dataclass(frozen=True)
class CarrierRule:
    """Values whose voxels carry bits.

    Parameters
    ----------
    bits : {1, 2}
        Lowest bits of a value that are carried.
    lowest, highest : int
        Values from `lowest` to `highest`, both included, are carriers' values; whole levels.
    without : tuple of int, or None
        First and last value of padding levels within that range, which carry nothing.
    """

    bits: int
    lowest: int
    highest: int
    without: tuple[int, int] | None = None

    def mask(self, values: NDArray[np.integer]) -> NDArray[np.bool_]:
        """True where a value is a carrier's."""
        inside = (values >= self.lowest) & (values <= self.highest)
        if self.without is not None:
            inside &= (values < self.without[0]) | (values > self.without[1])
        return np.asarray(inside)


def carrier_rule(
    values: NDArray[np.int16], padding: NDArray[np.bool_] | None, bits: int, lowest: int, highest: int
) -> CarrierRule:
    """The rule for a scan.

    Parameters
    ----------
    values : ndarray of int16, shape (z, y, x)
        Values of the scan.
    padding : ndarray of bool, shape (z, y, x), or None
        Where it is padding.
    bits : {1, 2}
        Bits carried.
    lowest, highest : int
        What the file can store.

    Returns
    -------
    CarrierRule
    """
    size = 1 << bits
    first, last = -(-lowest // size) * size, (highest + 1) // size * size - 1
    if padding is None or not padding.any():
        return CarrierRule(bits, first, last)
    (least, most), (low, high) = (_range(values, padding, of) for of in (False, True))
    low, high = low // size * size, high // size * size + size - 1
    if high < first or low > last:
        return CarrierRule(bits, first, last)
    # Padding lies at one end nearly always: then the range simply starts behind it.
    if low <= first or least >= low:
        return CarrierRule(bits, max(first, high + 1), last)
    if high >= last or most <= high:
        return CarrierRule(bits, first, min(last, low - 1))
    return CarrierRule(bits, first, last, (low, high))


def _range(values: NDArray[np.int16], mask: NDArray[np.bool_], of: bool) -> tuple[int, int]:
    """Least and greatest value where the mask is `of`, slice by slice to spare memory; (32767, -32768) for none."""
    low, high = 32767, -32768
    for plane, there in zip(values, mask, strict=True):
        low = min(low, int(np.where(there == of, plane, np.int16(32767)).min(initial=32767)))
        high = max(high, int(np.where(there == of, plane, np.int16(-32768)).max(initial=-32768)))
    return low, high


def padding_of(volume: CTVolume) -> NDArray[np.bool_] | None:
    """Where a volume is padding: what its reader says, else where it has an undeclared filler below -1024 HU."""
    if volume.padding is not None:
        return volume.padding
    low = int(volume.hu.min())
    if low >= AIR_HU:
        return None
    filler = np.asarray(volume.hu == low)
    return filler if filler.mean() >= _UNDECLARED_SHARE else None


def nearest_changes(rule: CarrierRule, kept: Sequence[int] = ()) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """By how much each value has to change to carry certain bits.

    Parameters
    ----------
    rule : CarrierRule
        The rule that says which levels are carriers'.
    kept : sequence of int
        Values that no change crosses: what is below stays below, as long as the rule leaves another way.

    Returns
    -------
    change : ndarray of int8, shape (65536, values of a level)
        For a carrier's value, as uint16, and the bits that it shall carry: the smallest change, at most 1 either way
        for one bit; for two bits at most 2, or 3 beside one of the `kept` values or a level that carries nothing.
        Upwards where two are equally small.
    opposite : ndarray of bool, same shape
        Where the value may as well be changed the opposite way, to the next one that carries the same bits.
    """
    size = 1 << rule.bits
    values = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)[:, None]
    within = (values & ~(size - 1)) + np.arange(size) - values
    # The other value with these bits that may be as near or nearer: for two bits 0 -> 3 becomes 0 -> -1.
    other = within - np.sign(within) * size
    possible = (within != 0) & rule.mask(values + other)
    crossing, crossing_too = (_crosses(values, change, kept) for change in (within, other))
    worse = crossing.astype(np.int8) - crossing_too
    farther = np.abs(other) - np.abs(within)
    take = possible & ((worse > 0) | ((worse == 0) & ((farther < 0) | ((farther == 0) & (other > 0)))))
    return np.where(take, other, within).astype(np.int8), np.asarray(possible & (worse == 0))


def _crosses(values: NDArray[np.int32], change: NDArray[np.int32], kept: Sequence[int]) -> NDArray[np.bool_]:
    """Whether a change takes a value from one side of any of the `kept` values to the other."""
    limits = np.sort(np.asarray(kept, np.int32))
    return np.asarray(np.searchsorted(limits, values, "right") != np.searchsorted(limits, values + change, "right"))
