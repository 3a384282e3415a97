"""The wavelet coefficients of one slab, weighted by region, and how much there is to code in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.copy_codec.quantisation import step_of
from napari_mits_gan.evidence.copy_codec.region_grid import AIR, LUNGS, STEP_UNITS, Grid, air_is_coded
from napari_mits_gan.evidence.copy_codec.wavelet import Array, Band

_LOWEST_EXPONENT, _OCTAVES = 120, 32
"""Exponent (of IEEE floats) of the smallest magnitudes that are told apart to foresee a slab's size."""


@dataclass(frozen=True)
class Slab:
    """The coefficients of some slices, and where each lies.

    Parameters
    ----------
    bands : list of Band
        The bands.
    coefficients : list of ndarray of float32
        Of each band in HU; all but the coarsest times 2 / `STEP_UNITS` of their region, 0 where none is coded.
    region : callable
        The region of each coefficient of the band with this number; made anew by each call, to spare memory.
    """

    bands: list[Band]
    coefficients: list[Array]
    region: Callable[[int], Grid]

    @cached_property
    def _frequent(self) -> NDArray[np.float64]:
        """How often magnitudes of each quarter of an octave occur in the lungs and elsewhere, from every fourth row."""
        found = np.zeros((2, _OCTAVES * 4))
        for number, coefficients in enumerate(self.coefficients[1:], start=1):
            some = np.abs(coefficients[:, ::4]).view(np.int32) >> 21  # exponent and first bits
            some -= _LOWEST_EXPONENT * 4
            np.clip(some, 0, found.shape[1] - 1, out=some)
            some += (self.region(number)[:, ::4] != LUNGS) * np.int32(found.shape[1])
            share = some.size / max(coefficients.size, 1)
            found += np.bincount(some.ravel(), minlength=found.size).reshape(found.shape) / max(share, 1e-9)
        return found

    def activity(self, step: int) -> NDArray[np.float64]:
        """A slab's size in bits with the step of this code, in the lungs and elsewhere: within 10 per cent or so.

        The sum of log2(1 + 4 u^2), u being magnitudes in steps (S6 and S12 in docs/experiments.md).
        """
        middle = 2.0 ** (_LOWEST_EXPONENT - 127 + (np.arange(self._frequent.shape[1]) + 0.5) / 4)
        return self._frequent[:, 1:] @ np.log2(1 + 4 * (middle[1:] / step_of(step)) ** 2)

    @staticmethod
    def weighted(bands: list[Band], coefficients: list[Array], region: Callable[[int], Grid]) -> Slab:
        """A slab of coefficients as the transform returns them; `coefficients` is emptied."""
        # In one piece, which goes back to the system when it is freed; many small ones would not.
        whole = np.empty(sum(c.size for c in coefficients), np.float32)
        weighted, at = [], 0
        for number, band in enumerate(bands):
            one = coefficients.pop(0)
            place = whole[at : at + one.size].reshape(one.shape)
            at += one.size
            if band.level:
                weights = (2 / STEP_UNITS).astype(np.float32)
                weights[AIR] *= air_is_coded(band)
                np.multiply(one, weights.take(region(number)), out=place)
            else:
                place[...] = one
            weighted.append(place)
        return Slab(bands, weighted, region)

    def part(self, first: int, of: int) -> Slab:
        """One of `of` parts along z, for estimates."""
        bands, coefficients, regions = [], [], []
        for number, (band, every) in enumerate(zip(self.bands, self.coefficients, strict=True)):
            cut = slice(len(every) * first // of, max(len(every) * (first + 1) // of, 1))
            coefficients.append(every[cut])
            regions.append(self.region(number)[cut])
            bands.append(Band(band.level, band.halvings, (len(coefficients[-1]), *band.shape[1:])))
        return Slab(bands, coefficients, regions.__getitem__)
