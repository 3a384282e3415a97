"""Where a piece of noise lies once more: correlation with every place at once, by FFT, in slabs that fit in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_mits_gan.inspection.blocks import BLOCK, block_mean, each_voxel
from napari_mits_gan.progress import Progress, silent

Array = NDArray[np.float32]
Slab = Callable[[int, int], Array]
"""Gives the slices of a volume from a first one up to, without, a last one."""

_MOST_VOXELS = 40_000_000
"""Of the Fourier transform of a slab."""
_WORKERS = 2
_CAP = 4.0
"""Standard deviations above which a value counts no more when the neighbours' are measured."""
_LEAST_SHARE = 0.05
_LEAST_POWER = 0.25
"""Of the usual square of a value; places where hardly anything varies shall not stand out."""


def correlate(
    slab: Slab,
    shape: tuple[int, int, int],
    piece: Array,
    middle: Sequence[int],
    *,
    progress: Progress = silent,
) -> Array:
    """Correlate a piece with a volume at every place; outside, the volume counts as 0.

    Parameters
    ----------
    slab : callable
        The volume.
    shape : tuple of int
        Of the volume.
    piece : ndarray of float32, shape (z, y, x)
        What to look for.
    middle : sequence of int
        The voxel (z, y, x) of the piece that is laid on each voxel of the volume.
    progress : callable
        Told how many slices are done.

    Returns
    -------
    ndarray of float32, of that shape
        The sum of products with the piece's `middle` at each voxel.
    """
    depth = piece.shape[0]
    rows, columns = (fft.next_fast_len(n + k - 1, real=True) for n, k in zip(shape[1:], piece.shape[1:], strict=True))
    most = max(2 * depth, _MOST_VOXELS // (rows * columns))
    step = -(-shape[0] // -(-shape[0] // (most - depth + 1)))  # slabs of one size
    size = [fft.next_fast_len(step + depth - 1, real=True), rows, columns]
    of_piece = np.conjugate(fft.rfftn(piece, size, workers=_WORKERS))
    out = np.empty(shape, dtype=np.float32)
    for low in range(0, shape[0], step):
        progress(low, shape[0])
        high = min(low + step, shape[0])
        first = low - middle[0]  # the first slice that the piece meets at `low`
        found_low, found_high = max(0, first), min(shape[0], high - middle[0] + depth - 1)
        values = np.zeros((step + depth - 1, *shape[1:]), dtype=np.float32)
        values[found_low - first : found_high - first] = slab(found_low, found_high)
        spectrum = fft.rfftn(values, size, workers=_WORKERS)
        del values
        spectrum *= of_piece
        whole = fft.irfftn(spectrum, size, workers=_WORKERS, overwrite_x=True)
        del spectrum
        # Places before the volume's first voxel lie at the end.
        y, x = ((np.arange(shape[axis]) - middle[axis]) % size[axis] for axis in (1, 2))
        out[low:high] = whole[: high - low][:, y][:, :, x]
    progress(shape[0], shape[0])
    return out


def over_neighbours(values: Array, reach: Sequence[int]) -> Array:
    """The values over the root mean square of those around, in place.

    A copy stands out at a single voxel; what only resembles the piece does so at its neighbours too.

    Parameters
    ----------
    values : ndarray of float32, shape (z, y, x)
        A correlation with every place, 0 where there is none.
    reach : sequence of int
        How far around, in voxels (z, y, x).
    """
    square = values * values
    there = square > 0
    if not there.any():
        return values
    usual = float(np.median(square[there])) / 0.455  # of the square of a standard normal variable
    # A copy shall not hide behind itself.
    np.minimum(square, _CAP**2 * usual, out=square)
    size = (2 * reach[0] + 1, *(2 * max(1, round(n / BLOCK)) + 1 for n in reach[1:]))
    mean, share = (ndimage.uniform_filter(block_mean(part), size, mode="nearest") for part in (square, there))
    mean /= np.maximum(share, _LEAST_SHARE)
    np.maximum(mean, _LEAST_POWER * usual, out=mean)
    np.sqrt(mean, out=mean)
    for z in range(len(values)):
        values[z] /= each_voxel(mean, z, values.shape)
    return values
