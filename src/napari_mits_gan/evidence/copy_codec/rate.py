"""The finest quantisation whose copy fits into the budget: estimated from a sample, then trimmed slab by slab."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.copy_codec import container, rans, tokens
from napari_mits_gan.evidence.copy_codec.contexts import CONTEXTS
from napari_mits_gan.evidence.copy_codec.fit import WeightFit
from napari_mits_gan.evidence.copy_codec.frequencies import bits, codes_of, frequencies_of
from napari_mits_gan.evidence.copy_codec.region_grid import LUNGS, coded
from napari_mits_gan.evidence.copy_codec.side_by_side import side_by_side
from napari_mits_gan.evidence.copy_codec.slab import STEP_CODES, Coded, Slab, code, pack_coarsest, to_words
from napari_mits_gan.progress import Progress, silent

_SAMPLE = 2_000_000
"""Coefficients from which the step is estimated, about."""
_FIRST_STEP = 128 * 6
_AIM = 0.996
_FULL = 0.99
"""A copy is full from this share of its budget on."""
_ROUNDS = 10
_SLOPE = -0.004
"""Change of the logarithm of the size with the step's code, as a rule."""

Weights = NDArray[np.int16]


def fit_into(contents: container.Contents, slabs: list[Slab], max_bytes: int, progress: Progress = silent) -> bytes:
    """The bytes of the best copy of these slabs that fits; raises EvidenceError where none does."""
    if not slabs:
        return _checked(container.write(contents), max_bytes)
    parts = _sample(slabs)
    weights = _fitted(parts[::3], _FIRST_STEP)
    step = _search(parts, slabs, weights, max_bytes)
    weights = _fitted(parts, step)
    now = side_by_side(lambda s: code(s, step, weights), slabs, progress)
    best = _trimmed(contents, slabs, weights, now, max_bytes)
    while True:
        data = container.write(_contents(contents, weights, best))
        if len(data) <= max_bytes or all(c.step == STEP_CODES - 1 for c in best):
            return _checked(data, max_bytes)
        best = _shifted(slabs, best, weights, max(1, len(slabs) * (len(data) - max_bytes) * 300 // len(data)))


def _trimmed(
    contents: container.Contents, slabs: list[Slab], weights: Weights, now: list[Coded], max_bytes: int
) -> list[Coded]:
    """The slabs with their steps changed by little, until they fill the budget."""
    best, over, fits, slope = now, -1, len(slabs) * STEP_CODES, _SLOPE / len(slabs)
    for _ in range(_ROUNDS):
        at = sum(c.step for c in now)
        size = _size(contents, weights, now)
        if size > max_bytes:
            over = at
        else:
            best, fits = now, at
            if size >= _FULL * max_bytes:
                break
        if fits - over <= 1:
            break
        goal = at + round(math.log(max(_AIM * max_bytes, 1.0) / size) / slope)
        now = _shifted(slabs, now, weights, min(max(goal, over + 1), fits - 1) - at)
        moved = sum(c.step for c in now) - at
        if not moved:
            break
        slope = min(math.log(_size(contents, weights, now) / size) / moved, slope / 4)
    return best


def _checked(data: bytes, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise EvidenceError(
            f"the recovery copy does not fit into {max_bytes} bytes: at least {len(data)} are needed for this scan"
        )
    return data


def _sample(slabs: list[Slab]) -> list[Slab]:
    """Some slices of every slab, from changing places."""
    every = sum(c.size for s in slabs for c in s.coefficients) // _SAMPLE
    deepest = min(len(s.coefficients[0]) for s in slabs)
    of = max(1, min(every, deepest))
    return [s.part((i * 2 + of // 2) % of, of) for i, s in enumerate(slabs)]


def _fitted(parts: list[Slab], step: int) -> Weights:
    def one(part: Slab) -> WeightFit:
        fit = WeightFit(len(part.bands))
        code(part, step, fit)
        return fit

    return sum(side_by_side(one, parts), WeightFit(len(parts[0].bands))).weights()


def _coefficients(slabs: list[Slab]) -> NDArray[np.float64]:
    """How many are coded in the lungs and elsewhere."""
    lungs = every = 0
    for s in slabs:
        for band, region in zip(s.bands[1:], s.regions[1:], strict=True):
            lungs += int(np.count_nonzero(region == LUNGS))
            every += int(np.count_nonzero(coded(region, band)))
    return np.array([lungs, every - lungs], dtype=np.float64)


def _search(parts: list[Slab], slabs: list[Slab], weights: Weights, max_bytes: int) -> int:
    """The code of the step at which the copy has about the size aimed at."""
    scale = _coefficients(slabs) / np.maximum(_coefficients(parts), 1)
    half = CONTEXTS // 2

    def size(step: int) -> float:
        found = side_by_side(lambda s: code(s, step, weights), parts)
        counts = sum((c.counts for c in found), np.zeros((CONTEXTS, tokens.TOKENS), np.int64))
        frequencies = frequencies_of(codes_of(counts))
        total = 8.0 * sum(len(pack_coarsest(s.coefficients[0], step)) for s in slabs)
        for group, factor in zip((slice(0, half), slice(half, None)), scale, strict=True):
            here = counts[group]
            plain = here[:, 1:].sum() + (here * tokens.EXTRA_BITS).sum()
            total += factor * (bits(here, frequencies[group]) + plain)
        return total / 8

    low, high, step = 0, STEP_CODES - 1, _FIRST_STEP
    aim = max(_AIM * max_bytes, 1.0)
    for _ in range(_ROUNDS):
        ratio = math.log(max(size(step), 1) / aim)
        if abs(ratio) < 0.003:
            break
        low, high = (step, high) if ratio > 0 else (low, step)
        step = min(max(step - round(ratio / _SLOPE), low + 1), high - 1)
        if high - low < 2:
            break
    return step


def _size(contents: container.Contents, weights: Weights, coded_slabs: list[Coded]) -> float:
    """Bytes of the copy, nearly exact."""
    codes = _codes(coded_slabs)
    frequencies = frequencies_of(codes)
    empty = [container.SlabBytes(c.step, b"", c.centres, 1, b"", b"") for c in coded_slabs]
    head = len(container.write(replace(contents, weights=weights, codes=codes, slabs=empty)))
    return head + sum(c.bits(frequencies) / 8 + 4 for c in coded_slabs)


def _codes(coded_slabs: list[Coded]) -> NDArray[np.uint8]:
    counts = np.sum([c.counts for c in coded_slabs], axis=0)
    used = int(np.flatnonzero(counts.any(axis=0))[-1]) + 1 if counts.any() else 1
    return codes_of(counts[:, :used])


def _shifted(slabs: list[Slab], coded_slabs: list[Coded], weights: Weights, shift: int) -> list[Coded]:
    """Code again with steps whose codes are larger by `shift` in sum, spread over the slabs."""
    n = len(slabs)
    by = [shift // n + (i < shift % n) for i in range(n)]

    def one(i: int) -> Coded:
        step = min(max(coded_slabs[i].step + by[i], 0), STEP_CODES - 1)
        return coded_slabs[i] if step == coded_slabs[i].step else code(slabs[i], step, weights)

    return side_by_side(one, range(n))


def _contents(contents: container.Contents, weights: Weights, coded_slabs: list[Coded]) -> container.Contents:
    codes = _codes(coded_slabs)
    frequencies = frequencies_of(codes)

    def one(c: Coded) -> container.SlabBytes:
        states = c.states
        spare, rest = to_words(c.signs, states)
        state, words = rans.encode(c.chunks, frequencies, spare)
        stored = state.astype("<u4").tobytes() + words.astype("<u2").tobytes()
        return container.SlabBytes(c.step, c.coarsest, c.centres, states, stored, rest + c.extra)

    return replace(contents, weights=weights, codes=codes, slabs=side_by_side(one, coded_slabs))
