"""Purifiers: what an attacker can do to a protected scan to be rid of the protection, and what happens to it anyway.

Each is used as somebody would who does not know the protection. Each but "dicom" loses some of the scan as well.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.constants import HU_MAX, HU_MIN
from napari_mits_gan.ct.dicom.pixels import CODEC_LOCK
from napari_mits_gan.ct.dicom.read import read_dicom
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.grid import Spacing, along_axis, cubic_matrix
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import AttackError

Reach = tuple[int, int, int]

_AIR_HU = -1000
"""What padding counts as where it lies beside measured voxels; its own values would spread a dark rim."""
_STORED_BITS, _STORED_ZERO_HU = 12, -1024
_GRID_MM = 1.0
_SPLINE_REACH = 6
"""Voxels after which a cubic spline has forgotten all but a three-thousandth of a value."""
_BLUR_CUT_OFF = 4
_JPEG_MARGIN = 32
"""Voxels in the plane: with less the coder cannot meet its ratio, and is far coarser than on whole slices."""
_STREAM = 0x70757269
"""Keeps this noise apart from what a protection draws from the same seed."""


@dataclass(frozen=True)
class Purifier:
    """One way to purify a scan.

    Parameters
    ----------
    apply : callable
        Takes a scan and what to draw from, and returns HU of the scan's shape; they need be neither whole nor right in
        the padding.
    reach : callable
        From the spacing in mm (z, y, x) to how many voxels away a voxel's result depends on; a crop with that much
        around it is purified as the whole scan is, to within 1 HU.
    whole : bool
        Whether the whole scan takes less time at once than crops around some dozens of sites.
    """

    apply: Callable[[CTVolume, np.random.Generator], NDArray[np.number]]
    reach: Callable[[Spacing], Reach] = lambda spacing: (0, 0, 0)
    whole: bool = False


def check_purifiers(names: Iterable[str]) -> None:
    """Refuse what is no purifier, before long work begins.

    Raises
    ------
    AttackError
        If there is no purifier of one of these names.
    """
    for name in names:
        if name not in PURIFIERS:
            raise AttackError(f"there is no purifier called '{name}'; choose from {', '.join(PURIFIERS)}.")


def purify(volume: CTVolume, name: str, *, seed: int = 0) -> CTVolume:
    """Purify a scan or a crop of one.

    Parameters
    ----------
    volume : CTVolume
        The scan; it stays as it is. Of a crop, the origin has to be its own.
    name : str
        One of `PURIFIERS`.
    seed : int
        Fixes the noise of "noise-10" and "noise-25": drawn anew for another shape, the same for two versions of one
        scan.

    Returns
    -------
    CTVolume
        In whole HU, padding untouched. Its history says what was done, as a step of an attack, so that it is never
        exported as DICOM.

    Raises
    ------
    AttackError
        If there is no purifier of that name.
    WeightsError
        If the denoiser's weights are missing.

    Examples
    --------
    >>> import napari_mits_gan as mg
    >>> purified = purify(mg.protect(mg.read_ct("chest/")), "jpeg2000-5")  # doctest: +SKIP
    """
    check_purifiers([name])
    found = PURIFIERS[name].apply(volume, np.random.default_rng([_STREAM, seed]))
    hu = np.rint(found).clip(HU_MIN, HU_MAX).astype(np.int16)
    if volume.padding is not None:
        hu[volume.padding] = volume.hu[volume.padding]
    return volume.with_hu(hu, Step("attack", {"attack": "purification", "purifier": name, "seed": seed}))


def jpeg2000(stored: NDArray[np.uint16], ratio: float) -> bytes:
    """Code a slice of 12-bit values with loss.

    Parameters
    ----------
    stored : ndarray of uint16, shape (y, x)
        0 to 4095.
    ratio : float
        Bits of the slice at 12 bits per voxel over those of the code stream.

    Returns
    -------
    bytes
        A JPEG 2000 code stream (9-7 wavelets, one layer, one tile).
    """
    from openjpeg.utils import encode_array

    with CODEC_LOCK:
        return bytes(
            encode_array(
                stored, bits_stored=_STORED_BITS, photometric_interpretation=2, compression_ratios=[float(ratio)]
            )
        )


def _through_dicom(volume: CTVolume, rng: np.random.Generator) -> NDArray[np.int16]:
    # As a new series in whole HU. Only the values matter here: of any geometry the reader may turn the axes.
    plain = CTVolume(volume.hu, volume.spacing, padding=volume.padding)
    with tempfile.TemporaryDirectory() as folder:
        write_dicom(plain, Path(folder) / "series")
        return read_dicom(Path(folder) / "series").hu.copy()


def _through_jpeg2000(volume: CTVolume, rng: np.random.Generator, *, ratio: float) -> NDArray[np.float32]:
    from openjpeg.utils import decode

    out = np.empty(volume.shape, dtype=np.float32)
    for z, hu in enumerate(_measured(volume)):
        stored = (hu - _STORED_ZERO_HU).clip(0, 2**_STORED_BITS - 1).astype(np.uint16)
        stream = jpeg2000(np.ascontiguousarray(stored), ratio)
        with CODEC_LOCK:
            decoded = decode(stream)
        out[z] = decoded.astype(np.float32) + _STORED_ZERO_HU
    return out


def _resampled(volume: CTVolume, rng: np.random.Generator) -> NDArray[np.float32]:
    hu: NDArray[np.floating] = _measured(volume)
    for axis, spacing in enumerate(volume.spacing):
        # Where voxel 0 lies along this axis: the grid's points are at whole mm of the world, also for a crop.
        first_mm = float(np.asarray(volume.origin) @ volume.direction[:, axis])
        there_and_back = _to_grid_and_back(volume.shape[axis], spacing, first_mm).astype(np.float32)
        hu = along_axis(there_and_back, hu, axis)
    return np.asarray(hu, dtype=np.float32)


def _to_grid_and_back(n: int, spacing: float, first_mm: float) -> NDArray[np.float64]:
    """The matrix (n, n) that resamples voxels to the points of a 1 mm grid and these back, by cubic splines."""
    last_mm = first_mm + (n - 1) * spacing
    grid_mm = np.arange(math.floor(first_mm / _GRID_MM), math.ceil(last_mm / _GRID_MM) + 1) * _GRID_MM
    to_grid = cubic_matrix((grid_mm - first_mm) / spacing, n)
    voxels_mm = first_mm + np.arange(n) * spacing
    return cubic_matrix((voxels_mm - grid_mm[0]) / _GRID_MM, len(grid_mm)) @ to_grid


def _resampling_reach(spacing: Spacing) -> Reach:
    z, y, x = (_SPLINE_REACH + math.ceil(_SPLINE_REACH * _GRID_MM / s) + 2 for s in spacing)
    return z, y, x


def _blurred(volume: CTVolume, rng: np.random.Generator, *, sigma: float) -> NDArray[np.float32]:
    return np.asarray(ndimage.gaussian_filter(_measured(volume), sigma, mode="nearest", truncate=_BLUR_CUT_OFF))


def _median(volume: CTVolume, rng: np.random.Generator) -> NDArray[np.int16]:
    return np.asarray(ndimage.median_filter(_measured(volume).astype(np.int16), 3, mode="nearest"))


def _noisy(volume: CTVolume, rng: np.random.Generator, *, sigma_hu: float) -> NDArray[np.float32]:
    # Rounded before it is added, so that two versions of a scan get the same to the last HU.
    return volume.hu + np.rint(sigma_hu * rng.standard_normal(volume.shape, dtype=np.float32))


def _denoised(volume: CTVolume, rng: np.random.Generator) -> NDArray[np.float32]:
    from napari_mits_gan.evaluation.robustness.denoiser import shipped_denoiser

    return shipped_denoiser().clean(_measured(volume))


def _denoising_reach(spacing: Spacing) -> Reach:
    from napari_mits_gan.evaluation.robustness.denoiser import REACH

    return REACH


def _measured(volume: CTVolume) -> NDArray[np.float32]:
    """The scan's HU with air for padding."""
    hu = volume.hu.astype(np.float32)
    if volume.padding is not None:
        hu[volume.padding] = _AIR_HU
    return hu


