"""Which part of a scan is marked, and in which part a mark is looked for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.anatomy import anatomy_of
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.carriers import padding_of
from napari_mits_gan.evidence.mark.pattern import Part

_MARKED_MM = 10.0
_LOOKED_AT_MM = 2.5
"""Around the lungs; less than is marked, since lungs are not found alike in every version of a scan."""
_SMALL_PART = 0.05
"""Share of all lung, below which a part is left out."""
_COARSE_MM = 2.5
"""Distances are measured in blocks about this large."""


def marked_region(volume: CTVolume) -> tuple[NDArray[np.bool_], float]:
    """Lungs, trachea and main bronchi with 10 mm around them, shape (z, y, x), and which share of the body that is.

    With the airways, since in another version of the scan they may be taken for lungs. Without padding. The whole
    body, share 1, where no lung is found; all False where there is no body either.
    """
    anatomy = anatomy_of(volume)
    has_lungs = bool(anatomy.lungs.any())
    inside = _around(anatomy.lungs | anatomy.airways, volume.spacing, _MARKED_MM) if has_lungs else anatomy.body
    inside &= anatomy.body | anatomy.airways
    share = int(np.count_nonzero(inside)) / max(1, int(np.count_nonzero(anatomy.body)))
    return _without_padding(volume, inside), share


def looked_at(volume: CTVolume) -> NDArray[np.bool_]:
    """Lungs with little around them, shape (z, y, x), without padding; the whole body where no lung is found.

    Parts that are thin, or small and by themselves, are left out: bowel, or air beside the patient, may be taken for
    lung in one version of a scan and not in another.
    """
    anatomy = anatomy_of(volume)
    if not anatomy.lungs.any():
        return _without_padding(volume, anatomy.body)
    return _without_padding(
        volume, _around(anatomy.lungs, volume.spacing, _LOOKED_AT_MM, only_sure=True) & anatomy.body
    )


def box_around(mask: NDArray[np.bool_]) -> Part:
    """The smallest box that holds all True voxels of a mask that has some."""
    spans = []
    for axis in range(3):
        found = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        spans.append(slice(int(found[0]), int(found[-1]) + 1))
    return spans[0], spans[1], spans[2]


def _around(
    mask: NDArray[np.bool_], spacing: tuple[float, float, float], margin_mm: float, *, only_sure: bool = False
) -> NDArray[np.bool_]:
    """Voxels within a margin of a mask, or of what of it is neither thin nor small; in blocks that hold any of it."""
    steps = [max(1, math.floor(_COARSE_MM / s)) for s in spacing]
    blocks = mask
    for axis, step in enumerate(steps):
        blocks = np.logical_or.reduceat(blocks, np.arange(0, blocks.shape[axis], step), axis=axis)
    if only_sure:
        blocks = _sure(blocks)
    near = ndimage.distance_transform_edt(~blocks, sampling=[k * s for k, s in zip(steps, spacing, strict=True)])
    out = np.asarray(near <= margin_mm)
    for axis, (step, n) in enumerate(zip(steps, mask.shape, strict=True)):
        out = np.repeat(out, step, axis=axis).take(np.arange(n), axis=axis)
    return out


def _sure(blocks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Blocks in a cube of 3 x 3 x 3 of them, in a part that is no small share; lungs go on beyond the scan's ends."""
    higher = np.pad(blocks, ((2, 2), (0, 0), (0, 0)), mode="edge")
    opened = ndimage.binary_opening(higher, np.ones((3, 3, 3)))[2:-2]
    labels, _ = ndimage.label(opened)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= _SMALL_PART * sizes.sum())[labels] & opened)


def _without_padding(volume: CTVolume, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padding = padding_of(volume)
    return inside if padding is None else inside & ~padding
