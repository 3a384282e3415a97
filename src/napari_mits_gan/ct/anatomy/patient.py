"""What lies outside the patient: air, padding, couch and cushion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.anatomy.morphology import Mask, dilate, erode, pieces_in_slices, sizes, touching
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
_SMALLEST_OPEN_LUNG_ML = 3.0
_TYPICAL_LUNG_ML = 100.0
_TEXTURE_HU = 45
"""From the median up to the 90th percentile: lungs have 66 and more, foam has 31 at most."""
_ALIKE_HU = 35
_HARDLY_OPEN, _MOST_OPEN = 0.05, 0.45
"""A crop leaves more wall than this around a lung, while foam is open on one side of two."""


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
    void = touching(labels, n)[labels] | grid.filler
    labels, n = pieces_in_slices(free & ~void)
    is_open = touching(labels, n, void)
    open_air = is_open[labels] & (grid.hu < AIR_BELOW_HU)
    if not open_air.any():
        return void
    closed_air = ~is_open[labels] & (labels > 0) & (grid.hu < AIR_BELOW_HU)
    lung = _open_lungs(grid, labels, open_air, void, _typical_lung(grid, closed_air))
    return void | (is_open & ~lung)[labels]


def _typical_lung(grid: WorkingGrid, closed_air: Mask) -> float | None:
    """Median HU of lungs that no border cuts; None where there is too little of them to tell."""
    cores, n = ndimage.label(erode(closed_air, grid.steps(_LINK_MM)))
    if n == 0:
        return None
    largest = int(sizes(cores, n)[1:].argmax()) + 1
    values = grid.hu[cores == largest]
    middle, high = np.percentile(values, (50, 90))
    enough = len(values) * grid.block_ml >= _TYPICAL_LUNG_ML
    return float(middle) if enough and high - middle > _TEXTURE_HU else None


def _open_lungs(
    grid: WorkingGrid, labels: NDArray[np.int32], air: Mask, void: Mask, typical: float | None
) -> NDArray[np.bool_]:
    """Which pieces (by label) of the air that is open to the outside are lung; `typical` as from `_typical_lung`."""
    link, deep = grid.steps(_LINK_MM), grid.steps(_DEEP_MM)
    core = erode(air, link)
    depth = erode(core, max(0, deep - link))
    cores, n = ndimage.label(core)
    whole, _ = ndimage.label(air)
    openness = _openness(whole, air, void)
    like_lung = np.zeros(n + 1, dtype=bool)
    for i, place in enumerate(ndimage.find_objects(cores), start=1):
        inner = (cores[place] == i) & depth[place]
        values = grid.hu[place][inner]
        if len(values) * grid.block_ml < _SMALLEST_OPEN_LUNG_ML:
            continue
        low, middle, high = np.percentile(values, (5, 50, 90))
        textured = high - middle > _TEXTURE_HU  # foam has no vessels in it
        if typical is not None:
            in_open = openness[whole[place][inner][0]]
            certain = in_open <= _HARDLY_OPEN or (textured and in_open <= _MOST_OPEN)
            like_lung[i] = certain and abs(middle - typical) <= _ALIKE_HU
        else:
            like_lung[i] = low > -985 and middle > -935 and (textured or middle > -870)
    in_slice = _share(labels, like_lung[cores], cores > 0)
    in_all = _share(whole, like_lung[cores], cores > 0)
    # A slice without a core, as of a lung's recess, goes with those beside it; where outer air hangs on, with none.
    mixed = np.abs(in_all - 0.5) <= 0.4
    lung = (~mixed & (in_all > 0.5))[whole] | (mixed[whole] & (in_slice > 0.5)[labels])
    return _share(labels, lung & air, air) > 0.5


def _openness(whole: NDArray[np.int32], air: Mask, void: Mask) -> NDArray[np.float64]:
    """For each piece the share of its surface, vessels in it included, that is cut by the border or the padding."""
    cut = dilate(void, 1)
    cut[:, [0, -1]] = True
    cut[:, :, [0, -1]] = True
    return _share(whole, air & cut, air & (cut | dilate(~air, 1)))


def _share(labels: NDArray[np.int32], of: Mask, among: Mask) -> NDArray[np.float64]:
    """For each label the share of `of` among the blocks of `among`; 0 where it has none."""
    n = int(labels.max())
    part, whole = (sizes(labels, n, m) for m in (of & among, among))
    return np.asarray(part / np.maximum(whole, 1))
