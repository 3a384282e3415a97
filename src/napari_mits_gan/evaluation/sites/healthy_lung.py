"""Random sites in healthy lung: where no annotated nodule lies in the cuboid that an attack looks at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks

if TYPE_CHECKING:
    from napari_mits_gan.ct.grid import Voxel

_CLEARANCE_MM = 16.0
"""Half the side of the cuboid: no annotated nodule may reach into it."""
_MORE = 2
"""How many times as many sites are drawn as are asked for, since some lie near a nodule."""


def healthy_lung_sites(
    volume: CTVolume,
    n: int,
    seed: int = 0,
    *,
    annotated: Sequence[AnnotatedNodule] = (),
    lung: NDArray[np.bool_] | None = None,
) -> list[Voxel]:
    """Random sites in the lungs (`random_lung_clicks`) with no annotated nodule in the attack's cuboid.

    Raises
    ------
    AttackError
        If the lungs hold too few such sites.
    """
    spacing = np.asarray(volume.spacing)
    clear = [
        at
        for at in random_lung_clicks(volume, _MORE * n, seed, lung=lung)
        if all(
            np.abs((np.asarray(at) - nodule.at) * spacing).max() > _CLEARANCE_MM + nodule.diameter_mm / 2
            for nodule in annotated
        )
    ]
    if len(clear) < n:
        raise AttackError(f"'{volume.name}' has too little lung away from its nodules for {n} sites; ask for fewer.")
    return clear[:n]
