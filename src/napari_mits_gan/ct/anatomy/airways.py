"""The trachea and the main bronchi: the purest air inside the chest, in one tube."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_mits_gan.ct.anatomy.morphology import Mask, dilate, erode
from napari_mits_gan.ct.anatomy.working_grid import WorkingGrid

_PUREST_LUNG = 5
"""Percentile of the lungs' HU that the air in the airways is purer than."""
_LUMEN_HU = (-985, -920)
"""Within these the threshold for the lumen is sought."""
_STEP_HU = 15
_VOLUME_ML = (1.5, 120.0)
_LENGTH_MM = 25.0
_WIDEST_CM2 = 12.0
"""Area in a slice; the carina with both main bronchi has about 10."""
_MAIN_MM = 2.8
"""Half the least width of a main bronchus; what is narrower lies in the lungs and belongs to them."""


def airways(grid: WorkingGrid, air: Mask, lung_cores: Mask) -> Mask:
    """Trachea and main bronchi.

    Parameters
    ----------
    grid : WorkingGrid
        The scan.
    air : ndarray of bool, shape (z, y, x)
        Air inside the patient.
    lung_cores : ndarray of bool, shape (z, y, x)
        What is certainly lung but for a few airways.

    Returns
    -------
    ndarray of bool, shape (z, y, x)
        Empty where none is found.

    Notes
    -----
    Region growing with explosion control: the threshold falls until what hangs together is no larger than airways are,
    as in Tschirren et al., IEEE Trans. Med. Imaging 24:1529, 2005, section II.
    """
    nothing = np.zeros(air.shape, dtype=bool)
    if not lung_cores.any():
        return nothing
    with_lung = np.flatnonzero(lung_cores.any(axis=(1, 2)))
    middle = (int(with_lung[0]) + int(with_lung[-1])) // 2
    highest = min(_LUMEN_HU[1], int(np.percentile(grid.hu[lung_cores], _PUREST_LUNG)) - 10)
    for threshold in range(highest, _LUMEN_HU[0] - 1, -_STEP_HU):
        found = _tube(grid, air & (grid.hu < threshold), middle)
        if found is not None:
            wide = dilate(erode(dilate(found, 1) & air, grid.steps(_MAIN_MM)), grid.steps(_MAIN_MM)) & air
            return _largest(wide)
    return nothing


def _tube(grid: WorkingGrid, lumen: Mask, middle: int) -> Mask | None:
    """The longest piece of the lumen that is no larger than airways are and reaches above slice `middle`."""
    labels, _ = ndimage.label(erode(lumen, 1))
    best: tuple[int, Mask] | None = None
    least = _VOLUME_ML[0] / grid.block_ml / 4
    sizes = np.bincount(labels.ravel())
    for i, place in enumerate(ndimage.find_objects(labels), start=1):
        if place is None or sizes[i] < least or sizes[i] * grid.block_ml > _VOLUME_ML[1] or place[0].stop <= middle:
            continue
        length = place[0].stop - place[0].start
        if length * grid.spacing[0] < _LENGTH_MM or (best is not None and length <= best[0]):
            continue
        around = (place[0], *(slice(max(0, s.start - 2), s.stop + 2) for s in place[1:]))
        piece = dilate(labels[around] == i, 1) & lumen[around]
        widest = piece.sum(axis=(1, 2)).max() * grid.spacing[1] * grid.spacing[2] / 100
        if _VOLUME_ML[0] <= piece.sum() * grid.block_ml <= _VOLUME_ML[1] and widest <= _WIDEST_CM2:
            whole = np.zeros(lumen.shape, dtype=bool)
            whole[around] = piece
            best = (length, whole)
    return None if best is None else best[1]


def _largest(mask: Mask) -> Mask:
    labels, n = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    return labels == 1 + int(np.bincount(labels.ravel())[1:].argmax()) if n else mask
