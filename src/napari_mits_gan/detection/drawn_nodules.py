"""Nodules drawn for the detector: merged balls, roughened by a random field, with spikes along its crossings.

Another rule than the attackers' (`attack/nodules/`), so that the detector does not learn their hand. Kinds, sizes and
densities span what the LIDC-IDRI readers describe (Armato et al., Medical Physics 2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.grid import along_axis, spline_matrix

Kind = Literal["solid", "part-solid", "ground-glass"]

_VISIBLE_HU = 120.0
"""A voxel belongs to what is seen of a nodule if it became this much brighter."""
_LARGEST_HALF = 28
"""Half of the box a nodule is drawn in; longer spikes are cut off."""


@dataclass(frozen=True)
class DrawnNodule:
    """The parameters of one drawn nodule; together with `seed` they recreate it.

    Parameters
    ----------
    kind : {"solid", "part-solid", "ground-glass"}
        What it consists of.
    diameter_mm : float
        Diameter of the ball of the same volume, spikes not counted.
    solid_hu : float
        HU of its solid part.
    haze_hu : float
        HU that its ground-glass part adds to healthy lung.
    balls : int
        Of how many balls it is merged; from two on it is lobulated.
    stretch : tuple of float
        Lengths of its axes relative to each other.
    roughness : float
        Standard deviation of the random field on its surface, relative to the radius.
    spikes : float
        Length of the spikes relative to the radius; 0 for none.
    edge_mm : float
        Standard deviation of the blur that the scanner puts on the edge.
    slice_mm : float
        Thickness of the slices it is seen in (partial volume).
    texture : float
        Noise inside, relative to that of the scan.
    seed : int
        Fixes its surface and its inside.
    """

    kind: Kind
    diameter_mm: float
    solid_hu: float
    haze_hu: float
    balls: int
    stretch: tuple[float, float, float]
    roughness: float
    spikes: float
    edge_mm: float
    slice_mm: float
    texture: float
    seed: int


def random_drawn_nodule(
    rng: np.random.Generator, diameter_mm: tuple[float, float] = (4.0, 30.0), *, slice_mm: float = 1.0
) -> DrawnNodule:
    """Draw the parameters of a nodule: three in four solid, one in eight part-solid, one in eight ground-glass.

    Parameters
    ----------
    rng : numpy.random.Generator
        What to draw from.
    diameter_mm : tuple of float
        Smallest and largest; about 11 mm is the most usual. Ground-glass nodules measure at least 6 mm.
    slice_mm : float
        Thickness of the scan's slices; most nodules are drawn as seen in them.
    """
    draw = rng.random()
    kind: Kind = "solid" if draw < 0.75 else "part-solid" if draw < 0.875 else "ground-glass"
    low = diameter_mm[0] if kind == "solid" else min(max(diameter_mm[0], 6.0), diameter_mm[1])
    stretch = np.exp(rng.normal(0, 0.17, 3))
    z, y, x = stretch / np.prod(stretch) ** (1 / 3)
    calcified = rng.random() < 0.04
    return DrawnNodule(
        kind=kind,
        diameter_mm=float(np.clip(11.0 * np.exp(rng.normal(0, 0.5)), low, diameter_mm[1])),
        solid_hu=float(rng.uniform(150, 450) if calcified else np.clip(rng.normal(15, 45), -120, 130)),
        haze_hu=float(rng.uniform(190, 520)),
        balls=1 if rng.random() < 0.35 else int(rng.integers(2, 7)),
        stretch=(float(z), float(y), float(x)),
        roughness=float(rng.uniform(0.0, 0.22)),
        spikes=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.35 else 0.0,
        edge_mm=float(rng.uniform(0.35, 1.3)),
        slice_mm=slice_mm if rng.random() < 0.7 else 1.0,
        texture=float(rng.uniform(0.4, 1.5)),
        seed=int(rng.integers(2**31)),
    )


def _field(rng: np.random.Generator, shape: tuple[int, ...], grain: float) -> NDArray[np.float32]:
    """Smooth random field with a standard deviation of about 1 and structures of about 2 `grain` voxels."""
    grain = max(grain, 1.0)
    field = rng.standard_normal([int(np.ceil(n / grain)) + 4 for n in shape], dtype=np.float32)
    # A sum of cubic B-splines on a coarse grid is smooth, and much cheaper than a wide filter.
    for axis, n in enumerate(shape):
        splines = spline_matrix(np.arange(n) / grain + 1.5, field.shape[axis])
        field = along_axis(splines.astype(np.float32), field, axis)
    return (field * 2.9).astype(np.float32)  # the splines' mean square over a grid is 0.48 along each axis


def _level_mm(nodule: DrawnNodule, half: int, center: NDArray[np.float64]) -> NDArray[np.float32]:
    """About the distance in mm to the surface, positive inside, in a cube of 2 `half` + 1 voxels."""
    rng = np.random.default_rng([nodule.seed, 0])
    radius = nodule.diameter_mm / 2
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    axis = np.arange(-half, half + 1)
    grid = (np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1) - center).astype(np.float32)
    p = grid @ (rotation / np.asarray(nodule.stretch)).astype(np.float32)
    soft = 0.15 * radius
    merged = np.zeros(p.shape[:3], dtype=np.float32)
    for ball in range(nodule.balls):
        where = rng.normal(0, 0.33 * radius, 3) if ball else np.zeros(3)
        size = radius * (rng.uniform(0.35, 0.75) if ball else 0.85)
        gap = size - _length(p - where.astype(np.float32))
        merged += np.exp(np.maximum(gap, -12 * soft) / soft)
    level = soft * np.log(merged)
    level += nodule.roughness * radius * _field(rng, level.shape, rng.uniform(0.35, 0.9) * radius)
    # The surface is laid where the volume is that of the wanted ball.
    wanted = int(np.clip(np.pi / 6 * nodule.diameter_mm**3, 8, level.size // 2))
    level -= np.partition(level.ravel(), -wanted)[-wanted]
    if nodule.spikes:
        distance = np.maximum(_length(grid), 0.5)
        crossing = np.square(_on_sphere(rng, grid, distance)) + np.square(_on_sphere(rng, grid, distance))
        reach = radius * (1 + nodule.spikes * np.exp(-crossing / 0.04)) - distance
        level = np.maximum(level, np.minimum(reach, 0.9).astype(np.float32) - np.where(crossing < 0.15, 0.0, 9.0))
    return level.astype(np.float32)


def _length(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lengths of the vectors along the last axis."""
    return np.sqrt(np.einsum("...i,...i->...", vectors, vectors))


