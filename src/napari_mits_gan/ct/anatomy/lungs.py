"""The lungs among the air inside the patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.anatomy.airways import airways
from napari_mits_gan.ct.anatomy.morphology import Mask, beside, closed, dilate, erode, pieces_in_slices, sizes, touching
from napari_mits_gan.ct.anatomy.patient import AIR_BELOW_HU
from napari_mits_gan.ct.anatomy.working_grid import WorkingGrid

_NECK_MM = 3.0
"""Half the width of the passages at which lungs, airways and bowel are cut apart."""
_LARGE_ML, _SMALL_ML = 20.0, 0.5
"""Least volume of a lung's core, and of one near a large one."""
_GAS_ML = 2.0
_WHOLE_LUNG_ML = 300.0
"""From this volume on a piece may be as pure as emphysema is."""
_NEARBY_MM = 15.0
_CLOSING_MM = 6.0
_WIDE_CLOSING_MM = 15.0
_LINKS_MM = (3.0, 6.0, 9.0)
"""Half the width of what may link a mass to the hilum or to the chest wall."""
_HOLE_CM2 = 1.5
"""Area in a slice up to which a hole is a vessel or a nodule, and not the top of the diaphragm."""


def find_lungs(grid: WorkingGrid, outside: Mask) -> tuple[Mask, Mask, Mask, Mask]:
    """Find the lungs and the airways.

    Parameters
    ----------
    grid : WorkingGrid
        The scan.
    outside : ndarray of bool, shape (z, y, x)
        Blocks outside the patient.

    Returns
    -------
    lungs : ndarray of bool, shape (z, y, x)
        Vessels and nodules inside them included.
    aerated : ndarray of bool, shape (z, y, x)
        What of them is air and tissue in one: their surface is a matter of HU, that of the rest is not.
    airways : ndarray of bool, shape (z, y, x)
        Trachea and main bronchi, as far as they are apart from the lungs.
    other : ndarray of bool, shape (z, y, x)
        Other air inside the patient, mostly bowel gas.
    """
    air = (grid.hu < AIR_BELOW_HU) & ~outside
    neck = grid.steps(_NECK_MM)
    cores, _ = ndimage.label(erode(air, neck))
    tube = airways(grid, air, _classified(grid, cores)[0][cores])
    wall = dilate(tube, 1)
    cores, _ = ndimage.label(erode(air & ~wall, neck))
    of_lung, of_gas = _classified(grid, cores)
    aerated = dilate(of_lung[cores], neck + 1) & air & ~wall
    other = dilate(of_gas[cores], neck + 1) & air & ~wall
    aerated &= ~other
    # Recesses too narrow for a core belong to the lung that they open to, if to nothing else.
    rest, n_rest = ndimage.label(air & ~wall & ~aerated & ~other)
    joined = np.zeros(n_rest + 1, dtype=bool)
    joined[rest[beside(aerated)]] = True
    joined[rest[beside(other | tube)]] = False
    joined[0] = False
    aerated |= joined[rest]
    del rest  # labels take four times what a mask does
    lungs = aerated.copy()
    for i, place in enumerate(ndimage.find_objects(cores), start=1):
        if place is not None and of_lung[i]:
            radius = grid.steps(_CLOSING_MM)
            margin = radius + neck + 3
            around = (place[0], *(slice(max(0, s.start - margin), s.stop + margin) for s in place[1:]))
            # Each piece by itself, so that nothing between two of them is closed.
            lungs[around] |= closed(dilate(cores[around] == i, neck + 3) & aerated[around], radius)
    lungs &= ~(outside | wall | other)
    _fill(grid, lungs)
    lungs &= ~(outside | wall | other)
    return lungs, aerated, tube, other


def _classified(grid: WorkingGrid, cores: NDArray[np.int32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which labels are lung and which are gas; small ones may be neither."""
    places = ndimage.find_objects(cores)
    ml = sizes(cores, len(places)) * grid.block_ml
    like_lung = np.zeros(len(places) + 1, dtype=bool)
    judged = ml >= _SMALL_ML
    judged[0] = False
    for i in np.flatnonzero(judged):
        place = places[i - 1]
        like_lung[i] = _like_lung(grid.hu[place][cores[place] == i], float(ml[i]))
    gas = judged & ~like_lung & (ml >= _GAS_ML)
    large = like_lung & (ml >= _LARGE_ML)
    small = like_lung & ~large
    if not large.any() or not small.any():
        return large, gas | small
    near = dilate(large[cores], grid.steps(_NEARBY_MM))
    reach = max(1, round(_NEARBY_MM / grid.spacing[0]))
    near = ndimage.maximum_filter1d(near.view(np.uint8), 2 * reach + 1, axis=0) > 0
    found = np.zeros_like(large)
    found[cores[near]] = True
    return large | (found & small), gas | (small & ~found)


def _like_lung(hu: NDArray[np.int16], ml: float) -> bool:
    """Whether a piece's HU, its surface left out, are those of a lung and not those of gas."""
    low, middle, high = np.percentile(hu, (5, 50, 90))
    textured = high - middle > 45
    if middle < -930 and not textured:
        return False
    if ml < _WHOLE_LUNG_ML:
        # Gas and stool together vary as much as a lung does, but no small piece of lung is so pure.
        return bool(middle > -960 and low > -990)
    return bool(middle > -975 or textured)


def _fill(grid: WorkingGrid, lungs: Mask) -> None:
    """Fill holes, in place: small ones of a slice, and what is enclosed on all sides."""
    labels, n = pieces_in_slices(~lungs)
    area = sizes(labels, n) * grid.spacing[1] * grid.spacing[2] / 100
    small = (area <= _HOLE_CM2) & ~touching(labels, n)
    small[0] = False
    lungs |= small[labels]
    holes = ~touching(labels, n)
    holes[0] = False
    enclosed = holes[labels]
    del labels
    for link in (grid.steps(mm) for mm in _LINKS_MM):
        _fill_masses(grid, lungs, enclosed, link)


def _fill_masses(grid: WorkingGrid, lungs: Mask, enclosed: Mask, link: int) -> None:
    """Fill, in place, what is apart from all else that is no lung, but for links of up to twice `link` blocks.

    That is a nodule or a mass, beside the pleura too; the top of the diaphragm is not apart from what lies below it.
    """
    cores, n = ndimage.label(erode(~lungs, link))
    apart = ~touching(cores, n)
    apart[cores[0]] = False
    apart[cores[-1]] = False
    apart[0] = False
    radius = grid.steps(_WIDE_CLOSING_MM)
    margin = 2 * radius + link + 1
    for i, place in enumerate(ndimage.find_objects(cores), start=1):
        if place is None or not apart[i]:
            continue
        around = (place[0], *(slice(max(0, s.start - margin), s.stop + margin) for s in place[1:]))
        hull = enclosed[around] | closed(lungs[around], radius)
        lungs[around] |= dilate(cores[around] == i, link + 1) & hull
