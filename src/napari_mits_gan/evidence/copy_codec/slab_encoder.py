"""One slab's coefficients become symbols: quantised, each with its context."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.copy_codec import rans, tokens
from napari_mits_gan.evidence.copy_codec.contexts import (
    CONTEXTS,
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
from napari_mits_gan.evidence.copy_codec.region_grid import LUNGS, Grid, coded, units_of
from napari_mits_gan.evidence.copy_codec.side_information import pack_coarsest
from napari_mits_gan.evidence.copy_codec.slab import Slab
from napari_mits_gan.evidence.copy_codec.wavelet import Array

_ROUND_UP = np.float32(0.4)
"""Rounded up from 1 - this on: small coefficients cost more bits than they are worth."""
_PRICES = (0.12, 0.09)
"""Squared error, in squared steps, that a bit is worth in the lungs and elsewhere."""
_LEAST_WORTH = np.float32(0.5)


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

    def bits(self, frequencies: NDArray[np.uint32]) -> float:
        """Size under these frequencies of the tokens."""
        plain = max(len(self.signs), rans.SPARE_BITS * self.states) + rans.LOST_BITS * self.states
        return token_bits(self.counts, frequencies) + plain + 8 * (len(self.extra) + len(self.coarsest))


Fit = Callable[[int, int, list[Sizes], Sizes], Weights]
"""Finds the weights of a quarter of a band from its features and sizes."""


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
    now: _Quantised | None = None

    def one(number: int, phase: int, features: list[Sizes]) -> Sizes:
        nonlocal now
        if now is None or now.number != number:
            if now is not None:
                centres[now.number] = now.centres()
            now = _Quantised(slab, number, per_hu)
        here = quarter_of(phase)
        mask, size = now.mask[here], now.size[here]
        if not mask.any():
            return size
        inside = ... if mask.all() else mask
        if isinstance(model, Model):
            context = context_of(features, model.weights[number, phase], now.finer[here])
            now.decide(here, context, model.worth)
        else:
            chosen = model(number, phase, [f[inside].ravel() for f in features], size[inside].ravel())
            context = context_of(features, chosen, now.finer[here])
        context = context[inside].ravel()
        token = now.token[here][inside].ravel()
        counts[:] += np.bincount(context.astype(np.uint16) * tokens.TOKENS + token, minlength=len(counts))
        chunks.append((token, context))
        signs.append(now.negative[here][inside].ravel()[token > 0])
        if now.has_large and (beyond := token >= tokens.PLAIN).any():
            large.append((token[beyond], now.magnitude[here][inside].ravel()[beyond]))
        return size

    walk(slab.bands, one)
    if now is not None:
        centres[now.number] = now.centres()
    return Coded(
        step=step,
        coarsest=pack_coarsest(slab.coefficients[0], step),
        centres=centres,
        chunks=chunks,
        signs=np.concatenate(signs) if signs else np.empty(0, bool),
        extra=tokens.pack_extra(*(np.concatenate(part) for part in zip(*large, strict=True))) if large else b"",
        counts=counts.reshape(CONTEXTS, tokens.TOKENS),
    )


class _Quantised:
    """One band of a slab as magnitudes, tokens and sizes."""

    def __init__(self, slab: Slab, number: int, per_hu: np.float32) -> None:
        self.number = number
        coefficient = slab.coefficients[number]
        self._region = slab.region(number)
        self._relative = np.abs(coefficient)
        self._relative *= per_hu
        self.mask = coded(self._region, slab.bands[number])
        self.magnitude = (self._relative + _ROUND_UP).astype(np.int32)
        self.negative = coefficient < 0
        self.token = tokens.tokens_of(self.magnitude)
        self.has_large = bool(self.token.max(initial=0) >= tokens.PLAIN)
        self._units = units_of(self._region)
        self.size = sizes_of(self.token, self._units)
        self.finer = bins_finer(self._region)

    def decide(self, here: tuple[slice, slice, slice], context: NDArray[np.uint8], worth: Array) -> None:
        """Take magnitudes between a half and 1 for 0 or 1 by what a 1 costs in their context."""
        relative = self._relative[here]
        between = np.nonzero((relative >= _LEAST_WORTH) & (relative < 1))
        is_one = relative[between] >= worth.take(context[between])
        self.magnitude[here][between] = is_one
        self.token[here][between] = is_one
        self.size[here][between] = is_one * self._units[here][between]

    def centres(self) -> NDArray[np.int8]:
        """Mean distance of what became 1, 2 or more from that, in the lungs and elsewhere."""
        return _mean_offsets(self._relative, self.magnitude, self._region)


def worth_of(counts: NDArray[np.int64]) -> Array:
    """From which magnitude on it is worth while, in each context, to code 1 instead of 0.

    The better of both is the one with the lesser sum of squared error and `_PRICES` times the bits that it takes, by
    how frequent tokens are in the context. What the choice does to the contexts of others is left out.
    """
    plenty = counts + 0.5
    bits_more = np.log2(plenty[:, 0] / plenty[:, 1]) + 1
    price = np.repeat(_PRICES, CONTEXTS // 2)
    return np.clip((1 + price * bits_more) / 2, _LEAST_WORTH, 1).astype(np.float32)


def _mean_offsets(relative: Array, magnitude: NDArray[np.int32], region: Grid) -> NDArray[np.int8]:
    out = np.zeros((2, CENTRES), np.int8)
    places = np.flatnonzero(magnitude)
    kind = np.minimum(magnitude.ravel()[places], CENTRES) - 1
    kind += CENTRES * (region.ravel()[places] != LUNGS)
    away = relative.ravel()[places] - magnitude.ravel()[places]
    n = np.bincount(kind, minlength=2 * CENTRES)
    total = np.bincount(kind, away, minlength=2 * CENTRES)
    means = np.round(total / np.maximum(n, 1) * CENTRE_SCALE)
    out[:] = np.clip(means, -127, 127).reshape(2, CENTRES)
    return out
