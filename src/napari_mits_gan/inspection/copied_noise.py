"""Noise that lies at two places of the scan: whatever was copied, from wherever.

Two voxels of an untouched scan never have the same noise around them. The signs of the residual around each voxel make
a word of 26 bits; equal words are looked up by sorting, and vote for the distance between their voxels. Chance spreads
its votes over all distances; a copy gives all of its votes to one. Distances that are voted for are then looked at with
the residual itself: a copy agrees at its own distance and not a voxel beside, unlike edges that run side by side.

A source is looked at twice, as it is and as CT-GAN copies noise, with everything above -800 HU flattened: a removal by
CT-GAN is found from wherever its noise was taken.

Copies in photographs are found like this by blocks or key points (Fridrich, Soukal, Lukáš, 'Detection of copy-move
forgery in digital images', DFRWS 2003; Cozzolino, Poggi, Verdoliva, 'Efficient dense-field copy-move forgery
detection', IEEE Trans. Inf. Forensics Secur. 10:2284, 2015); here the noise alone is compared, in three dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.grid import Box, Spacing, Voxel
from napari_mits_gan.inspection.contract import Calibrated, Kind, Trace
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.false_alarms import Tail
from napari_mits_gan.inspection.outline import Outline, moved, outline_of_copy
from napari_mits_gan.progress import Progress, part_of, silent

_BITS = 26
_REACH = (1, 2, 2)
"""How far the voxels that make a word lie from its own, in voxels (z, y, x)."""
_MOST_EQUAL = 4
"""Of equal words, each is compared with the next three only: where many are equal there is no noise."""
_NEAR_MM = 8.0
"""Shorter distances are not looked at: neighbours share what the scanner blurred."""
_LEAST_VOTES = 3
_TOGETHER_MM = 20.0
"""Votes for a distance count as far as they come from one place of this size."""
_LARGEST_MM = 25.0
_MANY_VOTES = 30
"""From so many votes on, their middle is that of what was copied."""
_MOST_DISTANCES = 60
_WIDE_MM, _NARROW_MM = 6.0, 3.5
"""Standard deviations of the Gaussians under which the residuals at both ends are compared."""
_BESIDE = (
    (0, 3, 0),
    (0, -3, 0),
    (0, 0, 3),
    (0, 0, -3),
    (0, 2, 2),
    (0, -2, -2),
    (0, 2, -2),
    (0, -2, 2),
    (2, 0, 0),
    (-2, 0, 0),
)
"""Steps in voxels beside a distance, where a copy agrees no more."""
_AGAINST = 3.0
"""How much agreement beside a distance, beyond chance, counts against that at the distance."""
_RADIUS_MM = 10.0
_SAME = 0.5
"""From this share of equal HU on, the voxels themselves were copied."""


@dataclass(frozen=True)
class Copy:
    """Two places with the same noise.

    Parameters
    ----------
    at, other : tuple of int
        Middle voxels (z, y, x) of both, within the examined region.
    score : float
        Sum of products of both residuals under a Gaussian, over what chance would give, less what agrees beside it.
    votes : int
        How many words agree.
    directed : bool
        Whether it was copied from `other`, as CT-GAN does; else it may have been the other way round.
    """

    at: Voxel
    other: Voxel
    score: float
    votes: int
    directed: bool


@dataclass(frozen=True)
class CopiedNoise(Calibrated):
    """Looks for noise that lies at two places."""

    name = "copied noise"
    share = 0.1
    tail = Tail(1.6, 0.26, 0.65)

    def traces(self, scan: ExaminedScan, *, progress: Progress = silent) -> Sequence[Trace]:
        """See `Method`; the end with the weaker noise, which blending leaves, is taken for the copy."""
        found = []
        for copy in self.copies(scan, progress=progress):
            if copy.score < self.tail.score:
                continue
            first, second, kind = _which_is_the_copy(scan, copy)
            at, source = scan.in_scan(first), scan.in_scan(second)
            sentence = (
                f"The noise here is that of voxel {source} (z, y, x), copied as CT-GAN does."
                if copy.directed
                else f"Here and at voxel {source} (z, y, x) lies the same noise: one was copied from the other."
            )
            found.append(Trace(at, kind, copy.score, sentence, _RADIUS_MM, source, _outline(scan, copy, at, source)))
        return found

    def highest(self, scan: ExaminedScan) -> float | None:
        """See `Method`."""
        copies = self.copies(scan)
        return copies[0].score if copies else None

    def copies(self, scan: ExaminedScan, *, progress: Progress = silent) -> list[Copy]:
        """The most striking pairs of places, best first, however weak."""
        found: list[Copy] = []
        words, voxels = _words(scan.residual, scan.lungs, part_of(progress, 0.0, 0.25))
        flattened = _flattened(scan)
        others, _ = _words(flattened, scan.lungs, part_of(progress, 0.35, 0.6))
        for part, source, pairs in (
            (0.6, scan.residual, _equal(words)),
            (0.8, flattened, _equal(words, others)),
        ):
            ballots = _ballots(voxels, *pairs, scan.spacing, directed=source is flattened)
            for number, (places, distance, votes) in enumerate(ballots):
                part_of(progress, part, part + 0.2)(number, len(ballots))
                best = _compared(scan.residual, source, places, distance, scan.spacing)
                if best is not None:
                    at, score = best
                    other = tuple(int(a + d) for a, d in zip(at, distance, strict=True))
                    found.append(Copy(at, other, score, votes, source is flattened))  # type: ignore[arg-type]
        progress(1, 1)
        return sorted(found, key=lambda copy: -copy.score)


def _outline(scan: ExaminedScan, copy: Copy, at: Voxel, source: Voxel) -> Outline | None:
    """The voxels of the copy; what lies near to the source is enough to tell."""
    around = Box.around(source, tuple(2 * round(_LARGEST_MM / mm) + 1 for mm in scan.spacing)).overlap(scan.region)  # type: ignore[arg-type]
    inside = around.slices(scan.region)
    noise = _flattened(scan, inside) if copy.directed else scan.residual[inside]
    return outline_of_copy(scan, at, noise, moved(around, source, at))


def _flattened(scan: ExaminedScan, inside: tuple[slice, ...] = ()) -> NDArray[np.float32]:
    """The residual of the noise as CT-GAN copies it, in a part of the examined region."""
    from napari_mits_gan.attack.ctgan.touch_up import NOISE_BELOW_HU

    hu = scan.hu[inside]
    dark = hu < NOISE_BELOW_HU
    lungs = dark & scan.lungs[inside]
    mean = round(float(hu[lungs].mean())) if lungs.any() else 0
    return scan.whitening.residual(np.where(dark, hu, np.int16(mean)), scan.spacing)


def _pattern() -> NDArray[np.int64]:
    """The offsets (n, 3) whose signs make a word: irregular, so that neighbouring words share few of them."""
    around = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in _REACH), indexing="ij"), axis=-1).reshape(-1, 3)
    chosen: NDArray[np.int64] = around[np.random.default_rng(0).permutation(len(around))[:_BITS]]
    return chosen


def _words(
    residual: NDArray[np.float32], lungs: NDArray[np.bool_], progress: Progress
) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """The word of each voxel of the lungs, and the voxels (n, 3)."""
    depth, rows, columns = residual.shape
    rz, ry, rx = _REACH
    steps = (_pattern() + (rz, 0, 0)) @ (rows * columns, columns, 1)
    words, voxels = [np.zeros(0, np.uint32)], [np.zeros((0, 3), np.int32)]
    inner = np.zeros((rows, columns), dtype=bool)
    inner[ry : rows - ry, rx : columns - rx] = True
    for z in range(rz, depth - rz):
        progress(z, depth)
        at = np.flatnonzero(lungs[z] & inner)
        if not at.size:
            continue
        # Lungs fill a quarter of the region, so the signs are picked for them alone.
        positive = (residual[z - rz : z + rz + 1] > 0).view(np.uint8).ravel()
        word = np.zeros(len(at), dtype=np.uint32)
        for step in steps[::-1]:
            word <<= 1
            word |= positive.take(at + step)
        words.append(word)
        voxels.append(np.stack([np.full(len(at), z), *np.divmod(at, columns)], axis=1).astype(np.int32))
    return np.concatenate(words), np.concatenate(voxels)


def _equal(
    words: NDArray[np.uint32], others: NDArray[np.uint32] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of equal words: pairs of `words`, or one of `words` and one of `others` each."""
    n = len(words)
    both = words if others is None else np.concatenate([words, others])
    # Word and number in one: numbers are sorted several times as fast as they are sorted by.
    key = both.astype(np.uint64) << np.uint64(32)
    key |= np.arange(len(both), dtype=np.uint64)
    key.sort()
    order = (key & np.uint64(0xFFFFFFFF)).astype(np.int64)
    ordered = (key >> np.uint64(32)).astype(np.uint32)
    first, second = [], []
    for step in range(1, _MOST_EQUAL):
        equal = np.flatnonzero(ordered[step:] == ordered[:-step])
        one, two = order[equal], order[equal + step]
        if others is not None:
            apart = (one < n) != (two < n)
            one, two = one[apart], two[apart]
            one, two = np.minimum(one, two), np.maximum(one, two) - n
        first.append(one)
        second.append(two)
    return np.concatenate(first), np.concatenate(second)


