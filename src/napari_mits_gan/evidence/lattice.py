"""The whole numbers whose lowest bits carry the seal: HU, or steps of the stored values where a step is more than 1 HU.

A file with a slope of 2 HU holds every other HU only; the lowest bit of the HU is then no free bit. There the seal
works on the steps. A check has nothing but HU, so it also guesses the steps from the values that occur.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.constants import HU_MAX, HU_MIN
from napari_mits_gan.ct.dicom.rescale import Rescale, to_hu
from napari_mits_gan.ct.dicom.source import DicomSource
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import EvidenceError

_FEW_VALUES = 16
_MANY = 1 << 16
_EVERY_VALUE = np.arange(_MANY, dtype=np.uint16).view(np.int16)
_FINEST_SLOPE = 1.02
_NEARLY = 2e-3
_BETWEEN = 0.4
"""Values off a guessed lattice, at most, as a part of those that would be off it by chance."""
_AROUND = 65
"""Values over which the frequency of a value's neighbours is averaged."""
_RARE = 1e-3
"""Values in surroundings so much rarer than the most frequent tell nothing; nor do those that occur once at most."""
_SPECTRUM, _COARSEST, _PEAKS, _PEAK_WIDTH = 1 << 17, 32, 8, 1 << 8
"""Frequencies of the spectrum; the coarsest slope looked for, in HU; how many peaks are, and how wide one is."""
_SAME = 0.03
"""Slopes that differ by less, as a part of them, are two guesses at one."""


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
        if hu.ndim == 3 and hu.size > _MANY:
            return _by_table(hu, self.steps(_EVERY_VALUE))
        exact = np.rint((hu.astype(np.float64) - self.intercept) / self.slope)
        return np.clip(exact, HU_MIN, HU_MAX).astype(np.int16)

    def hu(self, steps: NDArray[np.int16]) -> NDArray[np.int16]:
        """The HU of each number, rounded as reading a file rounds them."""
        if self.is_hu:
            return steps
        if steps.ndim == 3 and steps.size > _MANY:
            return _by_table(steps, self.hu(_EVERY_VALUE))
        return to_hu(steps, Rescale(self.slope, self.intercept))[0]

    def first_from(self, hu: int) -> int | None:
        """The lowest number whose HU is not below `hu`; None where there is none."""
        numbers = np.sort(_EVERY_VALUE)
        at = int(np.searchsorted(self.hu(numbers), hu))
        return int(numbers[at]) if at < numbers.size else None

    def off(self, hu: NDArray[np.int16], steps: NDArray[np.int16]) -> NDArray[np.bool_] | None:
        """Where `hu` is no HU of this lattice; None where that cannot be."""
        return None if self.is_hu else self.hu(steps) != hu


def _by_table(values: NDArray[np.int16], table: NDArray[np.int16]) -> NDArray[np.int16]:
    """What a table of all values gives, slice by slice: faster than arithmetic, and without a wide copy of the scan."""
    out = np.empty(values.shape, np.int16)
    for z, plane in enumerate(values):
        np.take(table, plane.view(np.uint16), out=out[z], mode="clip")
    return out


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
    common = volume.storable(0).levels
    seen = {id(common): common}  # kept, since another array may get the number of one that is gone
    for z in range(1, len(volume.hu)):
        levels = volume.storable(z).levels
        if id(levels) in seen:
            continue
        seen[id(levels)] = levels
        common = np.intersect1d(common, levels, assume_unique=True)
    return common


def _single(slope: float, intercept: float) -> Lattice:
    """A lattice with numbers of single precision, which is how a seal records it."""
    return Lattice(float(np.float32(slope)), float(np.float32(intercept)))


def stored_lattice(volume: CTVolume) -> Lattice:
    """The numbers that a volume's file holds, as far as it is known: whole HU, or the steps of a coarse series."""
    if isinstance(volume.source, DicomSource) and not volume.source.slices[0].storage.hu.is_gapless:
        rescale = volume.source.slices[0].rescale
        return _single(abs(rescale.slope), rescale.intercept)
    return Lattice()


