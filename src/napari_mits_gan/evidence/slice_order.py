"""What became of the slices of a sealed scan: missing, added, doubled, moved, swapped, replaced."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class SliceOrder:
    """What became of the slices.

    Parameters
    ----------
    replaced : mapping of int to int
        Slices of which no block is right, and in whose place they are.
    added : tuple of int
        Slices that no slice of the sealed scan has room for.
    missing : tuple of int
        Slices of the sealed scan that are not there.
    doubled : tuple of int
        Slices that are there once more.
    swapped : tuple of (int, int)
        Slices that have changed places.
    moved : tuple of int
        Other slices that are not in their place.
    """

    replaced: Mapping[int, int]
    added: tuple[int, ...]
    missing: tuple[int, ...]
    doubled: tuple[int, ...]
    swapped: tuple[tuple[int, int], ...]
    moved: tuple[int, ...]


def slice_order(place: Sequence[int], chosen: Mapping[int, int], slices: int) -> SliceOrder:
    """What became of the slices of a sealed scan.

    Parameters
    ----------
    place : sequence of int
        For each slice that is there, which of the sealed scan it is; -1 where that is not known.
    chosen : mapping of int to int
        For each slice of the sealed scan that is there, which of those that are there it is.
    slices : int
        Number of slices of the sealed scan.

    Returns
    -------
    SliceOrder
    """
    sequence = sorted(chosen.values())
    z_of = {number: z for z, number in chosen.items()}
    steady = set(_longest_ascending([z_of[n] for n in sequence], sequence))
    swapped = _swapped([n for n in sequence if n not in steady], sequence, z_of)
    in_swap = {number for pair in swapped for number in pair}
    moved = tuple(n for n in sequence if n not in steady and n not in in_swap)
    doubled = tuple(n for n, z in enumerate(place) if z >= 0 and chosen[z] != n)
    replaced: dict[int, int] = {}
    added: list[int] = []
    anchors = [(-1, -1), *((n, z_of[n]) for n in sequence if n in steady), (len(place), slices)]
    for (first, low), (last, high) in pairwise(anchors):
        unknown = [n for n in range(first + 1, last) if place[n] < 0]
        free = [z for z in range(low + 1, high) if z not in chosen]
        replaced.update(zip(unknown, free, strict=False))
        added += unknown[len(free) :]
    missing = tuple(z for z in range(slices) if z not in chosen and z not in replaced.values())
    return SliceOrder(replaced, tuple(added), missing, doubled, swapped, moved)


def _longest_ascending(values: Sequence[int], names: Sequence[int]) -> list[int]:
    """Names of a longest ascending subsequence of values."""
    ends: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for i, value in enumerate(values):
        length = bisect_left(ends, value)
        before.append(at[length - 1] if length else -1)
        ends[length : length + 1] = [value]
        at[length : length + 1] = [i]
    out = []
    i = at[-1] if at else -1
    while i >= 0:
        out.append(names[i])
        i = before[i]
    return out[::-1]


def _swapped(unsteady: Sequence[int], sequence: Sequence[int], z_of: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    """Pairs that have changed places: ordering the two the other way puts both between their neighbours."""
    rank = {number: i for i, number in enumerate(sequence)}
    right = {z: number for z, number in zip(sorted(z_of.values()), sequence, strict=True)}
    pairs = []
    for number in unsteady:
        other = right[z_of[number]]
        if other != number and right[z_of[other]] == number and rank[number] != rank[other]:
            pairs.append((min(number, other), max(number, other)))
    return tuple(dict.fromkeys(pairs))
