"""Noise that lies at two places of the scan: whatever was copied, from wherever.

Two voxels of an untouched scan never have the same noise around them. The signs of the residual around each voxel make
a word of 26 bits; equal words are looked up by sorting, and vote for the distance between their voxels. Chance spreads
its votes over all distances; a copy gives all of its votes to one. Distances that are voted for are then looked at with
the residual itself.

Copies in photographs are found like this by blocks or key points (Fridrich, Soukal, Lukáš, 'Detection of copy-move
forgery in digital images', DFRWS 2003; Cozzolino, Poggi, Verdoliva, 'Efficient dense-field copy-move forgery
detection', IEEE Trans. Inf. Forensics Secur. 10:2284, 2015); here the noise alone is compared, in three dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.grid import Spacing, Voxel
from napari_mits_gan.inspection.contract import Kind, Trace
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.false_alarms import Tail
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
_MOST_DISTANCES = 60
_WIDE_MM, _NARROW_MM = 6.0, 3.5
"""Standard deviations of the Gaussians under which the residuals at both ends are compared."""
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
        Sum of products of both residuals under a Gaussian, over what chance would give.
    votes : int
        How many words agree.
    """

    at: Voxel
    other: Voxel
    score: float
    votes: int


@dataclass(frozen=True)
class CopiedNoise:
    """Looks for noise that lies at two places."""

    name = "copied noise"
    tail = Tail(8.0, 0.1, 1.5)

    def false_alarms_per_scan(self, score: float) -> float:
        """See `Method`."""
        return self.tail.false_alarms_per_scan(score)

    def traces(self, scan: ExaminedScan, *, progress: Progress = silent) -> Sequence[Trace]:
        """See `Method`; the end with the weaker noise, which blending leaves, is taken for the copy."""
        found = []
        for copy in self.copies(scan, progress=progress):
            if copy.score < self.tail.score:
                continue
            first, second, kind = _which_is_the_copy(scan, copy)
            at, source = scan.in_scan(first), scan.in_scan(second)
            what = "voxels here are" if kind == "copied voxels" else "noise here is"
            found.append(
                Trace(
                    at,
                    kind,
                    copy.score,
                    f"The {what} that of voxel {source} (z, y, x) once more: one of the two was copied from the other.",
                    10.0,
                    source,
                )
            )
        return found

    def copies(self, scan: ExaminedScan, *, progress: Progress = silent) -> list[Copy]:
        """The most striking pairs of places, best first, however weak."""
        words, voxels = _words(scan, part_of(progress, 0.0, 0.5))
        first, second = _equal(words)
        progress(6, 10)
        found = []
        ballots = _ballots(voxels, first, second, scan.spacing)
        for number, (places, distance, votes) in enumerate(ballots):
            progress(6 * len(ballots) + 4 * number, 10 * len(ballots))
            best = _compared(scan, places, distance)
            if best is not None:
                at, score = best
                other = tuple(int(a + d) for a, d in zip(at, distance, strict=True))
                found.append(Copy(at, other, score, votes))  # type: ignore[arg-type]
        progress(1, 1)
        return sorted(found, key=lambda copy: -copy.score)


def _pattern() -> NDArray[np.int64]:
    """The offsets (n, 3) whose signs make a word: irregular, so that neighbouring words share few of them."""
    around = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in _REACH), indexing="ij"), axis=-1).reshape(-1, 3)
    chosen: NDArray[np.int64] = around[np.random.default_rng(0).permutation(len(around))[:_BITS]]
    return chosen


def _words(scan: ExaminedScan, progress: Progress) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """The word of each voxel of the lungs, and the voxels (n, 3)."""
    pattern = _pattern()
    depth, rows, columns = scan.residual.shape
    rz, ry, rx = _REACH
    words, voxels = [], []
    inner = (slice(ry, rows - ry), slice(rx, columns - rx))
    for z in range(rz, depth - rz):
        progress(z, depth)
        at = np.flatnonzero(scan.lungs[z][inner])
        if not at.size:
            continue
        y, x = np.divmod(at, columns - 2 * rx)
        word = np.zeros((rows - 2 * ry, columns - 2 * rx), dtype=np.uint32)
        for bit, (dz, dy, dx) in enumerate(pattern):
            positive = scan.residual[z + dz, ry + dy : rows - ry + dy, rx + dx : columns - rx + dx] > 0
            word |= positive.astype(np.uint32) << np.uint32(bit)
        words.append(word.ravel()[at])
        voxels.append(np.stack([np.full(len(at), z), y + ry, x + rx], axis=1).astype(np.int32))
    if not words:
        return np.zeros(0, np.uint32), np.zeros((0, 3), np.int32)
    return np.concatenate(words), np.concatenate(voxels)


