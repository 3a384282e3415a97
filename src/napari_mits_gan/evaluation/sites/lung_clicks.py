"""Where an attacker may click: random sites in the lungs that no protection knows of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError

if TYPE_CHECKING:
    from napari_mits_gan.ct.grid import Voxel

_STREAM = 0x636C6963
"""Keeps these sites apart from those that a protection draws from the same seed for its own use."""

_MARGIN_MM = 8.0
"""As in training the attackers: nearer to the scan's borders most of the cuboid would be padding."""


def random_lung_clicks(
    volume: CTVolume, n: int, seed: int = 0, *, lung: NDArray[np.bool_] | None = None
) -> list[Voxel]:
    """Draw sites in the lungs, every voxel alike.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    n : int
        How many, at least one.
    seed : int
        Fixes the sites.
    lung : ndarray of bool, shape (z, y, x), or None
        Where to draw from; None takes `lung_mask(volume)`. Sites within 8 mm of the scan's borders are left out.

    Returns
    -------
    list of tuple of int
        Voxels (z, y, x).

    Raises
    ------
    AttackError
        If no lung was found, if the scan is too thin for an attack, or `n` is less than one.
    """
    from napari_mits_gan.attack.cuboid import check_thickness
    from napari_mits_gan.ct.lung_voxels import random_lung_voxels

    if n < 1:
        raise AttackError(f"{n} sites were asked for; at least one is needed.")
    check_thickness(volume.shape, volume.spacing)
    sites = random_lung_voxels(volume, n, np.random.default_rng([_STREAM, seed]), margin_mm=_MARGIN_MM, lung=lung)
    return [(int(z), int(y), int(x)) for z, y, x in sites]
