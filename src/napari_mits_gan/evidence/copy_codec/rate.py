"""The finest quantisation whose copy fits into the budget: estimated from a sample, corrected from slab to slab."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.copy_codec import container, rans
from napari_mits_gan.evidence.copy_codec.fit import WeightFit
from napari_mits_gan.evidence.copy_codec.frequencies import codes_of, frequencies_of
from napari_mits_gan.evidence.copy_codec.quantisation import STEP_CODES
from napari_mits_gan.evidence.copy_codec.side_information import pack_coarsest, to_words
from napari_mits_gan.evidence.copy_codec.slab import Slab
from napari_mits_gan.evidence.copy_codec.slab_encoder import Coded, Model, code, worth_of
from napari_mits_gan.evidence.side_by_side import side_by_side
from napari_mits_gan.progress import Progress, part_of, silent

_SAMPLE = 3_000_000
"""Coefficients from which steps and weights are estimated, about."""
_FLATTER = 0.9
"""Slope of the size to that of the activity (S12 in docs/experiments.md)."""
_SLOPE_OVER = 16
_NEAR = 0.02
_AIM = 0.996
_FULL = 0.99
"""A copy is full from this share of its budget on."""
_ROUNDS = 10
_SLOPE = -0.004
"""Change of the logarithm of the size with the step's code, as a rule."""
_AT_ONCE = 2
"""Slabs coded side by side, before the next ones' step is corrected by what they took."""
_MOST_CORRECTION = 10
"""Codes that a slab's step may lie off the first ones': 6 %, which nobody sees."""
_LARGEST_SHIFT = 12
"""By how much the step of one slab is changed to fill the budget, where several can share."""

Weights = NDArray[np.int16]


