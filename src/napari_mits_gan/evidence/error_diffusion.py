"""Which way voxels are moved that could be moved either way: so that the mean of every small place stays what it was.

One-dimensional error diffusion (Floyd and Steinberg, 1976, in two) along a Hilbert curve through each block (Velho and
Gomes, SIGGRAPH 1991): the curve stays within a small place for long, so the errors cancel there, whatever its form.

Until it is decided, a change is one of these codes: a change from -3 to 3 plus 3; `EITHER`, half a level up or down;
`RATHER_UP`, 1 up or 3 down; `RATHER_DOWN`, 1 down or 3 up. `RAISED` or `LOWERED` may be added: the voxel will be moved
by a half on average by what is decided later.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.layout import SIDE

NOTHING, EITHER, RATHER_UP, RATHER_DOWN = 3, 7, 8, 9
RAISED, LOWERED = 16, 32
_PATIENCE = 7
"""The nearer value is given up for the one 3 away only if twice the error would be more than this with it."""


def coded(change: NDArray[np.int8], opposite: NDArray[np.bool_], size: int) -> NDArray[np.uint8]:
    """Codes of changes, some of which may as well go the opposite way, by so much that it makes a level of `size`."""
    code = (change + np.int8(NOTHING)).astype(np.uint8)
    code[opposite & (2 * np.abs(change) == size)] = EITHER
    if size == 4:
        code[opposite & (change == 1)] = RATHER_UP
        code[opposite & (change == -1)] = RATHER_DOWN
    return code


def decided(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The codes with 1 up or 1 down for those that rather go there."""
    return _DECIDED.take(codes)


def raised_or_lowered(codes: NDArray[np.uint8], values: NDArray[np.int16]) -> NDArray[np.uint8]:
    """The codes of values whose lowest bit will be drawn anew: after its change, that raises an even one by a half."""
    odd = (values + _CHANGE[:, 0].take(codes)) & 1
    return codes + np.where(odd, np.uint8(LOWERED), np.uint8(RAISED))


def changes_of(codes: NDArray[np.uint8], up: NDArray[np.bool_], size: int) -> NDArray[np.int8]:
    """The changes, of their codes and which of those that have a choice go up."""
    change = _CHANGE.copy()
    change[EITHER] = -size // 2, size // 2
    return change.reshape(-1).take((codes << 1) | up)


def moved_upwards(codes: NDArray[np.uint8], size: int, seed: int) -> NDArray[np.bool_]:
    """Which of the voxels that have a choice go up.

    Parameters
    ----------
    codes : ndarray of uint8, shape (z, rows of blocks, 16, columns of blocks, 16)
        What is to be done with each voxel of some slices.
    size : int
        Values in a level.
    seed : int
        Fixes the sign of the first error of each block.

    Returns
    -------
    ndarray of bool, same shape
        Where a voxel has no choice it means nothing.
    """
    below, added = _errors(size)
    along = np.ascontiguousarray(codes.transpose(2, 4, 0, 1, 3)).reshape(SIDE * SIDE, -1)
    up = np.empty(along.shape, bool)
    owed = np.random.default_rng(seed).integers(0, 2, along.shape[1], dtype=np.int16) * np.int16(2) - np.int16(1)
    for place in CURVE:
        code = along[place]
        there = np.less(owed, below.take(code), out=up[place])
        owed += added.take(code << 1 | there)
    z, rows, _, columns, _ = codes.shape
    return up.reshape(SIDE, SIDE, z, rows, columns).transpose(2, 3, 0, 4, 1)


def _errors(size: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Below what is owed each code goes up, and what is owed more for each code after it went down or up; doubled."""
    middle, step, limit = np.zeros((3, 48), np.int16)
    for code in range(RATHER_DOWN + 1):
        down, up = (size // -2, size // 2) if code == EITHER else _CHANGE[code].tolist()
        middle[code], step[code] = down + up, up - down
    patience = _PATIENCE - size
    limit[RATHER_UP], limit[RATHER_DOWN] = patience + 1, -patience
    for added, half in ((RAISED, 1), (LOWERED, -1)):
        middle[added : added + 16], step[added : added + 16] = middle[:16] + half, step[:16]
    return limit - middle, np.stack([middle - step, middle + step], axis=1).reshape(-1)


def _hilbert_curve(side: int) -> NDArray[np.intp]:
    """Cells of a square, a power of 2 wide and counted row by row, in the order in which the curve meets them."""
    y = x = np.zeros(1, np.intp)
    width = 1
    while width < side:
        y, x = (
            np.concatenate([x, y + width, y + width, width - 1 - x]),
            np.concatenate([y, x, x + width, 2 * width - 1 - y]),
        )
        width *= 2
    return np.asarray(y * side + x)


CURVE = _hilbert_curve(SIDE)
"""Voxels of a block, counted row by row, in the order of the curve."""
_CHANGE = np.array([[c, c] for c in range(-3, 4)] + [[0, 0], [-3, 1], [-1, 3]] + [[0, 0]] * 6, np.int8)
"""Change down and up for each code."""
_DECIDED = np.arange(16, dtype=np.uint8)
_DECIDED[[RATHER_UP, RATHER_DOWN]] = NOTHING + 1, NOTHING - 1
