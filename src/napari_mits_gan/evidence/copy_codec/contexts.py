"""What is expected of a coefficient, from those already coded: near it, at its place in other bands, one level coarser.

Integers only, so that encoder and decoder agree on every processor. Within a band the coefficients are coded in four
interleaved quarters: then three of four have neighbours on all sides, and each quarter is one NumPy operation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.copy_codec import tokens
from napari_mits_gan.evidence.copy_codec.region_grid import Grid
from napari_mits_gan.evidence.copy_codec.wavelet import Band

PHASES = ((0, 0), (1, 1), (0, 1), (1, 0))
"""First row and column of each quarter, in coding order."""
FEATURES = 8
"""Weights of one quarter of a band."""
WEIGHT_LOG2 = 14
_LARGEST = 4095
CONSTANT = 16
"""What the first weight is multiplied with; the others stand for the features in turn."""

_PER_OCTAVE_LOG2 = 1
_BINS = 32
CONTEXTS = _BINS * 2
"""Bins of the expected magnitude, in the lungs and elsewhere."""
_LOWEST_BIN = (127 + WEIGHT_LOG2 - 6) << _PER_OCTAVE_LOG2
_BIN_SHIFT = 23 - _PER_OCTAVE_LOG2
Sizes = NDArray[np.int16]
Weights = NDArray[np.int16]
Places = NDArray[np.intp] | None
"""Some of the coefficients of a quarter, counted row by row; None for all."""
Coder = Callable[[int, int, list[NDArray[np.int16]]], Sizes]
"""Codes one quarter of a band: told the band's number, the quarter's and its features, it returns the sizes there."""


def sizes_of(token: NDArray[np.uint8], units: NDArray[np.uint8]) -> Sizes:
    """Sizes of coefficients that were quantised with their region's step, comparable across regions."""
    # Bytes are enough for nearly all; the others are looked up.
    flat, unit = token.reshape(-1), units.reshape(-1)
    sizes = (flat * unit).astype(np.int16)
    large = np.flatnonzero(flat >= tokens.PLAIN)
    if large.size:
        sizes[large] = np.minimum(np.minimum(tokens.BASE, _LARGEST)[flat.take(large)] * unit.take(large), _LARGEST)
    return sizes.reshape(token.shape)


def bins_finer(region: Grid) -> NDArray[np.int8]:
    """By how many bins a region's contexts lie below those of the lungs.

    Body and air have larger steps: the same expected size is a smaller multiple of them. The numbers are 6, 4 and 0, as
    arithmetic on bytes.
    """
    return np.asarray((np.uint8(6) - region - region * region).view(np.int8))


def context_of(features: list[NDArray[np.int16]], weights: Weights, finer: NDArray[np.int8]) -> NDArray[np.uint8]:
    """The context of each coefficient of a quarter; `finer` is `bins_finer` of its region."""
    expected = np.full(features[0].shape, int(weights[0]) * CONSTANT, np.int32)
    term = np.empty_like(expected)
    for feature, weight in zip(features, weights[1:], strict=False):
        if weight:
            expected += np.multiply(feature, np.int32(weight), out=term)
    np.maximum(expected, 1, out=expected)
    # The exponent and first bits of a float are a logarithm; the conversion is exact to the last bit everywhere.
    whole = expected.astype(np.float32).view(np.int32)
    whole >>= _BIN_SHIFT
    whole -= _LOWEST_BIN
    bins = whole.astype(np.int8)
    bins -= finer
    np.clip(bins, 0, _BINS - 1, out=bins)
    bins += (finer > 0).view(np.int8) * np.int8(_BINS)
    return bins.view(np.uint8)


def quarter_of(phase: int) -> tuple[slice, slice, slice]:
    """Where a quarter of a band lies in it."""
    y, x = PHASES[phase]
    return slice(None), slice(y, None, 2), slice(x, None, 2)