def _ballots(
    voxels: NDArray[np.int32],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    spacing: Spacing,
    *,
    directed: bool,
) -> list[tuple[NDArray[np.int32], NDArray[np.int32], int]]:
    """Distances with most votes from one place: voxels (n, 3) that vote for it, the distance, number of votes."""
    distance = voxels[second] - voxels[first]
    far = np.linalg.norm(distance * np.asarray(spacing), axis=1) > _NEAR_MM
    first, second, distance = first[far], second[far], distance[far]
    if not len(first):
        return []
    code = (distance[:, 0].astype(np.int64) * 8192 + distance[:, 1]) * 8192 + distance[:, 2]
    if not directed:  # a distance and its opposite are one
        first = np.where(code < 0, second, first)
        distance = np.where(code[:, None] < 0, -distance, distance)
        code = np.abs(code)
    order = np.argsort(code, kind="stable")
    _, start, count = np.unique(code[order], return_index=True, return_counts=True)
    best = np.argsort(-count, kind="stable")
    best = best[count[best] >= _LEAST_VOTES][: 40 * _MOST_DISTANCES]
    found = []
    for number in best:
        members = order[start[number] : start[number] + count[number]]
        places = voxels[first[members]]
        places_mm = places * np.asarray(spacing)
        some = places_mm[:: max(1, len(places) // 32)]
        near = np.linalg.norm(places_mm[None] - some[:, None], axis=2) < _TOGETHER_MM / 2
        together = near[int(np.argmax(near.sum(axis=1)))]
        votes = int(together.sum())
        if votes >= _LEAST_VOTES:
            # What was copied may be larger: its middle is that of all votes around.
            around = np.linalg.norm(places_mm - np.median(places_mm[together], axis=0), axis=1) < _LARGEST_MM
            found.append((places[around], distance[members[0]], votes))
    found.sort(key=lambda ballot: -ballot[2])
    return found[:_MOST_DISTANCES]


def _compared(
    residual: NDArray[np.float32],
    source: NDArray[np.float32],
    places: NDArray[np.int32],
    distance: NDArray[np.int32],
    spacing: Spacing,
) -> tuple[Voxel, float] | None:
    """Where among the places the residual agrees best with the source's at a distance, and how well."""
    middle = places.mean(axis=0)
    best: tuple[Voxel, float] | None = None
    for _ in range(2):  # the words that agree need not lie around the middle of what was copied
        pair = _Pair.around(middle, residual, source, distance, spacing)
        if pair is None:
            break
        score, centre = pair.agreement()
        if best is None or score > best[1]:
            best = (centre, score)
        middle = np.array(centre)
    if best is not None and len(places) >= _MANY_VOTES:
        z, y, x = (round(float(c)) for c in places.mean(axis=0))
        best = ((z, y, x), best[1])
    return best


@dataclass(frozen=True, eq=False)
class _Pair:
    """A box of the residual, and where its copy would lie in the source.

    Parameters
    ----------
    here : ndarray of float32, shape (z, y, x)
        The residual in the box.
    source : ndarray of float32
        What it may have been copied from.
    low, there : tuple of int
        First voxel of the box, and of its source.
    offsets : list of ndarray
        mm from the middle, along each axis.
    """

    here: NDArray[np.float32]
    source: NDArray[np.float32]
    low: tuple[int, ...]
    there: tuple[int, ...]
    offsets: list[NDArray[np.float32]]

    @classmethod
    def around(
        cls,
        middle: NDArray[np.floating],
        residual: NDArray[np.float32],
        source: NDArray[np.float32],
        distance: NDArray[np.int32],
        spacing: Spacing,
    ) -> _Pair | None:
        """The box around a voxel, as far as both ends lie in the scan; None where there is nothing of it."""
        low, high = [], []
        for axis, mm in enumerate(spacing):
            n, d, m = residual.shape[axis], int(distance[axis]), round(float(middle[axis]))
            reach, room = round(2.5 * _WIDE_MM / mm), max(abs(beside[axis]) for beside in _BESIDE)
            low.append(max(0, m - reach, room - d))
            high.append(min(n, m + reach + 1, n - room - d))
        if any(h <= lo for lo, h in zip(low, high, strict=True)):
            return None
        here = residual[tuple(slice(lo, h) for lo, h in zip(low, high, strict=True))]
        offsets = [
            ((np.arange(lo, h) - m) * mm).astype(np.float32)
            for lo, h, m, mm in zip(low, high, middle, spacing, strict=True)
        ]
        there = tuple(lo + int(d) for lo, d in zip(low, distance, strict=True))
        return cls(here, source, tuple(low), there, offsets)

    def agreement(self) -> tuple[float, Voxel]:
        """How well both ends agree, over chance and over what lies beside; and the middle of what agrees."""
        square = sum(np.ix_(*(offset**2 for offset in self.offsets)))
        weights = [np.exp(-square / (2 * sigma**2)) for sigma in (_WIDE_MM, _NARROW_MM)]
        product = self._product((0, 0, 0))
        at_distance = [_over_chance(weight * product) for weight in weights]
        beside = np.array([[_over_chance(w * p) for w in weights] for p in map(self._product, _BESIDE)])
        against = _AGAINST * np.maximum(np.sqrt(np.mean(beside**2, axis=0)) - 1, 0)
        agreeing = np.clip(product, 0, None) * weights[0]
        total = float(agreeing.sum()) + 1e-6
        centre = []
        for axis, low in enumerate(self.low):
            along = agreeing.sum(axis=tuple(a for a in range(3) if a != axis))
            centre.append(low + round(float(np.sum(along * np.arange(len(along)))) / total))
        return float(np.max(at_distance - against)), (centre[0], centre[1], centre[2])

    def _product(self, beside: Sequence[int]) -> NDArray[np.float32]:
        first = [t + b for t, b in zip(self.there, beside, strict=True)]
        return self.here * self.source[tuple(slice(f, f + n) for f, n in zip(first, self.here.shape, strict=True))]


def _over_chance(products: NDArray[np.float32]) -> float:
    return float(products.sum() / (np.sqrt(np.sum(products * products)) + 1e-6))


def _which_is_the_copy(scan: ExaminedScan, copy: Copy) -> tuple[Voxel, Voxel, Kind]:
    """The end that is taken for the copy, the other one, and whether the HU themselves were copied."""
    reach = [max(1, round(_NARROW_MM / mm)) for mm in scan.spacing]
    shape = scan.residual.shape
    low = [-min(r, a, b) for r, a, b in zip(reach, copy.at, copy.other, strict=True)]
    high = [min(r, n - 1 - a, n - 1 - b) for r, n, a, b in zip(reach, shape, copy.at, copy.other, strict=True)]
    both = [
        scan.hu[tuple(slice(c + lo, c + h + 1) for c, lo, h in zip(end, low, high, strict=True))].astype(np.float32)
        for end in (copy.at, copy.other)
    ]
    kind: Kind = "copied voxels" if np.mean(both[0] == both[1]) > _SAME else "copied noise"
    if copy.directed or both[0].shape[2] < 3:
        return copy.at, copy.other, kind
    strength = [np.median(np.abs(np.diff(hu, 2, axis=2))) for hu in both]
    return (copy.at, copy.other, kind) if strength[0] <= strength[1] else (copy.other, copy.at, kind)
