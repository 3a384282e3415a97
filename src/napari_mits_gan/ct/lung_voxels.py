"""The voxels of the lungs, all of them or some drawn at random, away from the borders of the scan."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError


def lung_voxels(
    volume: CTVolume, *, margin_mm: float = 0.0, lung: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """All voxels (n, 3) of (z, y, x) in the lungs, at least `margin_mm` from the borders of the scan.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    margin_mm : float
        Distance to keep from the borders, along each axis.
    lung : ndarray of bool, shape (z, y, x), or None
        The lungs where they are known; None finds them.

    Raises
    ------
    AttackError
        If there are none.
    """
    allowed = np.array(lung_mask(volume) if lung is None else lung)
    for axis, (size, spacing) in enumerate(zip(volume.shape, volume.spacing, strict=True)):
        margin = min(int(np.ceil(margin_mm / spacing)), size // 2)
        edge = np.moveaxis(allowed, axis, 0)
        edge[:margin] = False
        edge[size - margin :] = False
    voxels = np.argwhere(allowed)
    if len(voxels) == 0:
        raise AttackError(f"no lung was found in '{volume.name}' far enough from its borders; choose a chest CT.")
    return voxels


def random_lung_voxels(
    volume: CTVolume, n: int, rng: np.random.Generator, *, margin_mm: float = 0.0, lung: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Random voxels (n, 3) of (z, y, x) in the lungs; see `lung_voxels`."""
    return rng.choice(lung_voxels(volume, margin_mm=margin_mm, lung=lung), n)