def walk(bands: list[Band], code: Coder) -> None:
    """Take the detail bands of a slab in coding order; `code` is called for each quarter of each."""
    coarser: Sizes | None = None
    level, total, last = 0, np.zeros((0, 0, 0), np.int16), None
    box_coarser = up = None
    for number, band in enumerate(bands):
        if band.level == 0:
            continue
        if band.level != level:
            coarser = total if level else None
            level, last = band.level, None
            total = np.zeros(_widest(bands, level), np.int16)
            box_coarser = None if coarser is None else _fit(_box(coarser), total.shape)
            up = None if coarser is None else _fit(coarser, total.shape)
        none = np.zeros(band.shape, np.int16)
        outer = [
            none if last is None else _fit(last, band.shape),
            none if last is None else _fit(_box(total), band.shape),
            none if up is None else _fit(up, band.shape),
            none if box_coarser is None else _fit(box_coarser, band.shape),
        ]
        last = _code_band(number, band, outer, code)
        z, y, x = band.shape
        part = total[:z, :y, :x]
        np.minimum(part + last, _LARGEST // 9, out=part)


def _widest(bands: list[Band], level: int) -> tuple[int, int, int]:
    shapes = [band.shape for band in bands if band.level == level]
    z, y, x = (max(sizes) for sizes in zip(*shapes, strict=True))
    return z, y, x


def _code_band(number: int, band: Band, outer: list[Sizes], code: Coder) -> Sizes:
    z, y, x = band.shape
    # One more row and column on each side, so that neighbours can be read without asking for the border.
    quarter = {phase: np.zeros((z, (y + 1) // 2 + 2, (x + 1) // 2 + 2), np.int16) for phase in PHASES}
    sizes = np.empty(band.shape, np.int16)
    for p, phase in enumerate(PHASES):
        here = quarter_of(p)
        features = [feature[here] for feature in outer]
        shape = features[0].shape
        if 0 in shape:
            continue
        if p:
            near = _neighbours(quarter, p, shape)
            features += [near, _above_and_below(near)]
        if p == 3:
            features.append(_diagonal(quarter, shape))
        coded = code(number, p, features)
        sizes[here] = coded
        quarter[phase][:, 1 : 1 + shape[1], 1 : 1 + shape[2]] = coded
    return sizes


def _neighbours(quarter: dict[tuple[int, int], Sizes], p: int, shape: tuple[int, ...]) -> Sizes:
    """Sum of the four nearest coefficients in the slice that are coded: diagonal ones for the second quarter."""

    def at(phase: tuple[int, int], dy: int, dx: int) -> Sizes:
        return quarter[phase][:, 1 + dy : 1 + dy + shape[1], 1 + dx : 1 + dx + shape[2]]

    first, second = PHASES[0], PHASES[1]
    if p == 1:
        return at(first, 0, 0) + at(first, 0, 1) + at(first, 1, 0) + at(first, 1, 1)
    if p == 2:
        return at(first, 0, 0) + at(first, 0, 1) + at(second, -1, 0) + at(second, 0, 0)
    return at(first, 0, 0) + at(first, 1, 0) + at(second, 0, -1) + at(second, 0, 0)


def _diagonal(quarter: dict[tuple[int, int], Sizes], shape: tuple[int, ...]) -> Sizes:
    """Sum of the four diagonal neighbours of the last quarter."""
    third = quarter[PHASES[2]]
    columns = third[:, :, : shape[2]] + third[:, :, 1 : 1 + shape[2]]
    return columns[:, 1 : 1 + shape[1]] + columns[:, 2 : 2 + shape[1]]


def _above_and_below(sizes: Sizes) -> Sizes:
    """Sum of the values one slice up and one slice down."""
    out = np.zeros_like(sizes)
    half = sizes >> 1
    out[1:] = half[:-1]
    out[:-1] += half[1:]
    return out


def _box(sizes: Sizes) -> Sizes:
    """Sum over three rows and three columns."""
    rows = sizes.copy()
    rows[:, 1:] += sizes[:, :-1]
    rows[:, :-1] += sizes[:, 1:]
    out = rows.copy()
    out[:, :, 1:] += rows[:, :, :-1]
    out[:, :, :-1] += rows[:, :, 1:]
    return out


def _fit(sizes: Sizes, shape: tuple[int, ...]) -> Sizes:
    """Bring to `shape`: each value twice along axes that are half as long, the last one again where one lacks."""
    for axis, n in enumerate(shape):
        if sizes.shape[axis] < n - 1:
            sizes = np.repeat(sizes, 2, axis)
        if sizes.shape[axis] > n:
            sizes = sizes[(slice(None),) * axis + (slice(n),)]
        elif sizes.shape[axis] < n:
            last = sizes[(slice(None),) * axis + (slice(-1, None),)]
            sizes = np.concatenate([sizes, np.repeat(last, n - sizes.shape[axis], axis)], axis)
    return sizes
