"""Which part of a scan is marked, and in which part a mark is looked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.carriers import padding_of
from napari_mits_gan.evidence.mark.pattern import Part
from napari_mits_gan.evidence.regions import BODY, LUNGS, OUTSIDE, regions_of

_LOOKED_AT_MM = 2.5
"""Around the lungs; less than is marked, since lungs are not found alike in every version of a scan."""


def marked_region(volume: CTVolume) -> tuple[NDArray[np.bool_], float]:
    """Lungs with 10 mm around them, shape (z, y, x), and which share of the body that is.

    Without padding. The whole body, share 1, where no lung is found; all False where there is no body either.
    """
    regions = regions_of(volume)
    inside = _lungs_or_body(volume, regions)
    return inside, float(np.count_nonzero(inside)) / max(1, int(np.count_nonzero(regions != OUTSIDE)))


def looked_at(volume: CTVolume) -> NDArray[np.bool_]:
    """Lungs with little around them, shape (z, y, x), without padding; the whole body where no lung is found."""
    return _lungs_or_body(volume, regions_of(volume, _LOOKED_AT_MM))


def box_around(mask: NDArray[np.bool_]) -> Part:
    """The smallest box that holds all True voxels of a mask that has some."""
    spans = []
    for axis in range(3):
        found = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        spans.append(slice(int(found[0]), int(found[-1]) + 1))
    return spans[0], spans[1], spans[2]


def _lungs_or_body(volume: CTVolume, regions: NDArray[np.uint8]) -> NDArray[np.bool_]:
    inside = regions == LUNGS
    if not inside.any():
        inside = regions == BODY
    padding = padding_of(volume)
    if padding is not None:
        inside &= ~padding
    return np.asarray(inside)
