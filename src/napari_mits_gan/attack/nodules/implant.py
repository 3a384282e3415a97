"""Implanting a synthetic nodule into a cube of real lung: training material where real nodules are few."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.attack.nodules.rules import LONGEST_SPIKE, NoduleShape

_FURTHEST = 2.5
"""In radii: further than any spike, bump or long axis reaches."""


def _signed_distance_mm(
    nodule: NoduleShape, shape: tuple[int, int, int], center: NDArray[np.float64]
) -> NDArray[np.float64]:
    """About the distance in mm to the nodule's surface, positive inside; -9 wherever it is far away."""
    rng = np.random.default_rng(nodule.seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    radius_mm = nodule.diameter_mm / 2
    grid = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in shape), indexing="ij"), axis=-1) - center
    # Most of a cube lies beyond the longest spike, and nothing need be computed there.
    near = np.linalg.norm(grid, axis=-1) < _FURTHEST * radius_mm + 8
    grid = grid[near]
    turned = (grid @ rotation) / np.asarray(nodule.elongation)
    distance = np.linalg.norm(turned, axis=-1) + 1e-6
    unit = turned / distance[..., None]
    bumps = np.zeros(len(grid))
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
        length = radius_mm * rng.uniform(1.3, LONGEST_SPIKE)
        width = rng.uniform(0.9, 1.5) * np.clip(1 - along / length, 0, 1) ** 0.5
        # Beyond its tip a spike of no width would still leave a faint line on its axis.
        signed = np.maximum(signed, np.where((along > 0) & (along < length), width - across, -9.0))
    everywhere = np.full(shape, -9.0)
    everywhere[near] = signed
    return everywhere


def implant_nodule(
    lung_hu: NDArray[np.floating], nodule: NoduleShape, center: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Implant a nodule into a cube of lung.

    Parameters
    ----------
    lung_hu : ndarray of float, shape (z, y, x)
        HU on a grid of 1 mm.
    nodule : NoduleShape
        What to implant.
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
