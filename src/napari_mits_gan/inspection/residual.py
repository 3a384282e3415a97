"""The noise of a scan, with the anatomy taken out: what copies of noise are looked for in.

Within a slice the noise of CT is coloured by the reconstruction kernel. The residual is whitened with the spectrum
measured in the scan's own lungs, so that each voxel tells about as much as any other: what a generator paints is
smooth, and what is left at frequencies that the scanner hardly passes is the copied noise alone. It is then divided by
its local standard deviation, so that vessels and walls do not drown it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_mits_gan.ct.grid import Spacing
from napari_mits_gan.inspection.blocks import BLOCK, block_mean, each_voxel

_TILE = 32
"""Side in voxels of the squares of lung in which the noise's spectrum is measured."""
_MOST_TILES = 600
_LEAST_TILES = 8
_FLOOR = 0.001
"""Share of the mean power that is added to the spectrum: where the scanner passed nothing, only rounding is left."""
_WINDOW = 21
"""Side in voxels that the whitening filter is cut to."""
_ACROSS = 0.5
"""Of the slices above and below, this much is taken off: what runs straight through the slices is gone."""
_LOCAL_MM = 5.0
"""The local standard deviation is taken over boxes of about twice this side."""
_CLIP = 3.0
"""Standard deviations that the residual is clipped to."""
_PARENCHYMA_HU = (-1000.0, -600.0)
WORKERS = 2
"""Threads of a Fourier transform."""
_AT_ONCE = 16
"""Slices that are filtered together."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """A filter that makes the noise of one scan white.

    Parameters
    ----------
    kernel : ndarray of float32, shape (n, n)
        Applied within each slice; symmetric, its sum is zero.
    """

    kernel: NDArray[np.float32]

    def __call__(self, hu: NDArray[np.number]) -> NDArray[np.float32]:
        """The whitened residual of HU of shape (z, y, x), border voxels repeated outside; about 1 in plain noise."""
        reach = self.kernel.shape[0] // 2
        depth, rows, columns = hu.shape
        shape = [fft.next_fast_len(size + 2 * reach, real=True) for size in (rows, columns)]
        spectrum = fft.rfft2(self.kernel, shape)
        out = np.empty(hu.shape, dtype=np.float32)
        for low in range(0, depth, _AT_ONCE):
            some = slice(low, low + _AT_ONCE)
            wide = np.pad(hu[some].astype(np.float32), ((0, 0), (reach, reach), (reach, reach)), mode="edge")
            filtered = fft.rfft2(wide, shape, workers=WORKERS, overwrite_x=True)
            filtered *= spectrum
            filtered = fft.irfft2(filtered, shape, workers=WORKERS, overwrite_x=True)
            out[some] = filtered[:, 2 * reach : 2 * reach + rows, 2 * reach : 2 * reach + columns]
        if depth > 1:
            # Beyond the first and the last slice the scan is mirrored: repeated, these would look quiet.
            above = out[1]
            for z in range(depth):
                own = out[z].copy()
                across = above + (out[z + 1] if z + 1 < depth else above)
                across *= _ACROSS
                out[z] -= across
                above = own
        return out

    def residual(self, hu: NDArray[np.number], spacing: Spacing) -> NDArray[np.float32]:
        """The same over its local standard deviation, clipped to 3 of these; see `split`."""
        return self.split(hu, spacing)[0]

    def split(self, hu: NDArray[np.number], spacing: Spacing) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The residual in parts: its course and its strength.

        Parameters
        ----------
        hu : ndarray, shape (z, y, x)
            HU.
        spacing : tuple of float
            mm (z, y, x).

        Returns
        -------
        residual : ndarray of float32, shape (z, y, x)
            Whitened, over its local standard deviation, clipped to 3 of these.
        power : ndarray of float32, shape (z, rows, columns)
            The mean square of what was whitened, of each block (see `blocks`), over the usual one of all the voxels.
        """
        white = self(hu)
        some = white[:, :: BLOCK - 1, :: BLOCK - 1]
        usual = float(np.median(some * some)) / 0.455 + 1e-6  # of the square of a standard normal variable
        most = _CLIP**2 * usual
        power = np.concatenate([block_mean(np.minimum(slice_ * slice_, most)[None]) for slice_ in white])
        # A box of blocks is as wide as one of voxels, to the nearest odd number of either.
        sides = [2 * max(1, round(_LOCAL_MM / mm)) + 1 for mm in spacing]
        size = [sides[0], *(2 * round((side / BLOCK - 1) / 2) + 1 for side in sides[1:])]
        strength = ndimage.uniform_filter(power, size, mode="nearest")
        np.maximum(strength, 1e-3 * usual, out=strength)
        np.sqrt(strength, out=strength)
        for z, slice_ in enumerate(white):
            slice_ /= each_voxel(strength, z, white.shape)
            np.clip(slice_, -_CLIP, _CLIP, out=slice_)
        power /= usual
        return white, power


def measure_whitening(hu: NDArray[np.int16], lungs: NDArray[np.bool_]) -> Whitening | None:
    """The filter that whitens the noise in the lungs of a scan; None where there is too little lung to tell.

    Parameters
    ----------
    hu : ndarray of int16, shape (z, y, x)
        HU.
    lungs : ndarray of bool, shape (z, y, x)
        Where lung is.
    """
    half = _TILE // 2
    rows, columns = (n // half for n in hu.shape[1:])
    if min(rows, columns) < 2:
        return None
    share = np.empty((len(hu), rows, columns), dtype=np.float32)
    for z, (slice_hu, lung) in enumerate(zip(hu, lungs, strict=True)):
        calm = lung & (slice_hu > _PARENCHYMA_HU[0]) & (slice_hu < _PARENCHYMA_HU[1])
        share[z] = calm[: rows * half, : columns * half].reshape(rows, half, columns, half).mean(axis=(1, 3))
    filled = np.minimum.reduce([share[:, :-1, :-1], share[:, 1:, :-1], share[:, :-1, 1:], share[:, 1:, 1:]])
    best = np.argsort(-filled, axis=None, kind="stable")[:_MOST_TILES]
    best = best[filled.ravel()[best] > 0.5]
    if len(best) < _LEAST_TILES:
        return None
    window = np.outer(np.hanning(_TILE), np.hanning(_TILE))
    periodograms = []
    for z, y, x in np.stack(np.unravel_index(best, filled.shape), axis=1) * (1, half, half):
        square = np.clip(hu[z, y : y + _TILE, x : x + _TILE].astype(np.float64), *_PARENCHYMA_HU)
        square -= ndimage.gaussian_filter(square, 4.0, mode="nearest")
        periodograms.append(np.abs(fft.rfft2(square * window)) ** 2)
    # The median over the squares does not mind the vessels in some of them; ln 2 is that of the exponential law.
    power = np.median(periodograms, axis=0) / (np.sum(window**2) * np.log(2))
    gain = 1 / np.sqrt(power + _FLOOR * power.mean())
    kernel = fft.fftshift(fft.irfft2(gain, (_TILE, _TILE)))
    middle, reach = _TILE // 2, _WINDOW // 2
    near = slice(middle - reach, middle + reach + 1)
    taper = np.outer(np.hanning(_WINDOW + 2)[1:-1], np.hanning(_WINDOW + 2)[1:-1])
    kernel = kernel[near, near] * taper
    kernel -= taper * (kernel.sum() / taper.sum())  # nothing of a constant HU is left
    return Whitening(kernel.astype(np.float32))
