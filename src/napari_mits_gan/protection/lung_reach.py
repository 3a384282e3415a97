"""Where a change can matter to an attack in the lung: the lungs, and as far around them as an attacker's cube shows.

An attacker sees 32 mm around his click. Solid tissue next to the lung decides how his equalisation spreads the rest, so
a change counts there too; farther away it would be noise for nothing (docs/experiments.md, P35).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.volume import CTVolume

_ALL_WITHIN_MM = 8.0
_NONE_BEYOND_MM = 14.0
_GRID_MM = 2.5
_STEP = 32
"""Pixels in whose multiples windows begin and end."""


def lung_reach(volume: CTVolume) -> NDArray[np.float32]:
    """How much of a change to keep, on a grid of about 2.5 mm within the slices.

    Parameters
    ----------
    volume : CTVolume
        A CT.

    Returns
    -------
    ndarray of float32, shape (z, rows, columns)
        1 in the lungs and up to 8 mm from them, falling to 0 at 14 mm; 1 everywhere in a scan without lungs.
    """
    lung = lung_mask(volume)
    steps = tuple(max(1, round(_GRID_MM / s)) for s in volume.spacing[1:])
    rows, columns = (slice(min(k // 2, n - 1), None, k) for k, n in zip(steps, volume.shape[1:], strict=True))
    coarse = lung[:, rows, columns]
    if not coarse.any():
        return np.ones(coarse.shape, dtype=np.float32)
    sampling = (volume.spacing[0], volume.spacing[1] * steps[0], volume.spacing[2] * steps[1])
    # Beyond this box nothing is kept, so no distance is needed there.
    (lungs,) = ndimage.find_objects(coarse.view(np.int8))
    around = [int(_NONE_BEYOND_MM / mm) + 1 for mm in sampling]
    box = tuple(slice(max(0, s.start - m), s.stop + m) for s, m in zip(lungs, around, strict=True))
    distance = ndimage.distance_transform_edt(~coarse[box], sampling=sampling)
    share = np.zeros(coarse.shape, dtype=np.float32)
    share[box] = np.clip((_NONE_BEYOND_MM - distance) / (_NONE_BEYOND_MM - _ALL_WITHIN_MM), 0, 1)
    return share


def reached(reach: NDArray[np.float32], zs: range, shape: tuple[int, int], margin: int) -> tuple[slice, slice] | None:
    """Rows and columns of the scan outside of which nothing of a change is kept in some slices, and a margin.

    Few sizes occur, since for each that is new a network's convolutions are planned anew and kept in memory.

    Parameters
    ----------
    reach : ndarray of float32, shape (z, rows, columns)
        From `lung_reach`.
    zs : range
        Consecutive slices.
    shape : tuple of int
        Rows and columns that a slice of the scan has.
    margin : int
        Pixels around them.

    Returns
    -------
    tuple of slice, or None
        None where nothing is kept.
    """
    kept = np.asarray((reach[zs.start : zs.stop] > 0).any(axis=0))
    if not kept.any():
        return None
    found = []
    for axis, size in ((1, shape[0]), (0, shape[1])):
        used = np.flatnonzero(kept.any(axis=axis))
        # Interpolation carries a value no farther than to the middles of the points beside it.
        mm = size / kept.shape[1 - axis]
        start, stop = int((used[0] - 1) * mm) - margin, int(np.ceil((used[-1] + 2) * mm)) + margin
        start, stop = _STEP * (start // _STEP), _STEP * -(-stop // _STEP)
        found.append(slice(max(0, start), min(size, stop)))
    return found[0], found[1]


def share_within(reach: NDArray[np.float32], zs: range, window: tuple[slice, slice], shape: tuple[int, int]) -> Tensor:
    """The same on the scan's own grid, for some slices and a window of each.

    Parameters
    ----------
    reach : ndarray of float32, shape (z, rows, columns)
        From `lung_reach`.
    zs : range
        Consecutive slices.
    window : tuple of slice
        Rows and columns of the scan.
    shape : tuple of int
        Rows and columns that a slice of the scan has.

    Returns
    -------
    Tensor, shape (len(zs), rows of the window, columns of the window)
    """
    slices = torch.from_numpy(reach[zs.start : zs.stop])[:, None]
    whole = functional.interpolate(slices, size=shape, mode="bilinear", align_corners=False)
    return whole[:, 0, window[0], window[1]]
