"""The whole numbers whose lowest bits carry the seal: HU, or steps of the stored values where a step is more than 1 HU.

A file with a slope of 2 HU holds every other HU only; the lowest bit of the HU is then no free bit. There the seal
works on the steps. A check has nothing but HU, so it also guesses the steps from the values that occur.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.constants import HU_MAX, HU_MIN
from napari_mits_gan.ct.dicom.rescale import Rescale, to_hu
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import EvidenceError

_FEW_VALUES = 16
_FINEST_SLOPE = 1.02
_ON_LATTICE = 0.8
"""Share of the values, weighted by how frequent they are, that a guessed lattice has to hold."""


class SealError(EvidenceError):
    """A scan cannot be sealed, checked or healed."""


@dataclass(frozen=True)
class Lattice:
    """HU that a file can hold, numbered.

    Parameters
    ----------
    slope : float
        HU per step; 0 where every whole HU can be held and the numbers are the HU themselves.
    intercept : float
        HU of the step 0.
    """

    slope: float = 0.0
    intercept: float = 0.0

    @property
    def is_hu(self) -> bool:
        """Whether the numbers are the HU themselves."""
        return self.slope == 0

    def steps(self, hu: NDArray[np.int16]) -> NDArray[np.int16]:
        """The number nearest to each HU."""
        if self.is_hu:
            return hu
        exact = np.rint((hu.astype(np.float64) - self.intercept) / self.slope)
        return np.clip(exact, HU_MIN, HU_MAX).astype(np.int16)

    def hu(self, steps: NDArray[np.int16]) -> NDArray[np.int16]:
        """The HU of each number, rounded as reading a file rounds them."""
        if self.is_hu:
            return steps
        return to_hu(steps, Rescale(self.slope, self.intercept))[0]

    def off(self, hu: NDArray[np.int16], steps: NDArray[np.int16]) -> NDArray[np.bool_] | None:
        """Where `hu` is no HU of this lattice; None where that cannot be."""
        return None if self.is_hu else self.hu(steps) != hu


def lattice_of(volume: CTVolume) -> tuple[Lattice, int, int]:
    """The lattice of a volume to be sealed, and the lowest and highest number that its file can store.

    Parameters
    ----------
    volume : CTVolume
        The scan.

    Returns
    -------
    lattice : Lattice
    lowest, highest : int
        What every slice can store.

    Raises
    ------
    SealError
        If the slices are rescaled so differently that no whole numbers are common to them.
    """
    if volume.dicom is None:
        return Lattice(), HU_MIN, HU_MAX
    formats = {(s.header.rescale, s.header.stored_format) for s in volume.dicom.slices}
    rescales = {rescale for rescale, _ in formats}
    lattice = Lattice()
    if not all(rescale is not None and _holds_every_hu(rescale) for rescale in rescales):
        slopes = {(r.slope, r.intercept) for r in rescales if r is not None}
        if len(slopes) != 1:
            raise SealError(
                "The slices of this series are rescaled differently, by more than 1 HU a step, so that their values "
                "have no common steps to seal; convert the series to whole HU first."
            )
        slope, intercept = next(iter(slopes))
        lattice = _single(abs(slope), intercept)
    lowest, highest = HU_MIN, HU_MAX
    for rescale, stored in formats:
        assert rescale is not None  # the reader made sure
        assert stored is not None
        ends = [lattice_number(value, rescale, lattice) for value in (stored.lowest, stored.highest)]
        lowest, highest = max(lowest, min(ends)), min(highest, max(ends))
    if not lattice.is_hu:  # steps whose HU int16 cannot hold were clipped by reading
        hu_ends = np.array([HU_MIN, HU_MAX], np.int16)
        inside = np.sort(lattice.steps(hu_ends))
        lowest, highest = max(lowest, int(inside[0]) + 1), min(highest, int(inside[1]) - 1)
        numbers = np.arange(lowest, highest + 1).astype(np.int16)
        exact = Lattice(abs(slope), intercept)
        if not np.array_equal(lattice.hu(numbers), exact.hu(numbers)):
            raise SealError(
                f"The rescale slope {slope} has too many digits to be sealed; convert the series to whole HU."
            )
    return lattice, lowest, highest


def _single(slope: float, intercept: float) -> Lattice:
    """A lattice with numbers of single precision, which is how a seal records it."""
    return Lattice(float(np.float32(slope)), float(np.float32(intercept)))


def lattice_number(stored: int, rescale: Rescale, lattice: Lattice) -> int:
    """The number of a stored value, rounded towards the middle of the range where it is no whole number."""
    exact = stored * rescale.slope + rescale.intercept
    if lattice.is_hu:
        return int(np.trunc(exact)) if rescale.slope >= 1 or exact == round(exact) else int(np.rint(exact))
    return round((exact - lattice.intercept) / lattice.slope)


def _holds_every_hu(rescale: Rescale) -> bool:
    """Whether each whole HU is what some stored value is read as."""
    if rescale.is_shift:
        return True
    if abs(rescale.slope) > 1:
        return False
    hu = np.arange(-1100, 3100)
    stored = np.rint((hu - rescale.intercept) / rescale.slope)
    return bool(np.array_equal(np.rint(stored * rescale.slope + rescale.intercept), hu))


def likely_lattices(volume: CTVolume) -> list[Lattice]:
    """What the numbers of a volume may be, likeliest first: its file's steps, HU, steps guessed from the values.

    A guess may number the steps from another place than the file did; so each is offered from four places, since only
    the lowest two bits of the numbers matter.
    """
    found = [Lattice()]
    if volume.dicom is not None:
        header = volume.dicom.slices[0].header
        if header.rescale is not None and not _holds_every_hu(header.rescale):
            found.insert(0, _single(abs(header.rescale.slope), header.rescale.intercept))
    guess = _guess(volume.hu)
    if guess is not None:
        found += [Lattice(guess.slope, guess.intercept - shift * guess.slope) for shift in range(4)]
    return found


def _guess(hu: NDArray[np.int16]) -> Lattice | None:
    """Slope and intercept of a lattice coarser than 1 HU on which nearly all values lie; None where there is none.

    Values of such a lattice recur with its slope as their period: the period is where their spectrum is strongest, near
    the mean gap between neighbouring frequent values.
    """
    sample = hu.ravel()[:: max(1, hu.size // 4_000_000)]
    counts = np.bincount(sample.astype(np.int32) - HU_MIN, minlength=1 << 16)
    present = np.flatnonzero(counts)
    if len(present) < _FEW_VALUES:
        return None
    frequent = present[counts[present] >= max(2, 0.02 * np.percentile(counts[present], 90))]
    gaps = np.diff(frequent)
    gaps = gaps[gaps <= np.median(gaps) + 1] if gaps.size else gaps
    if gaps.size < _FEW_VALUES or gaps.mean() < _FINEST_SLOPE:
        return None
    values = present + HU_MIN
    weights = np.minimum(counts[present], np.percentile(counts[present], 75)).astype(np.float64)
    about, reach = 1 / gaps.mean(), float(values[-1] - values[0])
    frequencies = np.arange(0.96 * about, 1.04 * about, 0.05 / reach)
    waves = np.array([np.sum(weights * np.exp(2j * np.pi * f * values)) for f in frequencies])
    best = int(np.abs(waves).argmax())
    slope = float(1 / frequencies[best])
    intercept = float(slope * np.angle(waves[best]) / (2 * np.pi))
    # Halves are rounded to even, which only the exact numbers tell.
    guesses = [Lattice(slope, intercept), Lattice(round(2 * slope) / 2, round(2 * intercept) / 2)]
    shares = [float(weights[g.hu(g.steps(values.astype(np.int16))) == values].sum()) for g in guesses]
    likeliest = int(np.argmax(shares))
    return guesses[likeliest] if shares[likeliest] > _ON_LATTICE * weights.sum() else None
