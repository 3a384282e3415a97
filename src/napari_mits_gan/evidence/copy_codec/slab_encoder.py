"""One slab's coefficients become symbols: quantised, each with its context."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.copy_codec import rans, tokens
from napari_mits_gan.evidence.copy_codec.contexts import (
    CONTEXTS,
    Places,
    Sizes,
    Weights,
    bins_finer,
    context_of,
    quarter_of,
    sizes_of,
    walk,
)
from napari_mits_gan.evidence.copy_codec.frequencies import bits as token_bits
from napari_mits_gan.evidence.copy_codec.quantisation import CENTRE_SCALE, CENTRES, step_of
from napari_mits_gan.evidence.copy_codec.region_grid import AIR, LUNGS, Grid, air_is_coded, units_of
from napari_mits_gan.evidence.copy_codec.side_information import pack_coarsest
from napari_mits_gan.evidence.copy_codec.slab import Slab
from napari_mits_gan.evidence.copy_codec.wavelet import Array

_ROUND_UP = np.float32(0.4)
"""Rounded up from 1 - this on: small coefficients cost more bits than they are worth."""
_PRICES = (0.12, 0.09)
"""Squared error, in squared steps, that a bit is worth in the lungs and elsewhere."""
_LEAST_WORTH = np.float32(0.5)

Number = TypeVar("Number", bound=np.generic)


@dataclass
class Coded:
    """A slab as symbols, ready for the entropy coder."""

    step: int
    coarsest: bytes
    centres: NDArray[np.int8]
    """(band, lungs or elsewhere, magnitude 1, 2 or more): mean distance from the magnitude, in 1/256 steps."""
    chunks: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]
    signs: NDArray[np.bool_]
    extra: bytes
    counts: NDArray[np.int64]

    @property
    def states(self) -> int:
        """How many states to code it with."""
        return rans.states_for(sum(len(token) for token, _ in self.chunks), len(self.signs))

    def bits_by_region(self, frequencies: NDArray[np.uint32]) -> NDArray[np.float64]:
        """Bits of tokens and signs in the lungs and elsewhere."""
        lungs, elsewhere = np.arange(CONTEXTS) < CONTEXTS // 2, np.arange(CONTEXTS) >= CONTEXTS // 2
        both = [np.where(part[:, None], self.counts, 0) for part in (lungs, elsewhere)]
        return np.array([token_bits(counts, frequencies) + counts[:, 1:].sum() for counts in both])

    def bits(self, frequencies: NDArray[np.uint32]) -> float:
        """Size under these frequencies of the tokens."""
        plain = max(len(self.signs), rans.SPARE_BITS * self.states) + rans.LOST_BITS * self.states
        return token_bits(self.counts, frequencies) + plain + 8 * (len(self.extra) + len(self.coarsest))


Fit = Callable[[int, int, list[Sizes], Sizes, Places], Weights]
"""Finds the weights of a quarter of a band from its features and sizes, and where of them something is coded."""


@dataclass(frozen=True)
class Model:
    """What is known of a scan before its slabs are coded.

    Parameters
    ----------
    weights : ndarray of int16, shape (bands, 4, features)
        From which features a coefficient's size is expected.
    worth : ndarray of float32, shape (contexts,)
        From which magnitude on it is worth while to code 1 instead of 0; the encoder's own business.
    """

    weights: Weights
    worth: Array = field(default_factory=lambda: np.full(CONTEXTS, 1 - _ROUND_UP))


def code(slab: Slab, step: int, model: Model | Fit) -> Coded:
    """Quantise a slab with the step of this code and find each coefficient's context."""
    per_hu = 1 / step_of(step)
    centres = np.zeros((len(slab.bands), 2, CENTRES), np.int8)
    chunks: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = []
    signs: list[NDArray[np.bool_]] = []
    large: list[tuple[NDArray[np.uint8], NDArray[np.int32]]] = []
    counts = np.zeros(CONTEXTS * tokens.TOKENS, np.int64)
    now: _Regions | None = None

    def one(number: int, phase: int, features: list[Sizes]) -> Sizes:
        nonlocal now
        if now is None or now.number != number:
            if now is not None:
                centres[now.number] = now.offsets.means()
            now = _Regions(slab, number)
        here = quarter_of(phase)
        finer = now.finer[here]
        places = now.coded_in(here)
        if places is not None and not places.size:
            return np.zeros(finer.shape, np.int16)
        quarter = _Quarter(slab.coefficients[number][here], per_hu)
        if isinstance(model, Model):
            context = context_of(features, model.weights[number, phase], finer)
            quarter.decide(context, model.worth)
            size = quarter.sizes(now.units[here])
        else:
            size = quarter.sizes(now.units[here])
            context = context_of(features, model(number, phase, features, size, places), finer)
        token, context = _taken(quarter.token, places), _taken(context, places)
        counts[:] += np.bincount(context.astype(np.uint16) * tokens.TOKENS + token, minlength=len(counts))
        chunks.append((token, context))
        # What is not coded is 0, and so has no sign.
        ones = np.flatnonzero(quarter.token)
        signs.append(quarter.negative.reshape(-1).take(ones))
        now.offsets.add(quarter.relative, quarter.magnitude, now.region[here], ones)
        if (beyond := np.flatnonzero(token >= tokens.PLAIN)).size:
            large.append((token.take(beyond), _taken(quarter.magnitude, places).take(beyond)))
        return size

    walk(slab.bands, one)
    if now is not None:
        centres[now.number] = now.offsets.means()
    return Coded(
        step=step,
        coarsest=pack_coarsest(slab.coefficients[0], step),
        centres=centres,
        chunks=chunks,
        signs=np.concatenate(signs) if signs else np.empty(0, bool),
        extra=tokens.pack_extra(*(np.concatenate(part) for part in zip(*large, strict=True))) if large else b"",
        counts=counts.reshape(CONTEXTS, tokens.TOKENS),
    )


