"""Blocks of voxels within a slice: for local means, which need not be taken at every voxel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 4
"""Side in voxels."""


def block_mean(values: NDArray[Any]) -> NDArray[np.float32]:
    """Means of blocks of 1 x 4 x 4 voxels; those at the end are of what there is."""
    _, rows, columns = values.shape
    places = [np.arange(0, n, BLOCK) for n in (rows, columns)]
    counts = np.outer(*(np.diff(np.append(at, n)) for at, n in zip(places, (rows, columns), strict=True)))
    out = np.empty((len(values), *counts.shape), dtype=np.float32)
    for z, slice_ in enumerate(values):
        out[z] = np.add.reduceat(np.add.reduceat(slice_, places[0], axis=0), places[1], axis=1) / counts
    return out


def each_voxel(blocks: NDArray[np.generic], z: int, shape: tuple[int, ...]) -> NDArray[np.generic]:
    """The values of a slice's blocks for each of its voxels."""
    return blocks[z].repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[: shape[1], : shape[2]]
