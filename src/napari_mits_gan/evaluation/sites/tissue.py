"""Random sites sorted by the tissue they lie in, since an attack, and a protection, fare differently in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.attack.cuboid import check_thickness
from napari_mits_gan.ct.anatomy import body_mask, lung_mask
from napari_mits_gan.ct.volume import CTVolume

if TYPE_CHECKING:
    from napari_mits_gan.ct.grid import Voxel

PARENCHYMA, JUXTA_PLEURAL, MEDIASTINAL, SOFT_TISSUE = "parenchyma", "juxta-pleural", "mediastinal", "soft tissue"
TISSUES = (PARENCHYMA, JUXTA_PLEURAL, MEDIASTINAL, SOFT_TISSUE)

_GRID_MM = 2.0
"""Distances are measured on about this grid; on that of the scan they would take minutes."""
_MARGIN_MM = 8.0
"""Distance to keep from the scan's borders, as for `clicks.random_lung_clicks`."""
_DEEP_MM = 16.0
"""Half an attack's cuboid: of tissue that is not lung, only vessels lie in it along its axes."""
_PLEURA_MM = (3.0, 10.0)
_INSIDE_BODY_MM = 8.0
_FROM_LUNG_MM = 6.0
_SOFT_HU = (-200.0, 200.0)
_FULL_SLICE = 0.5
"""Proportion of the largest slice of lung; in smaller ones, liver or neck lies between the lungs."""
_STREAM = 0x746973737565


def sites_by_tissue(
    volume: CTVolume,
    n: int,
    seed: int = 0,
    *,
    lung: NDArray[np.bool_] | None = None,
    body: NDArray[np.bool_] | None = None,
) -> dict[str, list[Voxel]]:
    """Draw sites in each tissue, at least 8 mm from the scan's borders.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    n : int
        How many in each tissue.
    seed : int
        Fixes the sites.
    lung, body : ndarray of bool, shape (z, y, x), or None
        The lungs and the body where they are known; None finds them.

    Returns
    -------
    dict
        From each of `TISSUES` to n voxels (z, y, x), or to fewer, all there are, where the scan shows little of it:

        - "parenchyma": lung, 16 mm or more from all that is not lung; vessels belong to the lung;
        - "juxta-pleural": lung, 3 to 10 mm from what is not lung, the mediastinum included;
        - "mediastinal": soft tissue between the right and the left lung, heart included, 6 mm or more from them;
        - "soft tissue": that of the chest wall, 8 mm or more inside the body and 6 mm from the lungs.

        Soft tissue is what lies between -200 and 200 HU on the mean over 6 mm: fat and muscle, no bone.

    Raises
    ------
    AttackError
        If the scan is too thin for an attack.
    """
    check_thickness(volume.shape, volume.spacing)
    step = [max(1, round(_GRID_MM / s)) for s in volume.spacing]
    z, y, x = (slice(s // 2, None, s) for s in step)
    spacing = [s * mm for s, mm in zip(step, volume.spacing, strict=True)]
    lung = (lung_mask(volume) if lung is None else lung)[z, y, x]
    body = (body_mask(volume) if body is None else body)[z, y, x] | lung
    # What lies beyond the scan is unknown, and no pleura: only zeros inside count.
    depth = _distance_to(~lung, spacing)
    from_lung = _distance_to(lung, spacing)
    mean = ndimage.uniform_filter(volume.hu[z, y, x].astype(np.float32), [max(1, round(6 / s)) for s in spacing])
    soft = body & ~lung & (mean > _SOFT_HU[0]) & (mean < _SOFT_HU[1]) & (from_lung >= _FROM_LUNG_MM)
    between = _between_lungs(lung)
    found = {
        PARENCHYMA: lung & (depth >= _DEEP_MM),
        JUXTA_PLEURAL: lung & (depth >= _PLEURA_MM[0]) & (depth <= _PLEURA_MM[1]),
        MEDIASTINAL: soft & between,
        SOFT_TISSUE: soft & ~between & (_distance_to(~body, spacing) >= _INSIDE_BODY_MM) & _beside_lung(lung),
    }
    rng = np.random.default_rng([_STREAM, seed])
    return {name: _drawn(allowed, n, rng, step, volume) for name, allowed in found.items()}


def _distance_to(mask: NDArray[np.bool_], spacing: list[float]) -> NDArray[np.floating]:
    """Distance in mm of each voxel to the nearest of the mask; infinite where the mask is empty."""
    if not mask.any():
        return np.full(mask.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=spacing))


def _full_slices(lung: NDArray[np.bool_]) -> NDArray[np.bool_]:
    area = lung.sum(axis=(1, 2))
    return np.asarray(area > max(0.0, _FULL_SLICE * area.max()))


def _between_lungs(lung: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What has a large piece of lung on either side in its row, within the pieces' common height."""
    out = np.zeros_like(lung)
    for z in np.flatnonzero(_full_slices(lung)):
        labels, count = ndimage.label(lung[z])
        if count < 2:
            continue
        sizes = np.bincount(labels.ravel())[1:]
        first, second = np.argsort(sizes)[::-1][:2] + 1
        pieces = sorted((labels == first, labels == second), key=lambda piece: float(np.argwhere(piece)[:, 1].mean()))
        if sizes[second - 1] < sizes[first - 1] / 10:
            continue
        right_of_first = np.logical_or.accumulate(pieces[0], axis=1)
        left_of_second = np.logical_or.accumulate(pieces[1][:, ::-1], axis=1)[:, ::-1]
        out[z] = right_of_first & left_of_second & ~lung[z]
    return out


def _beside_lung(lung: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Slices that show lung: what lies beside it is chest wall."""
    return np.asarray(_full_slices(lung))[:, None, None] & np.ones_like(lung)


def _drawn(
    allowed: NDArray[np.bool_], n: int, rng: np.random.Generator, step: list[int], volume: CTVolume
) -> list[Voxel]:
    sites = np.argwhere(allowed) * step + [s // 2 for s in step]
    margin = np.minimum(np.ceil(_MARGIN_MM / np.asarray(volume.spacing)), np.asarray(volume.shape) // 2).astype(int)
    sites = sites[((sites >= margin) & (sites < np.asarray(volume.shape) - margin)).all(axis=1)]
    chosen = rng.choice(sites, min(n, len(sites)), replace=False) if len(sites) else sites
    return [(int(z), int(y), int(x)) for z, y, x in chosen]
