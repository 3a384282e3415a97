"""Augmentation of the detector's cubes: position, and all by which scanners differ and that must not matter."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.grid import along_axis, slice_matrix

_FIELD = 112
_GRAINS = (0.0, 0.45, 0.7, 1.0, 1.5)


def flipped_and_turned(cube: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Flipped along each axis half of the times and turned by a quarter within the slice."""
    flips = tuple(axis for axis in range(3) if rng.random() < 0.5)
    return np.flip(np.rot90(cube, int(rng.integers(4)), axes=(1, 2)), flips)


def rotated_and_scaled(
    cube: NDArray[np.float32], side: int, rng: np.random.Generator, *, largest_scale: float = 1.15
) -> NDArray[np.float32]:
    """The middle `side` of a larger cube, turned freely within the slice and scaled a little, each axis by itself."""
    angle = rng.uniform(-np.pi / 4, np.pi / 4)
    c, s = np.cos(angle), np.sin(angle)
    scale = np.exp(rng.uniform(-1, 1) * np.log(largest_scale)) * np.exp(rng.normal(0, 0.04, 3))
    matrix = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) / scale
    # The centre lies at shape // 2 before and after.
    offset = np.array(cube.shape) // 2 - matrix @ np.full(3, side // 2)
    return ndimage.affine_transform(cube, matrix, offset, (side,) * 3, order=1, mode="nearest")


@lru_cache(maxsize=1)
def _noise_fields() -> NDArray[np.float32]:
    """Noise of several grains, standard deviation 1, from which pieces are cut."""
    rng = np.random.default_rng(20_240_607)
    fields = []
    for grain in _GRAINS:
        field = ndimage.gaussian_filter(rng.standard_normal((_FIELD,) * 3, dtype=np.float32), grain, mode="wrap")
        fields.append(field / field.std())
    return np.stack(fields)


def noise(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise of a standard deviation of 1 HU and a random grain, shape (side, side, side)."""
    low = rng.integers(0, _FIELD - side + 1, 3)
    z, y, x = (slice(a, a + side) for a in low)
    return _noise_fields()[int(rng.integers(len(_GRAINS))), z, y, x]


def in_thick_slices(cube: NDArray[np.float32], slice_mm: float, phase: float) -> NDArray[np.float32]:
    """As if measured in slices of `slice_mm`, the first centre at `phase` of a slice, and resampled to 1 mm."""
    return along_axis(slice_matrix(len(cube), slice_mm, phase).astype(np.float32), cube, 0).astype(np.float32)


def with_retouched_middle(cube: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The middle with another texture or level, as in-painting leaves it: no sign of a nodule by itself."""
    side = cube.shape[0]
    half, edge = rng.uniform(7, 15), rng.uniform(0.3, 3.0)
    away = np.abs(np.arange(side) - side // 2 + rng.uniform(-2, 2))
    if rng.random() < 0.5:
        profile = 1 / (1 + np.exp(np.clip((away - half) / edge, -30, 30)))
        weight = profile[:, None, None] * profile[None, :, None] * profile[None, None, :]
    else:
        distance = np.sqrt(away[:, None, None] ** 2 + away[None, :, None] ** 2 + away[None, None, :] ** 2)
        weight = 1 / (1 + np.exp(np.clip((distance - half) / edge, -30, 30)))
    after = cube
    draw = rng.random()
    if draw < 0.55:
        smooth = ndimage.gaussian_filter(cube, rng.uniform(0.6, 1.8), truncate=2.5)
        after = cube + rng.uniform(0.4, 1.0) * (smooth - cube)
    if draw > 0.35:
        after = after + noise(side, rng) * rng.uniform(5, 60)
    if rng.random() < 0.4:
        after = after + rng.normal(0, 25)
    return (cube + weight * (after - cube)).astype(np.float32)


def augmented_acquisition(cube: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The cube as another scanner could show it; each change is made to a share of the cubes only."""
    if rng.random() < 0.2:
        cube = with_retouched_middle(cube, rng)
    draw = rng.random()
    if draw < 0.4:
        smooth = ndimage.gaussian_filter(cube, (0, *[rng.uniform(0.4, 0.95)] * 2), truncate=2.5)
        cube = smooth if draw < 0.25 else cube + rng.uniform(0.3, 1.2) * (cube - smooth)
    if rng.random() < 0.3:
        cube = cube + noise(cube.shape[0], rng) * rng.uniform(3, 50)
    if rng.random() < 0.35:
        cube = in_thick_slices(cube, rng.uniform(1.5, 5.0), rng.random())
    if rng.random() < 0.25:
        cube = cube + noise(cube.shape[0], rng) * rng.uniform(3, 40)
    cube = (cube + 1000) * rng.normal(1, 0.015) - 1000 + rng.normal(0, 12)
    return np.clip(cube, -1024, 3071).astype(np.float32)
