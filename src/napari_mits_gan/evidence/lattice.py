"""The whole numbers whose lowest bits carry the seal: HU, or steps of the stored values where a step is more than 1 HU.

A file with a slope of 2 HU holds every other HU only; the lowest bit of the HU is then no free bit. There the seal
works on the steps. A check has nothing but HU, so it also guesses the steps from the values that occur.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.rescale import Rescale, to_hu
from napari_mits_gan.ct.volume import HU_MAX, HU_MIN, CTVolume
from napari_mits_gan.errors import MitsGanError

_RARE = 1e-5
"""Share of the voxels below which a value is taken for a change, not for one that the file can hold."""
_FEW_VALUES = 16


class SealError(MitsGanError):
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
        lattice = Lattice(abs(slope), intercept)
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
    return lattice, lowest, highest


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
    """What the numbers of a volume may be, the likeliest first: HU, its file's steps, and steps guessed from the values.

    A guess may number the steps from another place than the file did; so each is offered from four places, since only
    the lowest two bits of the numbers matter.
    """
    found = [Lattice()]
    if volume.dicom is not None:
        header = volume.dicom.slices[0].header
        if header.rescale is not None and not _holds_every_hu(header.rescale):
            found.insert(0, Lattice(abs(header.rescale.slope), header.rescale.intercept))
    guess = _guess(volume.hu)
    if guess is not None:
        found += [Lattice(guess.slope, guess.intercept - shift * guess.slope) for shift in range(4)]
    return found


def _guess(hu: NDArray[np.int16]) -> Lattice | None:
    """Slope and intercept of a lattice coarser than 1 HU on which nearly all values lie; None where there is none."""
    counts = np.bincount((hu.ravel()[:: max(1, hu.size // 4_000_000)].astype(np.int32) - HU_MIN), minlength=1 << 16)
    values = np.flatnonzero(counts > _RARE * counts.sum()) + HU_MIN
    if len(values) < _FEW_VALUES:
        return None
    # Where the scan has every value of the lattice, values are consecutive steps: the longest run of small gaps.
    gaps = np.diff(values)
    typical = float(np.median(gaps))
    breaks = np.flatnonzero(gaps > typical + 1)
    starts = np.concatenate([[0], breaks + 1])
    ends = np.concatenate([breaks + 1, [len(values)]])
    longest = int(np.argmax(ends - starts))
    run = values[starts[longest] : ends[longest]]
    if len(run) < _FEW_VALUES:
        return None
    slope = (run[-1] - run[0]) / (len(run) - 1)
    if slope < 1.02:
        return None
    place = np.arange(len(run))
    # Rounding leaves a band of lines that all fit; the middle of what fits is taken.
    for _ in range(3):
        intercept = float(((run - slope * place).max() + (run - slope * place).min()) / 2)
        slope = float(np.sum(place * (run - intercept)) / np.sum(place * place))
    guess = Lattice(slope, intercept)
    on = guess.hu(guess.steps(values.astype(np.int16))) == values
    return guess if on.mean() > 0.9 else None