def _blur(sigma: float) -> Purifier:
    # As far as scipy's kernel reaches.
    reach = int(_BLUR_CUT_OFF * sigma + 0.5)
    return Purifier(partial(_blurred, sigma=sigma), lambda spacing: (reach, reach, reach))


def _jpeg(ratio: float) -> Purifier:
    return Purifier(partial(_through_jpeg2000, ratio=ratio), lambda spacing: (0, _JPEG_MARGIN, _JPEG_MARGIN))


PURIFIERS: Mapping[str, Purifier] = {
    "dicom": Purifier(_through_dicom, whole=True),
    "resample-1mm": Purifier(_resampled, _resampling_reach),
    "blur-0.5": _blur(0.5),
    "blur-1": _blur(1.0),
    "median-3": Purifier(_median, lambda spacing: (1, 1, 1)),
    "noise-10": Purifier(partial(_noisy, sigma_hu=10.0)),
    "noise-25": Purifier(partial(_noisy, sigma_hu=25.0)),
    "jpeg2000-5": _jpeg(5.0),
    "jpeg2000-10": _jpeg(10.0),
    "denoiser": Purifier(_denoised, _denoising_reach),
}
"""The purifiers by name.

A round trip through a DICOM series in whole HU; cubic resampling to a grid of 1 mm and back; Gaussian blur (sigma in
voxels) and a median of 3³; white Gaussian noise (standard deviation in HU); JPEG 2000 at a compression ratio of the
slices' 12-bit values, from -1024 HU on; and the denoiser. JPEG 2000 spends its bits over the slice that it is given, so
a crop around a site in the lung and the whole slice are not coded alike.
"""