def _taken(values: NDArray[Number], places: Places) -> NDArray[Number]:
    """The values at these places."""
    flat = values.reshape(-1)
    return flat if places is None else flat.take(places)


class _Regions:
    """What follows from the regions of one band, and what became of its coefficients so far."""

    def __init__(self, slab: Slab, number: int) -> None:
        self.number = number
        self.region = slab.region(number)
        self.units = units_of(self.region)
        self.finer = bins_finer(self.region)
        self._all = air_is_coded(slab.bands[number])
        self.offsets = _Offsets()

    def coded_in(self, here: tuple[slice, slice, slice]) -> Places:
        """Which coefficients of a quarter are coded."""
        if self._all:
            return None
        # In one dimension, which takes NumPy a tenth of the time of a mask in three.
        inside = (self.region[here] != AIR).reshape(-1)
        places = np.flatnonzero(inside)
        return None if places.size == inside.size else places


class _Quarter:
    """A quarter of a band, quantised.

    Parameters
    ----------
    coefficients : ndarray of float32, shape (z, y, x)
        Weighted by region.
    per_hu : float
        Steps in 1 HU.
    """

    def __init__(self, coefficients: Array, per_hu: np.float32) -> None:
        self.relative = np.abs(coefficients, order="C")
        self.relative *= per_hu
        self.magnitude = (self.relative + _ROUND_UP).astype(np.int32)
        self.negative = np.less(coefficients, 0, order="C")
        self.token = tokens.tokens_of(self.magnitude)

    def sizes(self, units: NDArray[np.uint8]) -> Sizes:
        """The sizes of its coefficients."""
        return sizes_of(self.token, units)

    def decide(self, context: NDArray[np.uint8], worth: Array) -> None:
        """Take magnitudes between a half and 1 for 0 or 1 by what a 1 costs in their context."""
        relative = self.relative.reshape(-1)
        between = np.flatnonzero((relative >= _LEAST_WORTH) & (relative < 1))
        is_one = relative.take(between) >= worth.take(context.reshape(-1).take(between))
        self.magnitude.reshape(-1)[between] = is_one
        self.token.reshape(-1)[between] = is_one


def worth_of(counts: NDArray[np.int64]) -> Array:
    """From which magnitude on it is worth while, in each context, to code 1 instead of 0.

    The better of both is the one with the lesser sum of squared error and `_PRICES` times the bits that it takes, by
    how frequent tokens are in the context. What the choice does to the contexts of others is left out.
    """
    plenty = counts + 0.5
    bits_more = np.log2(plenty[:, 0] / plenty[:, 1]) + 1
    price = np.repeat(_PRICES, CONTEXTS // 2)
    return np.clip((1 + price * bits_more) / 2, _LEAST_WORTH, 1).astype(np.float32)


class _Offsets:
    """By how much, on average, what became 1, 2 or more differs from that, in the lungs and elsewhere."""

    def __init__(self) -> None:
        self._number = np.zeros(2 * CENTRES, np.int64)
        self._sum = np.zeros(2 * CENTRES)

    def add(self, relative: Array, magnitude: NDArray[np.int32], region: Grid, places: NDArray[np.intp]) -> None:
        """Take in some magnitudes that are not 0, at these places counted row by row."""
        became = magnitude.reshape(-1).take(places)
        kind = np.minimum(became, CENTRES) - 1
        kind += CENTRES * (region.reshape(-1).take(places) != LUNGS)
        self._number += np.bincount(kind, minlength=2 * CENTRES)
        self._sum += np.bincount(kind, relative.reshape(-1).take(places) - became, minlength=2 * CENTRES)

    def means(self) -> NDArray[np.int8]:
        """Those of each kind, in 1/256 steps, shape (2, CENTRES)."""
        means = np.round(self._sum / np.maximum(self._number, 1) * CENTRE_SCALE)
        return np.clip(means, -127, 127).astype(np.int8).reshape(2, CENTRES)
