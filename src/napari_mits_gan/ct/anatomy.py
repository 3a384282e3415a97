"""Where the body and the lungs are, by thresholds and morphology: enough to place attacks and keep out of the air."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume

_AIR_BELOW_HU = -500
_LUNG_BELOW_HU = -320
_PURE_AIR_BELOW_HU = -965
_LUNG_MEAN_HU = (-950.0, -500.0)
_SMALLEST_LUNG_ML = 40.0
_SMALLEST_PIECE = 0.25
"""Size of the smallest piece of tissue kept in a slice, relative to the largest."""
_ENCLOSED = 0.4
"""Share of a lung's surface that touches tissue of the patient."""


def _disc(radius_mm: float, spacing_yx: tuple[float, float]) -> NDArray[np.bool_]:
    """Filled disc (y, x), at least 3 x 3."""
    ny, nx = (max(1, round(radius_mm / s)) for s in spacing_yx)
    y, x = np.ogrid[-ny : ny + 1, -nx : nx + 1]
    return (y / ny) ** 2 + (x / nx) ** 2 <= 1.0


def _tissue(volume: CTVolume) -> NDArray[np.bool_]:
    """Solid parts of the patient (z, y, x), holes open; the table is cut off and left out."""
    out = np.zeros(volume.shape, dtype=bool)
    opening = _disc(2.0, volume.spacing[1:])
    for z, hu in enumerate(volume.hu):
        solid = hu > _AIR_BELOW_HU
        if volume.padding is not None:
            solid &= ~volume.padding[z]
        labels, n = ndimage.label(ndimage.binary_opening(solid, opening))
        if n == 0:
            continue
        sizes = np.bincount(labels.ravel())[1:]
        out[z] = np.isin(labels, np.flatnonzero(sizes >= _SMALLEST_PIECE * sizes.max()) + 1)
    return out


def _inner_air(volume: CTVolume) -> NDArray[np.bool_]:
    """Air-like voxels (z, y, x) that are not the air around the patient."""
    out = np.zeros(volume.shape, dtype=bool)
    for z, hu in enumerate(volume.hu):
        air = hu < _LUNG_BELOW_HU
        if volume.padding is not None:
            air &= ~volume.padding[z]
        labels, n = ndimage.label(air)
        if n == 0:
            continue
        # A tight crop may cut through a lung, so air at the border is only outside when it is pure.
        border = np.unique(np.concatenate([labels[0], labels[:, 0], labels[:, -1], labels[-1]]))
        border = border[border > 0]
        outside = [b for b in border if np.percentile(hu[labels == b], 20) < _PURE_AIR_BELOW_HU]
        out[z] = air & ~np.isin(labels, outside)
    return out


def lung_mask(volume: CTVolume) -> NDArray[np.bool_]:
    """Voxels of both lungs, their vessels included; trachea and bowel gas are left out where they are separate.

    Parameters
    ----------
    volume : CTVolume
        A chest CT; it may be cropped tightly, even through a lung.

    Returns
    -------
    ndarray of bool, shape (z, y, x)
        All False where there is no lung.

    Notes
    -----
    Pieces of air-like voxels (below -320 HU) of at least 40 ml, less pure than air and mostly enclosed by tissue of the
    patient; vessels are closed with a disc of 4 mm within each slice.
    """
    return _lungs_within(volume, _tissue(volume))


def _lungs_within(volume: CTVolume, tissue: NDArray[np.bool_]) -> NDArray[np.bool_]:
    labels = ndimage.label(_inner_air(volume))[0]
    lungs = np.zeros(volume.shape, dtype=bool)
    voxel_ml = float(np.prod(volume.spacing)) / 1000
    closing = _disc(4.0, volume.spacing[1:])
    near_tissue = ndimage.binary_dilation(tissue, iterations=2)
    for label, place in enumerate(ndimage.find_objects(labels), start=1):
        if place is None or np.prod([s.stop - s.start for s in place]) * voxel_ml < _SMALLEST_LUNG_ML:
            continue
        piece = labels[place] == label
        if piece.sum() * voxel_ml < _SMALLEST_LUNG_ML or volume.hu[place][piece].mean() > _LUNG_MEAN_HU[1]:
            continue
        surface = piece & ~ndimage.binary_erosion(piece, border_value=1)
        # A crop may lie wholly within a lung: then no surface is seen.
        enclosed = near_tissue[place][surface].mean() if surface.any() else 1.0
        if volume.hu[place][piece].mean() < _LUNG_MEAN_HU[0] or enclosed < _ENCLOSED:
            continue
        lungs[place] |= piece
    for z in np.flatnonzero(lungs.any(axis=(1, 2))):
        lungs[z] = ndimage.binary_fill_holes(ndimage.binary_closing(lungs[z], closing) | lungs[z])
    return lungs


def body_mask(volume: CTVolume) -> NDArray[np.bool_]:
    """Voxels inside the patient, lungs included; padding, the table and the air around are outside.

    Parameters
    ----------
    volume : CTVolume
        Any chest or trunk CT; it may be cropped tightly around the lungs.

    Returns
    -------
    ndarray of bool, shape (z, y, x)

    Notes
    -----
    Slice by slice: everything above -500 HU, thin links to the table cut, the largest pieces kept, the lungs added (a
    tight crop may open them to the border) and holes filled.
    """
    tissue = _tissue(volume)
    tissue |= _lungs_within(volume, tissue)
    for z in range(len(tissue)):
        tissue[z] = ndimage.binary_fill_holes(tissue[z])
    if volume.padding is not None:
        tissue &= ~volume.padding
    return tissue