def likely_lattices(volume: CTVolume) -> Iterator[Lattice]:
    """What the numbers of a volume may be, likeliest first: HU, its file's steps, steps guessed from the values.

    A guess may number the steps from another place than the file did; so each is offered from two places, since only
    the lowest bit of the numbers matters to find the header, and that has the true numbers.
    """
    yield Lattice()
    stored = stored_lattice(volume)
    if not stored.is_hu:
        yield stored
    for guess in _guesses(volume.hu):
        for shift in range(2):
            yield Lattice(guess.slope, guess.intercept - shift * guess.slope)


def _guesses(hu: NDArray[np.int16]) -> list[Lattice]:
    """Lattices coarser than 1 HU on which most values lie.

    How often each value occurs, less what its neighbours make likely, repeats with the slope as period: the spectrum
    has a peak there, at multiples of it, and mirrored at half a cycle per HU.
    """
    sample = hu.ravel()[:: max(1, hu.size // 4_000_000)]
    counts = np.bincount(sample.astype(np.int32) - HU_MIN, minlength=1 << 16)
    present = np.flatnonzero(counts)
    if len(present) < _FEW_VALUES:
        return []
    first, last = int(present[0]), int(present[-1])
    counts = counts[first : last + 1].astype(np.float64)
    around = ndimage.uniform_filter1d(counts, _AROUND, mode="nearest")
    weights = counts / np.maximum(around, 1e-9) * (around >= max(1.0, _RARE * around.max()))
    if np.count_nonzero(weights) < _FEW_VALUES:
        return []
    # Where a step is no whole HU, two of them may share one and weigh the double; that would hide the period.
    there = np.minimum(weights, 1.0)
    spectrum = np.abs(np.fft.rfft(there - there.mean(), _SPECTRUM))
    spectrum[: _SPECTRUM // _COARSEST] = 0
    found: list[tuple[float, Lattice]] = []
    telling = np.flatnonzero(weights)
    values, weights = telling + first + HU_MIN, weights[telling]
    for _ in range(_PEAKS):
        peak = int(spectrum.argmax())
        spectrum[max(0, peak - _PEAK_WIDTH) : peak + _PEAK_WIDTH + 1] = 0
        for frequency in (peak / _SPECTRUM, 1 - peak / _SPECTRUM):
            found += _refined(frequency, values, weights)
    out: list[Lattice] = []
    # A part of each step makes a lattice too: so the one that fits best, and the coarsest that fits.
    for slope in [] if not found else [min(found, key=_off)[1].slope, max(lattice.slope for _, lattice in found)]:
        alike = [item for item in found if abs(item[1].slope / slope - 1) < _SAME]
        likeliest = min(alike, key=_off)[1]
        if likeliest not in out:
            out.append(likeliest)
    return out


def _off(item: tuple[float, Lattice]) -> tuple[float, float]:
    """How badly a lattice fits; of two that fit alike, the finer one is the worse."""
    return item[0], -item[1].slope


def _refined(about: float, values: NDArray[np.intp], weights: NDArray[np.float64]) -> Iterator[tuple[float, Lattice]]:
    """Lattices with about so many steps per HU, and values off each as a part of those that would be by chance."""
    reach = float(values[-1] - values[0])
    whole = values.astype(np.int16)
    for frequency in about + np.arange(-0.5, 0.51, 0.1) / reach:
        slope = float(1 / frequency)
        if slope < _FINEST_SLOPE:
            continue
        intercept = float(slope * np.angle(np.sum(weights * np.exp(2j * np.pi * frequency * values))) / (2 * np.pi))
        guesses = [Lattice(slope, intercept)]
        # Halves are rounded to even, which only the exact numbers tell.
        exact = round(2 * slope) / 2
        if abs(exact - slope) < _NEARLY * slope:
            guesses.append(Lattice(exact, round(2 * intercept) / 2))
        for guess in guesses:
            off = float(weights[guess.hu(guess.steps(whole)) != whole].sum() / weights.sum())
            part = off / (1 - 1 / slope)  # by chance one in `slope` values would lie on it
            if part <= _BETWEEN:
                yield part, guess
