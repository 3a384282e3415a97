"""A scan as a thicker reconstruction would show it: neighbouring slices averaged, the rest left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_mits_gan.ct.volume import CTVolume


def thicker_slices(volume: CTVolume, mm: float) -> CTVolume:
    """Average whole slices.

    Parameters
    ----------
    volume : CTVolume
        A scan; it stays as it is.
    mm : float
        Slice thickness wanted, at least that of the scan. The nearest whole number of slices is averaged, so the
        result may be a little thicker or thinner: `spacing[0]` of it says how thick.

    Returns
    -------
    CTVolume
        Whole HU, each slice in the middle of those it was made of; slices left over at the end are dropped. A voxel is
        padding where any of them was, and keeps the HU of the first. It has no DICOM source, whose slices are others.

    Raises
    ------
    ValueError
        If `mm` is less than the slice spacing, or more than the whole scan.

    Notes
    -----
    A protection made for the thin slices loses what differs between them: noise by the root of the number averaged, a
    slice shift wholly. Where the thick scan is itself protected, average first.
    """
    if not mm >= volume.spacing[0] * 0.99:
        raise ValueError(f"slices of {volume.spacing[0]:g} mm cannot be made into slices of {mm:g} mm; give more")
    k = round(mm / volume.spacing[0])
    n = volume.shape[0] // k
    if n == 0:
        raise ValueError(f"the scan is only {volume.shape[0] * volume.spacing[0]:g} mm thick; give less than {mm:g} mm")
    if k == 1:
        return volume
    hu = np.empty((n, *volume.shape[1:]), dtype=np.int16)
    padding = None if volume.padding is None else np.empty(hu.shape, dtype=bool)
    for z in range(n):
        slices = slice(z * k, (z + 1) * k)
        hu[z] = np.rint(volume.hu[slices].mean(axis=0, dtype=np.float64))
        if padding is not None and volume.padding is not None:
            padding[z] = volume.padding[slices].any(axis=0)
            hu[z][padding[z]] = volume.hu[z * k][padding[z]]
    z_mm, y_mm, x_mm = volume.spacing
    origin = volume.world_from_voxel(((k - 1) / 2, 0, 0))
    return replace(volume, hu=hu, spacing=(k * z_mm, y_mm, x_mm), origin=origin, padding=padding, source=None)
