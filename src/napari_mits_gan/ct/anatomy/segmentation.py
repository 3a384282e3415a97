"""Lungs, airways and body of a scan, from thresholds, texture and morphology; no trained network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.anatomy.lungs import find_lungs
from napari_mits_gan.ct.anatomy.morphology import beside, dilate
from napari_mits_gan.ct.anatomy.patient import AIR_BELOW_HU, outside_patient
from napari_mits_gan.ct.anatomy.working_grid import WorkingGrid
from napari_mits_gan.ct.volume import CTVolume

_LUNG_BELOW_HU = -320
"""The surface of a lung: a little above half way to soft tissue, so that the voxels half filled with lung count."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What is where in a scan.

    Parameters
    ----------
    lungs : ndarray of bool, shape (z, y, x)
        Both lungs with the vessels and nodules in them; no trachea, no main bronchi.
    body : ndarray of bool, shape (z, y, x)
        The patient, lungs included; no padding, couch, cushion or air around.
    airways : ndarray of bool, shape (z, y, x)
        The lumen of trachea and main bronchi, as far as they are apart from the lungs.
    """

    lungs: NDArray[np.bool_]
    body: NDArray[np.bool_]
    airways: NDArray[np.bool_]


def segment(volume: CTVolume) -> Anatomy:
    """Find lungs, airways and body.

    Parameters
    ----------
    volume : CTVolume
        A CT of any part of the trunk; it may be cropped tightly, even through a lung.

    Returns
    -------
    Anatomy
        Masks of the scan's shape; the lungs are empty where there are none.

    Notes
    -----
    Found on blocks of about 1.5 mm, the surfaces then on the voxels of the scan, by their HU. After Hu, Hoffman,
    Reinhardt, 'Automatic lung segmentation for accurate quantitation of volumetric X-ray CT images', IEEE Trans. Med.
    Imaging 20:490, 2001 (threshold, airways, closing); docs/lungs.md says what differs.
    """
    grid = WorkingGrid.of(volume)
    outside = outside_patient(grid)
    lungs, aerated, tube, other = find_lungs(grid, outside)
    grow = beside if grid.factors[0] > 1 else (lambda mask: dilate(mask, 1))
    masks = {
        "deep": ~grow(~lungs),
        "solid": lungs & ~aerated,
        "rim": grow(aerated) & ~(outside | other | tube),
        "tube": grow(tube) & ~lungs,
        "inside": ~grow(outside),
        "skin": grow(~outside),
    }
    found = Anatomy(*(np.empty(volume.shape, dtype=bool) for _ in range(3)))
    for z, hu in enumerate(volume.hu):
        at = {name: grid.whole_slice(mask, z, volume.shape) for name, mask in masks.items()}
        air = hu < _LUNG_BELOW_HU
        found.lungs[z] = at["deep"] | at["solid"] | (at["rim"] & air)
        found.body[z] = at["inside"] | (at["skin"] & (hu >= AIR_BELOW_HU)) | found.lungs[z]
        found.airways[z] = at["tube"] & air & ~found.lungs[z]
        if volume.padding is not None:
            for mask in (found.lungs, found.body, found.airways):
                mask[z] &= ~volume.padding[z]
    return found
