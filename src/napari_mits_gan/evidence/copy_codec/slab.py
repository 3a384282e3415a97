"""Quantisation and entropy coding of one slab's wavelet coefficients."""

from __future__ import annotations

import lzma
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.copy_codec import rans, tokens
from napari_mits_gan.evidence.copy_codec.contexts import (
    CONTEXTS,
    PHASES,
    Sizes,
    Weights,
    context_of,
    in_common_units,
    walk,
)
from napari_mits_gan.evidence.copy_codec.frequencies import bits as token_bits
from napari_mits_gan.evidence.copy_codec.region_grid import LUNGS, STEP_UNITS, Grid, coded
from napari_mits_gan.evidence.copy_codec.wavelet import Array, Band

_ROUND_UP = np.float32(0.36)
"""Rounded up from 1 - this on: small coefficients cost more bits than they are worth."""
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
    """The coefficients of some slices, and where each lies."""

    bands: list[Band]
    coefficients: list[Array]
    regions: list[Grid]

    def part(self, first: int, of: int) -> Slab:
        """One of `of` parts along z, for estimates."""
        cut = [slice(len(c) * first // of, max(len(c) * (first + 1) // of, 1)) for c in self.coefficients]
        coefficients = [c[s] for c, s in zip(self.coefficients, cut, strict=True)]
        bands = [
            Band(b.level, b.halvings, (len(c), *b.shape[1:])) for b, c in zip(self.bands, coefficients, strict=True)
        ]
        return Slab(bands, coefficients, [r[s] for r, s in zip(self.regions, cut, strict=True)])


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


def code(slab: Slab, step: int, weights: NDArray[np.int16] | Fit) -> Coded:
    """Quantise a slab with the step of this code and find each coefficient's context."""
    scale = (2 / (step_of(step) * STEP_UNITS)).astype(np.float32)
    centres = np.zeros((len(slab.bands), 2, CENTRES), np.int8)
    chunks: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = []
    signs: list[NDArray[np.bool_]] = []
    large: list[NDArray[np.int32]] = []
    counts = np.zeros(CONTEXTS * tokens.TOKENS, np.int64)
    now: dict[str, NDArray] = {}

    def enter(number: int) -> None:
        region, coefficient = slab.regions[number], slab.coefficients[number]
        relative = np.abs(coefficient)
        relative *= scale.take(region)
        mask = coded(region, slab.bands[number])
        magnitude = (relative + _ROUND_UP).astype(np.int32)
        magnitude *= mask
        centres[number] = _mean_offsets(relative, magnitude, region)
        now["magnitude"], now["negative"], now["mask"], now["region"] = magnitude, coefficient < 0, mask, region
        now["token"] = tokens.tokens_of(magnitude.ravel()).reshape(magnitude.shape)
        now["size"] = in_common_units(tokens.BASE.take(now["token"]), region)

    entered = -1

    def one(number: int, phase: int, features: list[Sizes]) -> Sizes:
        nonlocal entered
        if number != entered:
            enter(number)
            entered = number
        py, px = PHASES[phase]
        here = (slice(None), slice(py, None, 2), slice(px, None, 2))
        mask, size = now["mask"][here], now["size"][here]
        if not mask.any():
            return size
        if callable(weights):
            chosen = weights(number, phase, [f[mask] for f in features], size[mask])
        else:
            chosen = weights[number, phase]
        context = context_of(features, chosen, now["region"][here])[mask]
        token = now["token"][here][mask]
        counts[:] += np.bincount(context.astype(np.int32) * tokens.TOKENS + token, minlength=len(counts))
        chunks.append((token, context))
        signs.append(now["negative"][here][mask][token > 0])
        large.append(now["magnitude"][here][mask])
        return size

    walk(slab.bands, one)
    every = np.concatenate([token for token, _ in chunks]) if chunks else np.empty(0, np.uint8)
    return Coded(
        step=step,
        coarsest=pack_coarsest(slab.coefficients[0], step),
        centres=centres,
        chunks=chunks,
        signs=np.concatenate(signs) if signs else np.empty(0, bool),
        extra=tokens.pack_extra(every, np.concatenate(large)) if chunks else b"",
        counts=counts.reshape(CONTEXTS, tokens.TOKENS),
    )


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
    regions: list[Grid],
    step: int,
    coarsest: Array,
    centres: NDArray[np.int8],
    weights: NDArray[np.int16],
    decoder: rans.Decoder,
    rest: bytes,
) -> list[Array]:
    """The coefficients of each band; `rest` holds the signs that the coder's states did not, then the further bits."""
    found: list[NDArray[np.uint8]] = []
    masks = [coded(region, band) for region, band in zip(regions, bands, strict=True)]

    def one(number: int, phase: int, features: list[Sizes]) -> Sizes:
        py, px = PHASES[phase]
        here = (slice(None), slice(py, None, 2), slice(px, None, 2))
        mask, region = masks[number][here], regions[number][here]
        token = np.zeros(mask.shape, np.uint8)
        if mask.any():
            symbols = decoder.take(context_of(features, weights[number, phase], region)[mask])
            token[mask] = symbols
            found.append(symbols)
        return in_common_units(tokens.BASE.take(token), region)

    walk(bands, one)
    every = np.concatenate(found) if found else np.empty(0, np.uint8)
    n_signs = int(np.count_nonzero(every))
    signs = decoder.spare().astype("<u2").tobytes() + rest
    sign_bytes = -(-n_signs // 8)
    left = max(sign_bytes - len(signs) + len(rest), 0)
    if len(rest) != left + tokens.extra_size(every):
        raise EvidenceError("the recovery copy is damaged: its signs and further bits do not fit its values")
    negative = np.unpackbits(np.frombuffer(signs, np.uint8, sign_bytes), count=n_signs).astype(bool)
    values = tokens.unpack_extra(rest[left:], every).astype(np.float32)
    kind = np.minimum(every, CENTRES)
    values[kind > 0] *= np.where(negative, np.float32(-1), np.float32(1))
    return [coarsest] + _place(bands, regions, masks, values, kind, centres, step)


def _place(
    bands: list[Band],
    regions: list[Grid],
    masks: list[NDArray[np.bool_]],
    values: Array,
    kind: NDArray[np.uint8],
    centres: NDArray[np.int8],
    step: int,
) -> list[Array]:
    """Bring decoded values to their places and from steps to HU."""
    scale = (step_of(step) * STEP_UNITS / 2).astype(np.float32)
    at, out = 0, []
    for number, band in enumerate(bands):
        if band.level == 0:
            continue
        coefficients = np.zeros(band.shape, np.float32)
        shift = np.zeros((2, CENTRES + 1), np.float32)
        shift[:, 1:] = centres[number] / np.float32(CENTRE_SCALE)
        for py, px in PHASES:
            here = (slice(None), slice(py, None, 2), slice(px, None, 2))
            mask = masks[number][here]
            n = int(np.count_nonzero(mask))
            region = regions[number][here][mask]
            part = values[at : at + n]
            away = shift.ravel().take((region != LUNGS) * (CENTRES + 1) + kind[at : at + n])
            coefficients[here][mask] = (part + np.sign(part) * away) * scale.take(region)
            at += n
        out.append(coefficients)
    return out
