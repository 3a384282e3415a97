"""How much two versions of a scan differ: largest and RMS change in HU, PSNR, and SSIM in the lung window."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from napari_mits_gan.ct.constants import LUNG_WINDOW_HU

PSNR_RANGE_HU = 4095.0
"""The range of a 12-bit scan; the published tables do not state theirs."""

_SSIM_SIDE = 7
_SSIM_K1, _SSIM_K2 = 0.01, 0.03

Region = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Fidelity:
    """How much of a scan was changed.

    Parameters
    ----------
    max_change_hu : float
        Largest absolute change of a voxel.
    rms_hu : float
        Root of the mean squared change.
    psnr_db : float
        20 log10(4095 / RMS); infinite where nothing was changed.
    ssim : float
        Mean structural similarity in the lung window, 1 where nothing visible was changed; never above 1.
    """

    max_change_hu: float
    rms_hu: float
    psnr_db: float
    ssim: float

    @classmethod
    def from_rms(cls, *, max_change_hu: float, rms_hu: float, ssim: float) -> Fidelity:
        """Fill in the PSNR, which follows from the RMS."""
        psnr_db = 20 * math.log10(PSNR_RANGE_HU / rms_hu) if rms_hu > 0 else math.inf
        return cls(max_change_hu, rms_hu, psnr_db, ssim)


def compare(
    reference_hu: NDArray[np.number],
    changed_hu: NDArray[np.number],
    *,
    region: Region | None = None,
    mask: NDArray[np.bool_] | None = None,
    window_hu: tuple[float, float] = LUNG_WINDOW_HU,
) -> Fidelity:
    """Compare two versions of a scan.

    Parameters
    ----------
    reference_hu, changed_hu : ndarray, shape (z, y, x)
        HU of both, whole numbers or floats.
    region : tuple of three slices, or None
        The part to compare, in voxels (z, y, x); None compares all of it.
    mask : ndarray of bool, shape (z, y, x), or None
        Voxels that count, of the whole scan as the other arrays; None counts all in the region.
    window_hu : tuple of float
        What is black and what is white for the SSIM; the lung window unless told.

    Returns
    -------
    Fidelity
        Free of NaN. SSIM is computed on each axial slice, clipped to the window (-1350 to 150 HU unless told), and
        averaged over all slices.

    Raises
    ------
    ValueError
        If the arrays differ in shape, or the region and the mask leave no voxel.

    Notes
    -----
    SSIM: Wang, Bovik, Sheikh, Simoncelli, 2004; uniform windows of 7 x 7 voxels, smaller where the region is (a region
    less than 3 voxels wide makes one window). Without a mask the windows lie wholly in the region; with one, their
    centres lie in the mask, and windows at the region's border see it mirrored.

    Examples
    --------
    >>> scan = np.zeros((1, 16, 16), dtype=np.int16)
    >>> compare(scan, scan + np.int16(4)).rms_hu
    4.0
    """
    arrays: list[NDArray[Any]] = [reference_hu, changed_hu] if mask is None else [reference_hu, changed_hu, mask]
    if any(a.ndim != 3 or a.shape != reference_hu.shape for a in arrays):
        raise ValueError(f"only arrays of one shape (z, y, x) can be compared; got {[a.shape for a in arrays]}")
    if region is not None:
        arrays = [a[region] for a in arrays]
    voxels, squares, largest, similarity = 0, 0.0, 0.0, 0.0
    for reference, changed, counted in _slices(arrays):
        change = (changed - reference)[counted]
        voxels += change.size
        squares += float(np.square(change).sum())
        largest = max(largest, float(np.abs(change).max()))
        similarity += change.size * _ssim(reference, changed, None if mask is None else counted, window_hu)
    if voxels == 0:
        raise ValueError("there is no voxel to compare: the region or the mask is empty")
    return Fidelity.from_rms(
        max_change_hu=largest, rms_hu=math.sqrt(squares / voxels), ssim=min(1.0, similarity / voxels)
    )


def _slices(
    arrays: list[NDArray[Any]],
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]]:
    """Slice by slice, so that a whole scan is never held twice in floats."""
    for reference, changed, *masks in zip(*arrays, strict=True):
        counted = masks[0].astype(bool) if masks else np.ones(reference.shape, dtype=bool)
        if counted.any():
            yield reference.astype(np.float64), changed.astype(np.float64), counted


def _ssim(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    counted: NDArray[np.bool_] | None,
    window_hu: tuple[float, float],
) -> float:
    """SSIM of one slice (y, x) in a window."""
    low, high = window_hu
    a, b = a.clip(low, high), b.clip(low, high)
    if np.array_equal(a, b):
        return 1.0
    side = min(_SSIM_SIDE, *(n - 1 + n % 2 for n in a.shape))
    if side < 3:
        return _ssim_of_one_window(a, b, high - low)
    if counted is None:
        return float(structural_similarity(a, b, win_size=side, data_range=high - low))
    _, each = structural_similarity(a, b, win_size=side, data_range=high - low, full=True)
    return float(each[counted].mean())


def _ssim_of_one_window(a: NDArray[np.float64], b: NDArray[np.float64], data_range: float) -> float:
    c1, c2 = (_SSIM_K1 * data_range) ** 2, (_SSIM_K2 * data_range) ** 2
    mean_a, mean_b = a.mean(), b.mean()
    covariance = ((a - mean_a) * (b - mean_b)).mean()
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return float(luminance * (2 * covariance + c2) / (a.var() + b.var() + c2))
