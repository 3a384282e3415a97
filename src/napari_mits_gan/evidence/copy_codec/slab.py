"""Quantisation and entropy coding of one slab's wavelet coefficients."""

from __future__ import annotations

import lzma
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.copy_codec import rans, tokens
from napari_mits_gan.evidence.copy_codec.contexts import (
    CONTEXTS,
    PHASES,
    Sizes,
    Weights,
    bins_finer,
    context_of,
    quarter_of,
    sizes_of,
    walk,
)
from napari_mits_gan.evidence.copy_codec.frequencies import bits as token_bits
from napari_mits_gan.evidence.copy_codec.region_grid import AIR, LUNGS, STEP_UNITS, Grid, air_is_coded, coded, units_of
from napari_mits_gan.evidence.copy_codec.wavelet import Array, Band

_ROUND_UP = np.float32(0.4)
"""Rounded up from 1 - this on: small coefficients cost more bits than they are worth."""
_PRICES = (0.12, 0.09)
"""Squared error, in squared steps, that a bit is worth in the lungs and elsewhere."""
_LEAST_WORTH = np.float32(0.5)
_LOWEST_EXPONENT, _OCTAVES = 120, 32
"""Exponent (of IEEE floats) of the smallest magnitudes that are told apart to foresee a slab's size."""
CENTRES = 3
CENTRE_SCALE = 256
_LZMA: list[dict[str, int]] = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 0, "lp": 0, "pb": 0}]


def pack_bytes(data: bytes) -> bytes:
    """Compress side information."""
    return lzma.compress(data, lzma.FORMAT_RAW, filters=_LZMA)


def unpack_bytes(data: bytes, size: int) -> bytes:
    """Decompress exactly `size` bytes; raises EvidenceError on anything else."""
    try:
        plain = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_LZMA).decompress(data, max_length=size)
    except lzma.LZMAError as error:
        raise EvidenceError("the recovery copy is damaged: its side information cannot be read") from error
    if len(plain) != size:
        raise EvidenceError("the recovery copy is damaged: its side information is incomplete")
    return plain


def step_of(code: int) -> np.float32:
    """Quantisation step of the lungs in HU."""
    return np.float32(2.0 ** (code / 128 - 1))


STEP_CODES = 128 * 21
"""From half a HU on: finer ones would change few values after rounding, and magnitudes stay below the largest token."""


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
        """How frequent magnitudes of each quarter of an octave are among what is coded, from every fourth row."""
        found = np.zeros(_OCTAVES * 4)
        for coefficients in self.coefficients[1:]:
            some = np.abs(coefficients[:, ::4]).view(np.int32) >> 21  # exponent and first bits
            some -= _LOWEST_EXPONENT * 4
            np.clip(some, 0, len(found) - 1, out=some)
            share = some.size / max(coefficients.size, 1)
            found += np.bincount(some.ravel(), minlength=len(found)) / max(share, 1e-9)
        return found

    def activity(self, step: int) -> float:
        """What a slab's size with the step of this code is proportional to, within some per cent.

        The sum of log2(1 + 4 u^2), u being magnitudes in steps (S6 in docs/experiments.md).
        """
        middle = 2.0 ** (_LOWEST_EXPONENT - 127 + (np.arange(len(self._frequent)) + 0.5) / 4)
        return float(self._frequent[1:] @ np.log2(1 + 4 * (middle[1:] / step_of(step)) ** 2))

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
_all = ...


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
        inside = _all if mask.all() else mask
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


def pack_coarsest(coefficients: Array, step: int) -> bytes:
    """The coarsest band, as differences from value to value."""
    values = np.round(coefficients.ravel() / step_of(step)).astype(np.int32)
    differences = np.diff(values, prepend=np.int32(0))
    return pack_bytes(differences.astype("<i4").view(np.uint8).reshape(-1, 4).T.tobytes())


