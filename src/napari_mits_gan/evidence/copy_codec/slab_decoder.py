"""One slab's symbols become coefficients again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.copy_codec import rans, tokens
from napari_mits_gan.evidence.copy_codec.contexts import (
    PHASES,
    Sizes,
    bins_finer,
    context_of,
    quarter_of,
    sizes_of,
    walk,
)
from napari_mits_gan.evidence.copy_codec.quantisation import CENTRE_SCALE, CENTRES, step_of
from napari_mits_gan.evidence.copy_codec.region_grid import LUNGS, STEP_UNITS, Grid, coded, units_of
from napari_mits_gan.evidence.copy_codec.wavelet import Array, Band


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
        # In one dimension, which takes NumPy a tenth of the time of a mask in three.
        mask = now[1][here].reshape(-1)
        places = np.flatnonzero(mask)
        flat = np.zeros(mask.shape, np.uint8)
        if places.size:
            context = context_of(features, weights[number, phase], now[3][here]).reshape(-1)
            if places.size == mask.size:
                flat = symbols = decoder.take(context)
            else:
                symbols = decoder.take(context.take(places))
                flat[places] = symbols
            found.append(symbols)
        token = flat.reshape(now[1][here].shape)
        placed.append(token)
        return sizes_of(token, now[2][here])

    walk(bands, one)
    every = np.concatenate([some.take(np.flatnonzero(some)) for some in found]) if found else np.empty(0, np.uint8)
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
            flat = np.zeros(token.size, np.float32)
            place = np.flatnonzero(token)
            there = region[here].reshape(-1).take(place)
            kind = np.minimum(token.reshape(-1).take(place), CENTRES) - np.uint8(1)
            part = values[at : at + len(there)]
            away = shift.ravel().take((there != LUNGS) * np.uint8(CENTRES) + kind)
            flat[place] = (part + np.copysign(away, away * part)) * scale.take(there)
            coefficients[here] = flat.reshape(token.shape)
            at += len(there)
        out.append(coefficients)
    return out
