"""The whole numbers whose lowest bits carry the seal: HU, or steps of the stored values where a step is more than 1 HU.

A file with a slope of 2 HU holds every other HU only; the lowest bit of the HU is then no free bit. There the seal
works on the steps. A check has nothing but HU, so it also guesses the steps from the values that occur.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.constants import HU_MAX, HU_MIN
from napari_mits_gan.ct.dicom.rescale import Rescale, to_hu
from napari_mits_gan.ct.dicom.source import DicomSource
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import EvidenceError

_FEW_VALUES = 16
_FINEST_SLOPE = 1.02
_NEARLY = 2e-3
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
    """The lattice of a volume to be sealed, and the lowest and highest number that may be used of it.

    Parameters
    ----------
    volume : CTVolume
        The scan.

    Returns
    -------
    lattice : Lattice
    lowest, highest : int
        Every number between them can be stored in every slice, and is read back as the same HU.

    Raises
    ------
    SealError
        If the slices are rescaled so differently that no whole numbers are common to them.
    """
    levels = _common_levels(volume)
    gaps = np.diff(levels.astype(np.int32))
    if levels.size < _FEW_VALUES:
        raise SealError("The slices of this series have no values in common that all of them can store.")
    lattice = Lattice()
    if np.median(gaps) > 1 or gaps.mean() > _FINEST_SLOPE:
        rescales = {s.rescale for s in volume.source.slices} if isinstance(volume.source, DicomSource) else set()
        if len(rescales) != 1:
            raise SealError(
                "The slices of this series are rescaled differently, by more than 1 HU a step, so that their values "
                "have no common steps to seal; convert the series to whole HU first."
            )
        rescale = next(iter(rescales))
        lattice = _single(abs(rescale.slope), rescale.intercept)
        if lattice.off(levels, lattice.steps(levels)).any():  # type: ignore[union-attr]
            raise SealError(
                f"The rescale slope {rescale.slope} has too many digits to be sealed; convert the series to whole HU."
            )
    numbers = lattice.steps(levels).astype(np.int32)
    # Padding's value, or an end that int16 cannot hold, breaks the numbers; the run that holds the scan is taken.
    middle = int(np.median(lattice.steps(volume.hu[:: max(1, len(volume.hu) // 16)])))
    breaks = np.flatnonzero(np.diff(numbers) != 1)
    starts, ends = np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [numbers.size - 1]])
    holds = np.flatnonzero((numbers[starts] <= middle) & (middle <= numbers[ends]))
    run = int(holds[0]) if holds.size else int(np.argmax(ends - starts))
    return lattice, int(numbers[starts[run]]), int(numbers[ends[run]])


def _common_levels(volume: CTVolume) -> NDArray[np.int16]:
    """HU that every slice of a volume can store, ascending."""
    common: NDArray[np.int16] | None = None
    seen: set[int] = set()
    for z in range(len(volume.hu)):
        levels = volume.storable(z).levels
        if id(levels) in seen:
            continue
        seen.add(id(levels))
        common = levels if common is None else np.intersect1d(common, levels, assume_unique=True)
    assert common is not None  # a volume has a slice
    return common


def _single(slope: float, intercept: float) -> Lattice:
    """A lattice with numbers of single precision, which is how a seal records it."""
    return Lattice(float(np.float32(slope)), float(np.float32(intercept)))


def likely_lattices(volume: CTVolume) -> Iterator[Lattice]:
    """What the numbers of a volume may be, likeliest first: HU, its file's steps, steps guessed from the values.

    A guess may number the steps from another place than the file did; so each is offered from two places, since only
    the lowest bit of the numbers matters to find the header, and that has the true numbers.
    """
    yield Lattice()
    if isinstance(volume.source, DicomSource) and not volume.source.slices[0].storage.hu.is_gapless:
        rescale = volume.source.slices[0].rescale
        yield _single(abs(rescale.slope), rescale.intercept)
    guess = _guess(volume.hu)
    if guess is not None:
        for shift in range(2):
            yield Lattice(guess.slope, guess.intercept - shift * guess.slope)


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
    exact = round(2 * slope) / 2
    guesses = [Lattice(slope, intercept)]
    if abs(exact - slope) < _NEARLY * slope:
        guesses.append(Lattice(exact, round(2 * intercept) / 2))
    shares = [float(weights[g.hu(g.steps(values.astype(np.int16))) == values].sum()) for g in guesses]
    likeliest = int(np.argmax(shares))
    return guesses[likeliest] if shares[likeliest] > _ON_LATTICE * weights.sum() else None
