"""What lies outside the patient: air, padding, couch and cushion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.anatomy.morphology import Mask, dilate, erode, pieces_in_slices, touching
from napari_mits_gan.ct.anatomy.working_grid import WorkingGrid

AIR_BELOW_HU = -500
_VOID_UP_TO_HU = -1015
"""Blocks as low as this at the border are a filler or air cut off at -1024; nothing in the patient is, over an area."""
_LINK_MM = 4.0
"""Half the thickness of what is cut off the patient: a couch's shell, a blanket, a cable."""
_CORE_MM = 12.0
"""A patient is thicker than twice this; a couch's shell is not."""
_DEEP_MM = 6.0
"""Farther than this from the surface no partial volume is taken for texture."""
_SMALLEST_OPEN_LUNG_ML = 10.0


def solid_patient(grid: WorkingGrid) -> Mask:
    """Solid parts of the patient, shape (z, y, x): couch, cushion and clothes cut off."""
    link = grid.steps(_LINK_MM)
    solid = (grid.hu >= AIR_BELOW_HU) & ~grid.filler
    opened = erode(solid, link)
    core = erode(opened, max(0, grid.steps(_CORE_MM) - link))
    opened = dilate(opened, link)
    labels = ndimage.label(opened)[0]
    kept = np.zeros(labels.max() + 1, dtype=bool)
    kept[labels[core]] = True
    kept[0] = False
    # The opening has rounded the skin's folds off; what lies beside it belongs to it.
    return dilate(kept[labels], grid.steps(2.0)) & solid


def outside_patient(grid: WorkingGrid) -> Mask:
    """Blocks outside the patient, shape (z, y, x).

    Notes
    -----
    In each slice, what is connected to the border or to the padding without crossing the patient. A tight crop opens a
    lung to the border too; it is told from air and foam by what it looks like.
    """
    free = ~solid_patient(grid)
    void = free & ((grid.hu <= _VOID_UP_TO_HU) | grid.filler)
    labels, n = pieces_in_slices(void)
    outer = touching(labels, n)
    void = outer[labels] | grid.filler
    labels, n = pieces_in_slices(free & ~void)
    open_pieces = touching(labels, n, void)
    return void | (open_pieces & ~_open_lungs(grid, labels, open_pieces))[labels]


def _open_lungs(
    grid: WorkingGrid, labels: NDArray[np.int32], open_pieces: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which of the pieces that are open to the outside are lung."""
    air = open_pieces[labels] & (grid.hu < AIR_BELOW_HU)
    cores, _ = ndimage.label(erode(air, grid.steps(_DEEP_MM)))
    like_lung = np.zeros(cores.max() + 1, dtype=bool)
    for i, place in enumerate(ndimage.find_objects(cores), start=1):
        if place is None:
            continue
        values = grid.hu[place][cores[place] == i]
        if len(values) * grid.block_ml < _SMALLEST_OPEN_LUNG_ML:
            continue
        low, middle, high = np.percentile(values, (5, 50, 90))
        # Air is purer, and foam has no vessels in it.
        like_lung[i] = low > -985 and middle > -950 and (high - middle > 45 or middle > -870)
    whole, _ = ndimage.label(air)
    in_slice = _share(labels, like_lung[cores], cores > 0)
    in_all = _share(whole, like_lung[cores], cores > 0)
    # A slice without a core, as of a lung's recess, goes with those beside it; where outer air hangs on, with none.
    lung = np.where(np.abs(in_all - 0.5) > 0.4, in_all > 0.5, False)[whole]
    lung |= (np.abs(in_all - 0.5) <= 0.4)[whole] & (in_slice > 0.5)[labels]
    return _share(labels, lung & air, air) > 0.5


def _share(labels: NDArray[np.int32], of: Mask, among: Mask) -> NDArray[np.float64]:
    """For each label the share of `of` among the blocks of `among`; 0 where it has none."""
    part, whole = (np.bincount(labels.ravel(), weights=m.ravel(), minlength=1) for m in (of, among))
    return np.asarray(part / np.maximum(whole, 1))