def _on_sphere(
    rng: np.random.Generator, grid: NDArray[np.float32], distance: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A smooth random function of the direction alone."""
    total = np.zeros(distance.shape, dtype=np.float32)
    for _ in range(5):
        axis = rng.normal(size=3)
        axis *= rng.uniform(3, 6) / np.linalg.norm(axis)
        total += np.sin((grid @ axis.astype(np.float32)) / distance + np.float32(rng.uniform(0, 2 * np.pi)))
    return total / 1.6


def _noise_hu(cube: NDArray[np.float32]) -> float:
    """Standard deviation of the noise, from the differences of neighbours in lung without vessels."""
    # Every second row will do.
    left, right = cube[::2, ::2, :-1], cube[::2, ::2, 1:]
    lung = (left < -750) & (right < -750) & (left > -1010)
    if lung.sum() < 50:
        return 20.0
    return float(np.clip(np.median(np.abs(left[lung] - right[lung])) / 0.954, 2.0, 80.0))


def draw_into(
    cube_hu: NDArray[np.float32], nodule: DrawnNodule, center: tuple[float, float, float]
) -> tuple[NDArray[np.float32], float]:
    """Draw a nodule into a cube of lung.

    Parameters
    ----------
    cube_hu : ndarray of float32, shape (z, y, x)
        HU at 1 mm.
    nodule : DrawnNodule
        What to draw.
    center : tuple of float
        Where, in voxels (z, y, x).

    Returns
    -------
    ndarray of float32, shape (z, y, x)
        HU with the nodule; brighter structures (vessels, pleura) stay, and the scan's noise continues inside.
    float
        Which part of the nodule is to be seen, 0 to 1: the share of its voxels that became brighter by 120 HU.
    """
    whole = np.floor(np.asarray(center) + 0.5).astype(int)
    half = min(int(np.ceil(nodule.diameter_mm * max(0.75, 0.5 + 0.5 * nodule.spikes))) + 4, _LARGEST_HALF)
    level = _level_mm(nodule, half, np.asarray(center) - whole)
    low, high = np.maximum(whole - half, 0), np.minimum(whole + half + 1, cube_hu.shape)
    if (high <= low).any():
        return cube_hu.copy(), 0.0
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    part = tuple(slice(a, b) for a, b in zip(low - whole + half, high - whole + half, strict=True))

    # The blur of the scanner: a disc within the slice, the slice's thickness across.
    blur = (max(nodule.edge_mm, 0.3 * nodule.slice_mm), nodule.edge_mm, nodule.edge_mm)
    inside = ndimage.gaussian_filter(np.clip(level + 0.5, 0, 1), blur)[part]
    rng = np.random.default_rng([nodule.seed, 1])
    mottle = _field(rng, level.shape, 3.0)[part] * rng.uniform(5, 35)
    grain = ndimage.gaussian_filter(rng.standard_normal(level.shape, dtype=np.float32), rng.uniform(0.35, 0.8))[part]
    grain *= nodule.texture * _noise_hu(cube_hu) / max(float(grain.std()), 1e-3)

    before = cube_hu[box]
    tissue = np.maximum(nodule.solid_hu + mottle + grain, before)
    if nodule.kind == "solid":
        after = before + inside * (tissue - before)
    else:
        # Haze thickens lung and leaves what is dense already.
        room = np.clip((-100.0 - before) / 500.0, 0, 1)
        after = before + inside * room * (nodule.haze_hu + 2 * mottle)
        if nodule.kind == "part-solid":
            depth = nodule.diameter_mm * rng.uniform(0.08, 0.25)
            shift = [int(s) for s in np.round(rng.normal(0, 0.08 * nodule.diameter_mm, 3))]
            core = ndimage.gaussian_filter(np.clip(np.roll(level, shift, (0, 1, 2)) - depth + 0.5, 0, 1), blur)[part]
            after = after + core * np.maximum(nodule.solid_hu + mottle + grain - after, 0)
    body = inside > 0.5
    seen = float(((after - before)[body] > _VISIBLE_HU).mean()) if body.any() else 0.0
    # What the borders of the cube cut off is not seen either.
    seen *= float(body.sum()) / max(float((level > 0).sum()), 1.0)
    drawn = cube_hu.copy()
    drawn[box] = after
    return drawn, min(seen, 1.0)