def fit_into(contents: container.Contents, slabs: list[Slab], max_bytes: int, progress: Progress = silent) -> bytes:
    """The bytes of the best copy of these slabs that fits; raises EvidenceError where none does."""
    if not slabs:
        return _checked(container.write(contents), max_bytes)
    guess = _estimated(slabs, max_bytes, part_of(progress, 0, 0.3))
    model = guess.model
    now = _coded(contents, slabs, guess, max_bytes, part_of(progress, 0.3, 0.8))
    ask = part_of(progress, 0.8, 0.8)
    best = _trimmed(contents, slabs, model, now, max_bytes, ask)
    while True:
        data = container.write(_contents(contents, model, best, part_of(progress, 0.8, 1)))
        if len(data) <= max_bytes or all(c.step == STEP_CODES - 1 for c in best):
            return _checked(data, max_bytes)
        shift = max(1, len(slabs) * (len(data) - max_bytes) * 300 // len(data))
        best = _shifted(slabs, best, model, shift, part_of(progress, 1, 1))


@dataclass(frozen=True)
class _Estimate:
    """What a sample of the slabs says.

    Parameters
    ----------
    step : int
        The code of the step at which the copy has about the size aimed at.
    slope : float
        Change of the logarithm of the size with the step's code, there.
    sizes : ndarray of float, shape (slabs,)
        Bytes of each slab with that step, about.
    model : Model
        What to code them with.
    """

    step: int
    slope: float
    sizes: NDArray[np.float64]
    model: Model


def _coded(
    contents: container.Contents, slabs: list[Slab], guess: _Estimate, max_bytes: int, progress: Progress
) -> list[Coded]:
    """Code the slabs, a few at a time; what they take beyond the estimate is saved in those that follow.

    The largest come first, so that little is left to guess in the end.
    """
    order = np.argsort(-guess.sizes, kind="stable")
    found: dict[int, Coded] = {}
    for first in range(0, len(slabs), _AT_ONCE):
        shift = 0
        if first:
            done = list(found.values())
            left = _AIM * max_bytes - _size(contents, guess.model, done)
            so_far = sum(c.bits(frequencies_of(_codes(done))) for c in done) / 8
            expected = guess.sizes[order[first:]].sum() * so_far / guess.sizes[order[:first]].sum()
            wanted = math.log(max(left, 1) / expected) / guess.slope
            shift = round(min(max(wanted, -_MOST_CORRECTION), _MOST_CORRECTION))
        now = order[first : first + _AT_ONCE].tolist()
        coded_slabs = side_by_side(
            partial(code, step=min(max(guess.step + shift, 0), STEP_CODES - 1), model=guess.model),
            [slabs[i] for i in now],
            part_of(progress, first / len(slabs), (first + len(now)) / len(slabs)),
        )
        found.update(zip(now, coded_slabs, strict=True))
    return [found[i] for i in range(len(slabs))]


def _trimmed(
    contents: container.Contents, slabs: list[Slab], model: Model, now: list[Coded], max_bytes: int, ask: Progress
) -> list[Coded]:
    """The slabs with their steps changed by little, until they fill the budget."""
    best, over, fits, slope = now, -1, len(slabs) * STEP_CODES, _SLOPE / len(slabs)
    for _ in range(_ROUNDS):
        at = sum(c.step for c in now)
        size = _size(contents, model, now)
        if size > max_bytes:
            over = at
        else:
            best, fits = now, at
            if size >= _FULL * max_bytes:
                break
        if fits - over <= 1:
            break
        goal = at + round(math.log(max(_AIM * max_bytes, 1.0) / size) / slope)
        now = _shifted(slabs, now, model, min(max(goal, over + 1), fits - 1) - at, ask)
        moved = sum(c.step for c in now) - at
        if not moved:
            break
        slope = min(math.log(_size(contents, model, now) / size) / moved, slope / 4)
    return best


def _checked(data: bytes, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise EvidenceError(
            f"the recovery copy does not fit into {max_bytes} bytes: at least {len(data)} are needed for this scan"
        )
    return data


def _sample(slabs: list[Slab]) -> list[Slab]:
    """Some slices of some slabs, from changing places."""
    size = sum(c.size for s in slabs for c in s.coefficients)
    of = max(1, min(size // _SAMPLE, min(len(s.coefficients[0]) for s in slabs)))
    every = max(1, min(size // of // _SAMPLE, len(slabs) // 2))
    return [s.part((i * 2 + of // 2) % of, of) for i, s in enumerate(slabs[every // 2 :: every])]


def _fitted(parts: list[Slab], step: int, ask: Progress) -> Weights:
    def one(part: Slab) -> WeightFit:
        fit = WeightFit(len(part.bands))
        code(part, step, fit)
        return fit

    return sum(side_by_side(one, parts, ask), WeightFit(len(parts[0].bands))).weights()


def _estimated(slabs: list[Slab], max_bytes: int, progress: Progress) -> _Estimate:
    """Find the step at which the copy has about the size aimed at, on a sample."""
    parts = _sample(slabs)
    ask = part_of(progress, 0, 0)
    aim = max(_AIM * max_bytes, 1.0)
    step, slope = _foreseen(slabs, aim)
    model = Model(_fitted(parts, step, ask))

    def size(step: int) -> NDArray[np.float64]:
        """Bytes of each slab; what ones are worth is learnt from it."""
        nonlocal model
        found = side_by_side(partial(code, step=step, model=model), parts, ask)
        frequencies = frequencies_of(_codes(found))
        taken = np.sum([c.bits_by_region(frequencies) for c in found], axis=0)
        whole = sum(c.bits(frequencies) - 8 * len(c.coarsest) for c in found)
        foreseen = np.sum([p.activity(step) for p in parts], axis=0)
        usual = whole / max(foreseen.sum(), 1e-9)
        ratio = np.where(foreseen > 0, whole * taken / (max(taken.sum(), 1e-9) * np.maximum(foreseen, 1e-9)), usual)
        model = replace(model, worth=worth_of(np.sum([c.counts for c in found], axis=0)))
        return np.array([s.activity(step) @ ratio / 8 + len(pack_coarsest(s.coefficients[0], step)) for s in slabs])

    size(step)  # only to learn from it: it takes ones as they are
    low, high = -1, STEP_CODES
    seen: dict[int, float] = {}
    for number in range(_ROUNDS):
        ask = part_of(progress, number / _ROUNDS, number / _ROUNDS)
        sizes = size(step)
        seen[step] = math.log(max(sizes.sum(), 1))
        ratio = seen[step] - math.log(aim)
        slope = _slope_of(seen, slope)
        low, high = (step, high) if ratio > 0 else (low, step)
        if abs(ratio) < _NEAR or high - low < 2:
            break
        step = min(max(step - round(ratio / slope), low + 1), high - 1)
    final = min(max(step - round(ratio / slope), 0), STEP_CODES - 1)
    return _Estimate(final, slope, sizes * math.exp(slope * (final - step)), model)


def _foreseen(slabs: list[Slab], aim: float) -> tuple[int, float]:
    """The step at which the slabs have about so many bytes, and the slope there, from nothing but their activity."""

    def size(step: int) -> float:
        return math.log(max(sum(s.activity(step).sum() for s in slabs) / 8, 1))

    low, high = 0, STEP_CODES - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if size(middle) > math.log(aim) else (low, middle)
    return low, min(_FLATTER * (size(low + _SLOPE_OVER) - size(low)) / _SLOPE_OVER, _SLOPE / 4)


def _slope_of(seen: dict[int, float], foreseen: float) -> float:
    """The slope between the two last sizes that were seen; the foreseen one where their steps are too close to tell."""
    if len(seen) > 1:
        (a, first), (b, second) = list(seen.items())[-2:]
        if abs(b - a) >= _SLOPE_OVER:
            return min((second - first) / (b - a), _SLOPE / 4)
    return foreseen


def _size(contents: container.Contents, model: Model, coded_slabs: list[Coded]) -> float:
    """Bytes of the copy, nearly exact."""
    codes = _codes(coded_slabs)
    frequencies = frequencies_of(codes)
    empty = [container.SlabBytes(c.step, b"", c.centres, 1, b"", b"") for c in coded_slabs]
    head = len(container.write(replace(contents, weights=model.weights, codes=codes, slabs=empty)))
    return head + sum(c.bits(frequencies) / 8 + 4 for c in coded_slabs)


def _codes(coded_slabs: list[Coded]) -> NDArray[np.uint8]:
    counts = np.sum([c.counts for c in coded_slabs], axis=0)
    used = int(np.flatnonzero(counts.any(axis=0))[-1]) + 1 if counts.any() else 1
    return codes_of(counts[:, :used])


def _shifted(slabs: list[Slab], coded_slabs: list[Coded], model: Model, shift: int, ask: Progress) -> list[Coded]:
    """Code again with steps whose codes are larger by `shift` in sum, spread over as few slabs as can share it."""
    n = min(len(slabs), -(-abs(shift) // _LARGEST_SHIFT)) or 1
    by = [0] * (len(slabs) - n) + [shift // n + (i < shift % n) for i in range(n)]

    def one(i: int) -> Coded:
        step = min(max(coded_slabs[i].step + by[i], 0), STEP_CODES - 1)
        return coded_slabs[i] if step == coded_slabs[i].step else code(slabs[i], step, model)

    return side_by_side(one, range(len(slabs)), ask)


def _contents(
    contents: container.Contents, model: Model, coded_slabs: list[Coded], progress: Progress
) -> container.Contents:
    codes = _codes(coded_slabs)
    frequencies = frequencies_of(codes)

    def one(c: Coded) -> container.SlabBytes:
        states = c.states
        spare, rest = to_words(c.signs, states)
        state, words = rans.encode(c.chunks, frequencies, spare)
        stored = state.astype("<u4").tobytes() + words.astype("<u2").tobytes()
        return container.SlabBytes(c.step, c.coarsest, c.centres, states, stored, rest + c.extra)

    return replace(contents, weights=model.weights, codes=codes, slabs=side_by_side(one, coded_slabs, progress))
