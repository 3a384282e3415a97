"""The 32 mm cuboid around a click: what CT-GAN in-paints, and where the effect of any attack is measured."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from napari_mits_gan.ct.grid import Spacing
from napari_mits_gan.errors import AttackError

CUBOID_MM = 32
"""Side of the cuboid in mm, and in voxels at 1 mm."""


@lru_cache(maxsize=64)
def cuboid_shape(spacing: Spacing) -> tuple[int, int, int]:
    """Number of voxels (z, y, x) of the 32 mm cuboid at `spacing` mm, at least 2 along each axis."""
    z, y, x = (max(2, int(np.round(CUBOID_MM * (1.0 / s)))) for s in spacing)
    return z, y, x


def check_thickness(shape: tuple[int, int, int], spacing: Spacing, needed_mm: float = CUBOID_MM) -> None:
    """Refuse a scan of `shape` voxels (z, y, x) that is thinner than an attack needs.

    Raises
    ------
    AttackError
        If it is.
    """
    for axis, n, mm in zip("zyx", shape, spacing, strict=True):
        if n * mm < needed_mm:
            raise AttackError(
                f"the scan is only {n * mm:.0f} mm thick along {axis}, and an attack needs {needed_mm:.0f} mm; "
                "choose a scan that covers more."
            )