def unpack_coarsest(data: bytes, shape: tuple[int, ...], step: int) -> Array:
    """What `pack_coarsest` packed."""
    n = int(np.prod(shape))
    planes = np.frombuffer(unpack_bytes(data, 4 * n), np.uint8).reshape(4, n)
    differences = np.ascontiguousarray(planes.T).view("<i4").ravel()
    values = np.cumsum(differences, dtype=np.int32)
    return (values * step_of(step)).astype(np.float32).reshape(shape)


def to_words(bits_: NDArray[np.bool_], states: int) -> tuple[NDArray[np.uint16], bytes]:
    """Bits as one word for each state of the entropy coder, and the bytes that are left."""
    packed = np.packbits(bits_).tobytes()
    spare = packed[: 2 * states].ljust(2 * states, b"\0")
    return np.frombuffer(spare, "<u2").astype(np.uint16), packed[2 * states :]


def decode(
    bands: list[Band],
    regions: Callable[[int], Grid],
    step: int,
    coarsest: Array,
    centres: NDArray[np.int8],
    weights: NDArray[np.int16],
    decoder: rans.Decoder,
    rest: bytes,
) -> list[Array]:
    """The coefficients of each band, told the region of each.

    `rest` holds the signs that the coder's states did not, then the further bits.
    """
    found: list[NDArray[np.uint8]] = []
    placed: list[NDArray[np.uint8]] = []
    """The tokens of each quarter, where they belong."""
    now: tuple[int, NDArray[np.bool_], NDArray[np.uint8], NDArray[np.int8]] | None = None

    def one(number: int, phase: int, features: list[Sizes]) -> Sizes:
        nonlocal now
        if now is None or now[0] != number:
            region = regions(number)
            now = number, coded(region, bands[number]), units_of(region), bins_finer(region)
        here = quarter_of(phase)
        mask = now[1][here]
        token = np.zeros(mask.shape, np.uint8)
        if mask.any():
            context = context_of(features, weights[number, phase], now[3][here])
            if mask.all():
                symbols = decoder.take(context.ravel())
                token = symbols.reshape(mask.shape)
            else:
                symbols = decoder.take(context[mask])
                token[mask] = symbols
            found.append(symbols)
        placed.append(token)
        return sizes_of(token, now[2][here])

    walk(bands, one)
    every = np.concatenate([tokens_[tokens_ > 0] for tokens_ in found]) if found else np.empty(0, np.uint8)
    signs = decoder.spare().astype("<u2").tobytes() + rest
    sign_bytes = -(-len(every) // 8)
    left = max(sign_bytes - len(signs) + len(rest), 0)
    if len(rest) != left + tokens.extra_size(every):
        raise EvidenceError("the recovery copy is damaged: its signs and further bits do not fit its values")
    negative = np.unpackbits(np.frombuffer(signs, np.uint8, sign_bytes), count=len(every)).astype(bool)
    values = tokens.unpack_extra(rest[left:], every).astype(np.float32)
    np.negative(values, out=values, where=negative)
    return [coarsest] + _place(bands, regions, placed, values, centres, step)


def _place(
    bands: list[Band],
    regions: Callable[[int], Grid],
    placed: list[NDArray[np.uint8]],
    values: Array,
    centres: NDArray[np.int8],
    step: int,
) -> list[Array]:
    """Bring decoded values, none of them 0, to their places and from steps to HU."""
    scale = (step_of(step) * STEP_UNITS / 2).astype(np.float32)
    at, out = 0, []
    quarters = iter(placed)
    for number, band in enumerate(bands):
        if band.level == 0:
            continue
        coefficients = np.zeros(band.shape, np.float32)
        shift = centres[number] / np.float32(CENTRE_SCALE)
        region = regions(number)
        for phase in range(len(PHASES)):
            here = quarter_of(phase)
            if 0 in coefficients[here].shape:
                continue
            token = next(quarters)
            place = np.nonzero(token)
            there = region[here][place].astype(np.intp)
            kind = np.minimum(token[place], CENTRES).astype(np.intp) - 1
            part = values[at : at + len(there)]
            away = shift.ravel().take((there != LUNGS) * CENTRES + kind)
            coefficients[here][place] = (part + np.copysign(away, away * part)) * scale.take(there)
            at += len(there)
        out.append(coefficients)
    return out