def _equal(words: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of equal words, by their numbers."""
    order = np.argsort(words, kind="stable")
    ordered = words[order]
    first, second = [], []
    for step in range(1, _MOST_EQUAL):
        equal = np.flatnonzero(ordered[step:] == ordered[:-step])
        first.append(order[equal])
        second.append(order[equal + step])
    return np.concatenate(first), np.concatenate(second)


def _ballots(
    voxels: NDArray[np.int32], first: NDArray[np.int64], second: NDArray[np.int64], spacing: Spacing
) -> list[tuple[NDArray[np.int32], NDArray[np.int32], int]]:
    """Distances with most votes from one place: voxels (n, 3) that vote for it, the distance, number of votes."""
    distance = voxels[second] - voxels[first]
    far = np.linalg.norm(distance * np.asarray(spacing), axis=1) > _NEAR_MM
    first, second, distance = first[far], second[far], distance[far]
    if not len(first):
        return []
    # A distance and its opposite are one.
    code = (distance[:, 0].astype(np.int64) * 8192 + distance[:, 1]) * 8192 + distance[:, 2]
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
        if together.sum() >= _LEAST_VOTES:
            found.append((places[together], distance[members[0]], int(together.sum())))
    found.sort(key=lambda ballot: -ballot[2])
    return found[:_MOST_DISTANCES]


def _compared(scan: ExaminedScan, places: NDArray[np.int32], distance: NDArray[np.int32]) -> tuple[Voxel, float] | None:
    """Where among the places the residuals at both ends agree best, and how well."""
    middle = np.rint(np.median(places, axis=0)).astype(int)
    reach = [round(2.5 * _WIDE_MM / mm) for mm in scan.spacing]
    shape = scan.residual.shape
    low = [max(0, m - r, -d) for m, r, d in zip(middle, reach, distance, strict=True)]
    high = [min(n, m + r + 1, n - d) for n, m, r, d in zip(shape, middle, reach, distance, strict=True)]
    if any(h <= lo for lo, h in zip(low, high, strict=True)):
        return None
    here = scan.residual[tuple(slice(lo, h) for lo, h in zip(low, high, strict=True))]
    there = scan.residual[tuple(slice(lo + d, h + d) for lo, h, d in zip(low, high, distance, strict=True))]
    product = here * there
    offsets = [(np.arange(lo, h) - m) * mm for lo, h, m, mm in zip(low, high, middle, scan.spacing, strict=True)]
    square = sum(np.ix_(*(o.astype(np.float32) ** 2 for o in offsets)))
    best = 0.0
    for sigma_mm in (_WIDE_MM, _NARROW_MM):
        weight = np.exp(-square / (2 * sigma_mm**2), dtype=np.float32)
        chance = float(np.sqrt(np.sum((weight * product) ** 2))) + 1e-6
        best = max(best, float(np.sum(weight * product)) / chance)
    agreeing = np.clip(product, 0, None) * np.exp(-square / (2 * _WIDE_MM**2))
    total = float(agreeing.sum()) + 1e-6
    centre = [
        round(float(np.sum(agreeing.sum(axis=tuple(a for a in range(3) if a != axis)) * np.arange(lo, h)) / total))
        for axis, (lo, h) in enumerate(zip(low, high, strict=True))
    ]
    return (centre[0], centre[1], centre[2]), best


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
    if both[0].shape[2] < 3:
        return copy.at, copy.other, kind
    strength = [np.median(np.abs(np.diff(hu, 2, axis=2))) for hu in both]
    return (copy.at, copy.other, kind) if strength[0] <= strength[1] else (copy.other, copy.at, kind)
