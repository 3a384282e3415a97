"""The voxel grid: voxels, spacing, boxes, and resampling as one matrix per axis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Voxel = tuple[int, int, int]
"""A voxel (z, y, x)."""

Spacing = tuple[float, float, float]
"""Distance in mm between voxel centres along (z, y, x)."""


@dataclass(frozen=True)
class Box:
    """A box of voxels, which may reach outside the scan.

    Parameters
    ----------
    low : tuple of int
        First voxel (z, y, x); may be negative.
    shape : tuple of int
        Number of voxels (z, y, x).
    """

    low: tuple[int, int, int]
    shape: tuple[int, int, int]

    @classmethod
    def around(cls, center: tuple[int, int, int], shape: tuple[int, int, int]) -> Box:
        """The box of `shape` around `center`; half lengths round half to even, as in the original's `cutCube`."""
        z, y, x = (int(c - np.round(n / 2)) for c, n in zip(center, shape, strict=True))
        return cls((z, y, x), shape)

    @property
    def high(self) -> tuple[int, int, int]:
        """One past the last voxel (z, y, x)."""
        return (self.low[0] + self.shape[0], self.low[1] + self.shape[1], self.low[2] + self.shape[2])

    def overlap(self, other: Box) -> Box:
        """The voxels that both boxes hold; a shape with a zero where they do not meet."""
        low = [max(a, b) for a, b in zip(self.low, other.low, strict=True)]
        high = [min(a, b) for a, b in zip(self.high, other.high, strict=True)]
        shape = [max(0, h - lo) for lo, h in zip(low, high, strict=True)]
        return Box((low[0], low[1], low[2]), (shape[0], shape[1], shape[2]))

    def inside(self, scan_shape: tuple[int, ...]) -> Box:
        """The part of the box that lies in a scan of `scan_shape`."""
        return self.overlap(Box((0, 0, 0), (scan_shape[0], scan_shape[1], scan_shape[2])))

    def slices(self, within: Box | None = None) -> tuple[slice, slice, slice]:
        """Slices that select this box in the scan, or in an array that holds the box `within`."""
        low = within.low if within is not None else (0, 0, 0)
        z, y, x = (slice(a - b, a - b + n) for a, b, n in zip(self.low, low, self.shape, strict=True))
        return z, y, x


@lru_cache(maxsize=256)
def cubic_zoom_matrix(n_in: int, n_out: int) -> NDArray[np.float64]:
    """Cubic-spline resampling of `n_in` voxels to `n_out`, first and last voxel centres kept.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of voxels.

    Returns
    -------
    ndarray of float64, shape (n_out, n_in)
        Read-only: it is kept for later calls.

    Notes
    -----
    Equal to `scipy.ndimage.zoom(order=3)` with the boundary rule of scipy < 1.6, which CT-GAN was published with
    (`utils/dicom_utils.py`, `scale_scan`): its mode "nearest" is today's "mirror".
    """
    matrix = np.stack([ndimage.zoom(unit, n_out / n_in, order=3, mode="mirror") for unit in np.eye(n_in)], axis=1)
    matrix.flags.writeable = False
    return matrix


def linear_matrix(at: NDArray[np.floating], n: int) -> NDArray[np.float64]:
    """Linear interpolation of `n` voxels at the positions `at`, border voxels repeated.

    Parameters
    ----------
    at : ndarray of float, shape (m,)
        Positions in voxels.
    n : int
        Number of voxels.

    Returns
    -------
    ndarray of float64, shape (m, n)
    """
    position = np.clip(at, 0, n - 1)
    return np.clip(1 - np.abs(position[:, None] - np.arange(n)), 0, None)


def cubic_matrix(at: NDArray[np.floating], n: int) -> NDArray[np.float64]:
    """Cubic-spline interpolation of `n` voxels at the positions `at`, border voxels repeated; linear below 4 voxels.

    Parameters
    ----------
    at : ndarray of float, shape (m,)
        Positions in voxels.
    n : int
        Number of voxels.

    Returns
    -------
    ndarray of float64, shape (m, n)
    """
    if n == 1:
        return np.ones((len(at), 1))
    from scipy import interpolate  # takes half as long to load as all the rest that reads a scan

    splines = interpolate.make_interp_spline(np.arange(n), np.eye(n), k=3 if n > 3 else 1)
    return np.asarray(splines(np.clip(at, 0, n - 1)), dtype=np.float64)


def blur_matrix(n: int, sigma: float) -> NDArray[np.float64]:
    """Gaussian blur of `n` voxels, border voxels repeated.

    Parameters
    ----------
    n : int
        Number of voxels.
    sigma : float
        Standard deviation in voxels.

    Returns
    -------
    ndarray of float64, shape (n, n)
    """
    reach = int(np.ceil(4 * sigma))
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    matrix = np.zeros((n, n))
    for row in range(n):
        np.add.at(matrix[row], np.clip(row + offsets, 0, n - 1), weights / weights.sum())
    return matrix


def spline_matrix(at: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Sum of cubic B-splines, each as high as one of `n` coefficients, at the positions `at`.

    It is smooth and does not pass through the coefficients, unlike an interpolation.

    Parameters
    ----------
    at : ndarray of float, shape (m,)
        Positions, in steps between coefficients.
    n : int
        Number of coefficients.

    Returns
    -------
    ndarray of float64, shape (m, n)
    """
    away = np.abs(at[:, None] - np.arange(n))
    return np.where(away < 1, 2 / 3 - away**2 + away**3 / 2, np.clip(2 - away, 0, None) ** 3 / 6)


def slice_matrix(n: int, thickness: float, phase: float) -> NDArray[np.float64]:
    """Measuring `n` voxels in thicker slices, and bringing these back to the voxels by linear interpolation.

    Parameters
    ----------
    n : int
        Number of voxels.
    thickness : float
        Of a slice, in voxels; each is the mean over it, and they lie without a gap.
    phase : float
        Where the first slice that may begin before the first voxel has its centre, in slices, 0 to 1.

    Returns
    -------
    ndarray of float64, shape (n, n)
    """
    centers = np.arange(phase * thickness - thickness, n + thickness, thickness)
    position = np.arange(n)
    profile = np.clip(thickness / 2 + 0.5 - np.abs(position - centers[:, None]), 0, 1)
    kept = profile.sum(axis=1) > 0.3 * thickness
    centers, profile = centers[kept], profile[kept]
    profile /= profile.sum(axis=1, keepdims=True)
    between = np.stack([np.interp(position, centers, unit) for unit in np.eye(len(centers))], axis=1)
    result: NDArray[np.float64] = between @ profile
    return result


def along_axis(matrix: NDArray[np.floating], values: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    """The values with one axis resampled: `matrix`, shape (m, n), applied along an axis of `n` values."""
    return np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
