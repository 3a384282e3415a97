"""A small chest with vessels, and balls of tissue at known places in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_mits_gan.ct.volume import CTVolume

SIZE_MM = (150, 150, 220)


def chest(spacing: tuple[float, float, float] = (2.5, 1.0, 1.0)) -> CTVolume:
    """Two lungs in a body, with vessels that run along x, each 5 mm wide."""
    shape = tuple(round(n / s) for n, s in zip(SIZE_MM, spacing, strict=True))
    z, y, x = (np.arange(n).reshape(np.roll((-1, 1, 1), axis)) * spacing[axis] for axis, n in enumerate(shape))
    hu = np.full(shape, -1000.0)
    hu[np.broadcast_to(((y - 75) / 72) ** 2 + ((x - 110) / 107) ** 2 < 1, shape)] = 40
    for middle in (60, 160):
        hu[np.broadcast_to(((y - 75) / 55) ** 2 + ((x - middle) / 42) ** 2 < 1, shape)] = -850
    body = hu > -1000
    for at_z in (35, 115):
        tube = (((z - at_z) ** 2 + (y - 75) ** 2) < 2.5**2) & (hu == -850)
        hu[tube] = 40
    hu[body] += np.random.default_rng(0).normal(0, 15, shape)[body]
    return CTVolume(np.rint(hu).astype(np.int16), spacing=spacing, name="small chest")


def with_balls(volume: CTVolume, places_mm: dict[tuple[float, float, float], float]) -> CTVolume:
    """The volume with balls of tissue: centre (z, y, x) and diameter in mm."""
    hu = volume.hu.copy()
    grids = np.ogrid[tuple(slice(0, n) for n in hu.shape)]
    for center, diameter in places_mm.items():
        away = sum((g * s - c) ** 2 for g, s, c in zip(grids, volume.spacing, center, strict=True))
        hu[away < (diameter / 2) ** 2] = 40
    return replace(volume, hu=hu)


BALLS = {(75.0, 60.0, 55.0): 8.0, (60.0, 95.0, 170.0): 15.0, (85.0, 25.0, 160.0): 20.0}
"""The last one lies at the wall of the second lung, and 5 mm of it beyond."""
NEAR_MM = 8.0
"""What lies at the wall is found where it stands out from it, some millimetres from its centre."""


def distance_mm(volume: CTVolume, a, b) -> float:
    return float(np.linalg.norm(np.subtract(a, b) * np.asarray(volume.spacing)))
