"""Blocks that were copied from elsewhere in the scan: which of the untouched ones have the same values?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.examine import UNPLACED, Examination
from napari_mits_gan.evidence.layout import SIDE

_PROBES = ((2, 3), (5, 12), (10, 6), (13, 13))
"""Voxels of a block, as (row, column), that are compared before all are."""
_MOST_ALIKE = 8
"""Blocks alike in their probes that are compared in full."""
_MOST_TRIED = 64
"""Slices that are read with a changed block put elsewhere, at most; it takes up to 10 ms each."""


def copied_from(seen: Examination, bad: NDArray[np.bool_]) -> dict[tuple[int, int], tuple[int, int]]:
    """Where changed blocks were copied from.

    Parameters
    ----------
    seen : Examination
        What was seen of the scan.
    bad : ndarray of bool, shape (z, rows, columns)
        Changed blocks.

    Returns
    -------
    dict
        For slice and block of each changed block that has the 256 values of an untouched one, or belongs where another
        changed one is: slice and block of that place in the sealed scan.
    """
    wanted = bad.reshape(len(bad), -1) & (seen.stated >= 0)
    sought: dict[int, list[tuple[int, int]]] = {}
    for number in np.flatnonzero(wanted.any(axis=1)):
        keys = _keys(_blocks(seen, int(number)))
        for block in np.flatnonzero(wanted[number]):
            sought.setdefault(int(keys[block]), []).append((int(number), int(block)))
    if not sought:
        return {}
    sources: dict[int, list[tuple[int, int]]] = {}
    every = np.array(sorted(sought), np.int64)
    for number in np.flatnonzero(seen.place != UNPLACED):
        keys = _keys(_blocks(seen, int(number)))
        for block in np.flatnonzero(np.isin(keys, every) & seen.good[number] & (seen.stated[number] >= 0)):
            alike = sources.setdefault(int(keys[block]), [])
            if len(alike) < _MOST_ALIKE:
                alike.append((int(number), int(block)))
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for key, alike in sources.items():
        values = [_values(seen, *at) for at in alike]
        for at in sought[key]:
            own = _values(seen, *at)
            same = next((source for source, v in zip(alike, values, strict=True) if np.array_equal(v, own)), None)
            if same is not None:
                found[at] = (int(seen.place[same[0]]), same[1])
    rest = [at for places in sought.values() for at in places if at not in found]
    return found | _exchanged(seen, wanted, rest)


def _exchanged(
    seen: Examination, wanted: NDArray[np.bool_], rest: list[tuple[int, int]]
) -> dict[tuple[int, int], tuple[int, int]]:
    """Changed blocks that belong where another changed block is: their tag fits there."""
    slices = np.flatnonzero(wanted.any(axis=1))
    if len(rest) * len(slices) > _MOST_TRIED:
        return {}
    found = {}
    for at in rest:
        content = _values(seen, *at)
        for number in slices:
            z, blocks = int(seen.place[number]), np.flatnonzero(wanted[number])
            values = seen.reader.fitted(seen.slice_values(int(number))).copy()
            for block in blocks:
                y, x = (SIDE * n for n in divmod(int(block), seen.reader.grid.columns))
                part = values[y : y + SIDE, x : x + SIDE]
                if part.shape == content.shape:
                    part[:] = content
            here = seen.reader.read(values)
            for block in np.intersect1d(here.tagged[here.fits(z)], blocks):
                if (number, block) != at:
                    found[at] = (z, int(block))
    return found


def _blocks(seen: Examination, number: int) -> NDArray[np.int16]:
    """A slice as blocks, shape (rows, 16, columns, 16)."""
    grid = seen.reader.grid
    wide = np.zeros((grid.rows * SIDE, grid.columns * SIDE), np.int16)
    values = seen.reader.fitted(seen.slice_values(number))
    wide[: grid.shape[1], : grid.shape[2]] = values
    return wide.reshape(grid.rows, SIDE, grid.columns, SIDE)


def _keys(blocks: NDArray[np.int16]) -> NDArray[np.int64]:
    probes = np.stack([blocks[:, y, :, x].ravel() for y, x in _PROBES], axis=1)
    return np.ascontiguousarray(probes).view(np.int64).ravel()


def _values(seen: Examination, number: int, block: int) -> NDArray[np.int16]:
    y, x = (SIDE * at for at in divmod(block, seen.reader.grid.columns))
    return seen.reader.fitted(seen.slice_values(number))[y : y + SIDE, x : x + SIDE]
