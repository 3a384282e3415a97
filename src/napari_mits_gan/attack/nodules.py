"""Lung nodules drawn by rule, blended into real lung: training material where real nodules are few.

Shapes and densities span what the LIDC-IDRI readers describe (Armato et al., 2011): solid, part-solid and ground-glass;
smooth, lobulated or spiculated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True)
class NoduleShape:
    """The parameters of one drawn nodule; together with `seed` they recreate it.

    Parameters
    ----------
    diameter_mm : float
        Mean diameter.
    solid_hu : float
        HU of the solid part.
    rim_hu : float
        HU of a ground-glass rim; NaN where the nodule is solid throughout.
    elongation : tuple of float
        Ratio of the half axes (z, y, x) to the mean radius.
    lobulation : float
        Relative height of the bumps on the surface, 0 to about 0.25.
    spicules : int
        Number of spikes.
    edge_mm : float
        Standard deviation of the blur that the scanner puts on the edge.
    seed : int
        Fixes the surface and the spikes.
    """

    diameter_mm: float
    solid_hu: float
    rim_hu: float
    elongation: tuple[float, float, float]
    lobulation: float
    spicules: int
    edge_mm: float
    seed: int


def random_nodule(rng: np.random.Generator, diameter_mm: tuple[float, float] = (6.0, 18.0)) -> NoduleShape:
    """Draw the parameters of a nodule; four in five are solid, one in ten part-solid, one in ten ground-glass."""
    kind = rng.random()
    solid = float(rng.normal(30, 25)) if kind < 0.9 else float(rng.uniform(-650, -350))
    rim = float(rng.uniform(-650, -350)) if 0.8 <= kind < 0.9 else float("nan")
    stretch = np.exp(rng.normal(0, 0.12, 3))
    z, y, x = stretch / np.prod(stretch) ** (1 / 3)
    return NoduleShape(
        diameter_mm=float(np.clip(rng.gamma(9.0, 1.25), *diameter_mm)),
        solid_hu=solid,
        rim_hu=rim,
        elongation=(float(z), float(y), float(x)),
        lobulation=float(rng.uniform(0.03, 0.22)),
        spicules=int(rng.poisson(5)) if rng.random() < 0.4 else 0,
        edge_mm=float(rng.uniform(0.6, 1.0)),
        seed=int(rng.integers(2**31)),
    )


def _signed_distance_mm(
    nodule: NoduleShape, shape: tuple[int, int, int], center: NDArray[np.float64]
) -> NDArray[np.float64]:
    """About the distance in mm to the nodule's surface, positive inside."""
    rng = np.random.default_rng(nodule.seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    grid = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in shape), indexing="ij"), axis=-1) - center
    radius_mm = nodule.diameter_mm / 2
    turned = (grid @ rotation) / np.asarray(nodule.elongation)
    distance = np.linalg.norm(turned, axis=-1) + 1e-6
    unit = turned / distance[..., None]
    bumps = np.zeros(shape)
    for _ in range(8):
        axis = rng.normal(size=3)
        axis /= np.linalg.norm(axis)
        bumps += rng.normal() * np.cos(
            rng.integers(2, 6) * np.arccos(np.clip(unit @ axis, -1, 1)) + rng.uniform(0, 2 * np.pi)
        )
    signed = radius_mm * (1 + nodule.lobulation * bumps / 8**0.5) - distance
    for _ in range(nodule.spicules):
        axis = rng.normal(size=3)
        axis /= np.linalg.norm(axis)
        along = grid @ axis
        across = np.sqrt(np.maximum(np.sum(grid**2, axis=-1) - along**2, 0))
        length = radius_mm * rng.uniform(1.3, 1.9)
        width = rng.uniform(0.5, 1.0) * np.clip(1 - along / length, 0, 1)
        # Beyond its tip a spike of no width would still leave a faint line on its axis.
        signed = np.maximum(signed, np.where((along > 0) & (along < length), width - across, -9.0))
    return signed


def draw_nodule(
    lung_hu: NDArray[np.floating], nodule: NoduleShape, center: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Blend a nodule into a cube of lung.

    Parameters
    ----------
    lung_hu : ndarray of float, shape (z, y, x)
        HU on a grid of 1 mm.
    nodule : NoduleShape
        What to draw.
    center : tuple of float
        Where, in voxels (z, y, x).

    Returns
    -------
    ndarray of float32, shape (z, y, x)
        HU; brighter structures (vessels, pleura) stay, and the cube's own fine texture runs through the nodule.
    """
    signed = _signed_distance_mm(nodule, lung_hu.shape, np.asarray(center, dtype=float))
    inside = ndimage.gaussian_filter(np.clip(signed + 0.5, 0, 1), nodule.edge_mm)
    smooth = ndimage.gaussian_filter(lung_hu.astype(np.float64), 1.5)
    rng = np.random.default_rng(nodule.seed + 1)
    mottle = ndimage.gaussian_filter(rng.normal(size=lung_hu.shape), 1.5) * 60
    tissue = nodule.solid_hu + mottle
    if np.isfinite(nodule.rim_hu):
        core = ndimage.gaussian_filter(np.clip(signed - nodule.diameter_mm / 5 + 0.5, 0, 1), nodule.edge_mm)
        tissue = nodule.rim_hu + (nodule.solid_hu - nodule.rim_hu) * core + mottle
    # Only the fine texture (quantum noise) of lung without vessels belongs into the nodule.
    texture = np.clip(lung_hu - smooth, -60, 60) * (smooth < -700)
    filled = np.maximum(tissue + texture, lung_hu)
    return (lung_hu + inside * (filled - lung_hu)).astype(np.float32)
