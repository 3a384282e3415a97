"""The trachea and the main bronchi: the purest air inside the chest, followed from slice to slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.anatomy.morphology import Mask, dilate, erode, sizes
from napari_mits_gan.ct.anatomy.working_grid import WorkingGrid

_PUREST_LUNG = 5
_PURE_LUNG = 25
"""Percentiles of the lungs' HU: the airways' first lumen is purer than one, their bronchi on average than the other."""
_LUMEN_HU = (-985, -920)
"""Within these the threshold for the first lumen is sought."""
_STEP_HU = 15
_VOLUME_ML = (1.5, 120.0)
_LENGTH_MM = 25.0
_WIDEST_CM2 = 10.0
"""Area in a slice; the carina with both main bronchi has about 8."""
_FOLLOWED_BELOW_HU = -800
_GROWTH, _GROWTH_CM2 = 2.5, 1.0
"""How much larger the lumen may be in the next slice: where it is larger still, it has opened into a lung."""
_AROUND_MM = 5.0
_IN_LUNG = 0.6
"""Share of lung around a bronchus from which on it is one of the lung's own."""
_MAIN_MM = 2.8
"""Half the least width of a main bronchus."""


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
    A tube of air purer than the lungs is looked for, with a threshold that falls until what hangs together is no larger
    than airways are (explosion control, as in Tschirren et al., IEEE Trans. Med. Imaging 24:1529, 2005), and followed
    up and down in two dimensions until it opens into a lung (Hu et al., 2001, section II-B).
    """
    nothing = np.zeros(air.shape, dtype=bool)
    if not lung_cores.any():
        return nothing
    with_lung = np.flatnonzero(lung_cores.any(axis=(1, 2)))
    middle = (int(with_lung[0]) + int(with_lung[-1])) // 2
    purest, pure = np.percentile(grid.hu[lung_cores], (_PUREST_LUNG, _PURE_LUNG))
    highest = min(_LUMEN_HU[1], int(purest) - 10)
    for threshold in range(highest, _LUMEN_HU[0] - 1, -_STEP_HU):
        found = _tube(grid, air & (grid.hu < threshold), middle)
        if found is not None:
            return _followed(grid, found, air, float(pure))
    return nothing


def _cm2(grid: WorkingGrid) -> float:
    return grid.spacing[1] * grid.spacing[2] / 100


def _tube(grid: WorkingGrid, lumen: Mask, middle: int) -> Mask | None:
    """The longest piece of the lumen that is no larger than airways are and reaches above slice `middle`."""
    labels, n = ndimage.label(erode(lumen, 1))
    best: tuple[int, Mask] | None = None
    least = _VOLUME_ML[0] / grid.block_ml / 4
    voxels = sizes(labels, n)
    for i, place in enumerate(ndimage.find_objects(labels), start=1):
        if place is None or voxels[i] < least or voxels[i] * grid.block_ml > _VOLUME_ML[1] or place[0].stop <= middle:
            continue
        length = place[0].stop - place[0].start
        if length * grid.spacing[0] < _LENGTH_MM or (best is not None and length <= best[0]):
            continue
        around = (place[0], *(slice(max(0, s.start - 2), s.stop + 2) for s in place[1:]))
        piece = dilate(labels[around] == i, 1) & lumen[around]
        widest = piece.sum(axis=(1, 2)).max() * _cm2(grid)
        if _VOLUME_ML[0] <= piece.sum() * grid.block_ml <= _VOLUME_ML[1] and widest <= _WIDEST_CM2:
            whole = np.zeros(lumen.shape, dtype=bool)
            whole[around] = piece
            best = (length, whole)
    return None if best is None else best[1]


def _followed(grid: WorkingGrid, tube: Mask, air: Mask, pure_hu: float) -> Mask:
    """`tube`, and what of it is seen in slices where its lumen is less pure; thin bronchi are left out."""
    wide = grid.steps(_MAIN_MM)
    around = grid.steps(_AROUND_MM)
    out = np.zeros_like(tube)
    n = len(tube)
    for order in (range(n - 1, -1, -1), range(n)):
        before = np.zeros(tube.shape[1:], dtype=bool)
        for z in order:
            known = before | tube[z] | out[z]
            if not known.any():
                continue
            place = _box(known, 4 * around)
            lumen = air[z][place] & ((grid.hu[z][place] < _FOLLOWED_BELOW_HU) | tube[z][place])
            # Along an axis of one slice, so that the same morphology serves.
            parts, _ = ndimage.label(erode(lumen[None], wide)[0])
            for i in np.unique(parts[known[place] & (parts > 0)]):
                part = dilate((parts == i)[None], wide)[0] & lumen
                area = part.sum()
                grown = _GROWTH * (part & known[place]).sum() + _GROWTH_CM2 / _cm2(grid)
                ring = dilate(part[None], around)[0] & ~dilate(part[None], 1)[0]
                if grid.hu[z][place][part].mean() > pure_hu:
                    continue
                if area * _cm2(grid) > _WIDEST_CM2 or area > grown or air[z][place][ring].mean() > _IN_LUNG:
                    continue
                out[z][place] |= part
            before = out[z]
    return out


def _box(mask: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )
