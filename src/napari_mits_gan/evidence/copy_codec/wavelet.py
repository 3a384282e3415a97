"""The three-dimensional CDF 9/7 wavelet transform of a slab, its finest details split once more in the plane.

The noise of a CT falls off within the finest octave, which a plain dyadic transform codes as one band; splitting it
saves 5 to 10 % of the bits (`docs/evidence-codec.md`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# Daubechies and Sweldens, "Factoring wavelet transforms into lifting steps", J. Fourier Anal. Appl. 4 (1998), 4.4;
# scaled so that the transform is nearly orthonormal.
_LIFTING = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
_LOW_GAIN = math.sqrt(2) / 1.230174104914001
_CHUNK = 16
"""Rows transformed along z at a time: small enough for the processor's cache."""


@dataclass(frozen=True)
class Levels:
    """How often each direction is halved."""

    z: int
    plane: int

    @staticmethod
    def of(shape: tuple[int, ...]) -> Levels:
        """As many as leave at least 4 slices, or 8 rows and columns, in the coarsest band; 3 and 5 at most."""
        plane = max(0, min(5, (min(shape[1:]) // 8).bit_length() - 1))
        return Levels(z=max(0, min(3, plane, (shape[0] // 4).bit_length() - 1)), plane=plane)


@dataclass(frozen=True)
class Band:
    """One subband: how often each direction was halved to get there, and its number of coefficients."""

    level: int
    """0 for the coarsest band, else the level of its detail, 1 being the finest."""
    halvings: tuple[int, int, int]
    shape: tuple[int, int, int]


def bands_of(shape: tuple[int, int, int], levels: Levels) -> list[Band]:
    """The bands of a slab of this shape (z, y, x), coarsest first, in the order `forward` returns them."""
    found: list[list[Band]] = []
    halvings = (0, 0, 0)
    for level in range(1, levels.plane + 1):
        axes = _axes(level, levels)
        halved = _halve(halvings, axes)
        details = []
        for high in product((0, 1), repeat=len(axes)):
            part = _part_shape(shape, axes, high)
            if not any(high):
                low = part
            elif level == 1:
                for finer in product((0, 1), repeat=2):
                    details.append(Band(level, _halve(halved, (1, 2)), _part_shape(part, (1, 2), finer)))
            else:
                details.append(Band(level, halved, part))
        found.append(details)
        shape, halvings = low, halved
    return [Band(0, halvings, shape)] + [band for details in reversed(found) for band in details]


def forward(slab: Array, levels: Levels) -> list[Array]:
    """Coefficients of each band; `slab` (z, y, x) is left alone."""
    found: list[list[Array]] = []
    low = slab
    for level in range(1, levels.plane + 1):
        axes = _axes(level, levels)
        parts = _split(low, axes)
        low = parts.pop(0)
        if level == 1:
            parts = [finer for part in parts for finer in _split(part, (1, 2))]
        found.append(parts)
    return [low] + [part for parts in reversed(found) for part in parts]


def inverse(bands: list[Array], shape: tuple[int, int, int], levels: Levels) -> Array:
    """The slab (z, y, x) that `forward` makes these bands from; `bands` is emptied."""
    shapes = [shape]
    for level in range(1, levels.plane):
        axes = _axes(level, levels)
        shapes.append(_part_shape(shapes[-1], axes, (0,) * len(axes)))
    low = bands.pop(0)
    for level in range(levels.plane, 0, -1):
        axes, whole = _axes(level, levels), shapes[level - 1]
        parts = [low]
        for high in list(product((0, 1), repeat=len(axes)))[1:]:
            if level == 1:
                finer = [bands.pop(0) for _ in range(4)]
                parts.append(_join(finer, _part_shape(whole, axes, high), (1, 2)))
            else:
                parts.append(bands.pop(0))
        low = _join(parts, whole, axes)
    return low


def _axes(level: int, levels: Levels) -> tuple[int, ...]:
    return (0, 1, 2) if level <= levels.z else (1, 2)


def _halve(halvings: tuple[int, int, int], axes: tuple[int, ...]) -> tuple[int, int, int]:
    z, y, x = (h + (axis in axes) for axis, h in enumerate(halvings))
    return z, y, x


def _part_shape(shape: tuple[int, int, int], axes: tuple[int, ...], high: tuple[int, ...]) -> tuple[int, int, int]:
    sizes = list(shape)
    for axis, is_high in zip(axes, high, strict=True):
        sizes[axis] = sizes[axis] // 2 if is_high else (sizes[axis] + 1) // 2
    return sizes[0], sizes[1], sizes[2]


def _split(whole: Array, axes: tuple[int, ...]) -> list[Array]:
    """Low and high part along each axis, the first axis outermost."""
    parts = [np.empty(_part_shape(whole.shape, axes, high), np.float32) for high in product((0, 1), repeat=len(axes))]
    if axes[0] == 0:
        halves = [np.empty(_part_shape(whole.shape, (0,), (high,)), np.float32) for high in (0, 1)]
        for y in range(0, whole.shape[1], _CHUNK):
            rows = slice(y, y + _CHUNK)
            for half, part in zip(halves, _analyse(whole[:, rows], 0), strict=True):
                half[:, rows] = part
    else:
        halves = [whole]
    in_plane = len(parts) // len(halves)
    for h, half in enumerate(halves):
        for z, picture in enumerate(half):
            for i, rows_part in enumerate(_analyse(picture, 0)):
                for j, part in enumerate(_analyse(rows_part, 1)):
                    parts[h * in_plane + 2 * i + j][z] = part
    return parts


def _join(parts: list[Array], shape: tuple[int, int, int], axes: tuple[int, ...]) -> Array:
    """What `_split` made these parts from."""
    with_z = axes[0] == 0
    shapes = [_part_shape(shape, (0,), (high,)) for high in (0, 1)] if with_z else [shape]
    halves = [np.empty(s, np.float32) for s in shapes]
    for h, half in enumerate(halves):
        for z in range(len(half)):
            rows = [_synthesise(parts[4 * h + 2 * i][z], parts[4 * h + 2 * i + 1][z], 1) for i in (0, 1)]
            half[z] = _synthesise(rows[0], rows[1], 0)
    if not with_z:
        return halves[0]
    whole = np.empty(shape, np.float32)
    for y in range(0, shape[1], _CHUNK):
        rows_of = slice(y, y + _CHUNK)
        whole[:, rows_of] = _synthesise(halves[0][:, rows_of], halves[1][:, rows_of], 0)
    return whole


def _analyse(signal: Array, axis: int) -> tuple[Array, Array]:
    """Low and high part along `axis` of a two- or three-dimensional array, mirrored at its ends."""
    even: list[slice] = [slice(None)] * signal.ndim
    odd = even.copy()
    even[axis], odd[axis] = slice(0, None, 2), slice(1, None, 2)
    low, high = signal[tuple(even)].astype(np.float32), signal[tuple(odd)].astype(np.float32)
    if high.shape[axis]:
        for step, weight in enumerate(_LIFTING):
            _lift(low, high, axis, weight, predict=step % 2 == 0)
    low *= np.float32(_LOW_GAIN)
    high *= np.float32(1 / _LOW_GAIN)
    return low, high


def _synthesise(low: Array, high: Array, axis: int) -> Array:
    """What `_analyse` made these parts from."""
    low, high = low * np.float32(1 / _LOW_GAIN), high * np.float32(_LOW_GAIN)
    if high.shape[axis]:
        for step in (3, 2, 1, 0):
            _lift(low, high, axis, -_LIFTING[step], predict=step % 2 == 0)
    shape = list(low.shape)
    shape[axis] += high.shape[axis]
    whole = np.empty(shape, np.float32)
    even: list[slice] = [slice(None)] * low.ndim
    odd = even.copy()
    even[axis], odd[axis] = slice(0, None, 2), slice(1, None, 2)
    whole[tuple(even)], whole[tuple(odd)] = low, high
    return whole


def _lift(low: Array, high: Array, axis: int, weight: float, predict: bool) -> None:
    """Add `weight` times the two neighbours to every high (`predict`) or low coefficient, in place."""

    def part(array: Array, start: int | None, stop: int | None) -> Array:
        place: list[slice] = [slice(None)] * array.ndim
        place[axis] = slice(start, stop)
        return array[tuple(place)]

    w = np.float32(weight)
    n_low, n_high = low.shape[axis], high.shape[axis]
    if predict:
        inner = min(n_high, n_low - 1)
        sums = part(low, 0, inner) + part(low, 1, inner + 1)
        sums *= w
        part(high, 0, inner)[...] += sums
        if n_high > inner:
            part(high, inner, None)[...] += 2 * w * part(low, n_low - 1, None)
    else:
        sums = part(high, 0, n_high - 1) + part(high, 1, n_high)
        sums *= w
        part(low, 1, n_high)[...] += sums
        part(low, 0, 1)[...] += 2 * w * part(high, 0, 1)
        if n_low > n_high:
            part(low, n_low - 1, None)[...] += 2 * w * part(high, n_high - 1, None)
