"""Where the recovery copy has to be fine: lungs and what lies around them; and where the rest of the body is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.anatomy import body_mask, lung_mask
from napari_mits_gan.ct.grid import Spacing
from napari_mits_gan.ct.volume import CTVolume

OUTSIDE, BODY, LUNGS = 0, 1, 2
"""Air around the patient and padding; the body; lungs with `MARGIN_MM` around them."""
MARGIN_MM = 10.0
_COARSE_MM = 2.5
"""Lungs and body are looked for on a grid about this fine: ten times as fast, and the margin makes up for it."""


def regions_of(volume: CTVolume) -> NDArray[np.uint8]:
    """The region of each voxel.

    Parameters
    ----------
    volume : CTVolume
        The scan.

    Returns
    -------
    ndarray of uint8, shape (z, y, x)
        `OUTSIDE`, `BODY` or `LUNGS`. A scan in which no lung is found has `BODY` only where there is tissue.
    """
    steps = [max(1, math.floor(_COARSE_MM / s)) for s in volume.spacing]
    every = tuple(slice(step // 2 if step <= n else 0, None, step) for step, n in zip(steps, volume.shape, strict=True))
    coarse = replace(
        volume,
        hu=np.ascontiguousarray(volume.hu[every]),
        spacing=(volume.spacing[0] * steps[0], volume.spacing[1] * steps[1], volume.spacing[2] * steps[2]),
        padding=None if volume.padding is None else volume.padding[every],
        source=None,
    )
    body = body_mask(coarse)
    lungs = lung_mask(coarse)
    if lungs.any():
        # Half a coarse voxel more, so that no voxel within the margin is missed.
        lungs = _within(lungs, MARGIN_MM + max(coarse.spacing) / 2, coarse.spacing)
    regions = np.where(lungs, LUNGS, np.where(ndimage.binary_dilation(body), BODY, OUTSIDE)).astype(np.uint8)
    for axis, (step, n) in enumerate(zip(steps, volume.shape, strict=True)):
        if step > 1:
            regions = np.take(regions, np.minimum(np.arange(n) // step, regions.shape[axis] - 1), axis)
    if volume.padding is not None:
        np.putmask(regions, volume.padding, OUTSIDE)
    return regions


def _within(mask: NDArray[np.bool_], reach_mm: float, spacing: Spacing) -> NDArray[np.bool_]:
    """What lies within a distance of a mask that is not empty; distances are taken only around it."""
    (inside,) = ndimage.find_objects(mask.astype(np.uint8))
    around = tuple(
        slice(max(0, part.start - math.ceil(reach_mm / step)), part.stop + math.ceil(reach_mm / step))
        for part, step in zip(inside, spacing, strict=True)
    )
    near = np.zeros_like(mask)
    near[around] = ndimage.distance_transform_edt(~mask[around], sampling=spacing) <= reach_mm
    return near
