"""Voxels drawn in the lungs lie in them, and away from the borders of the scan."""

from __future__ import annotations

import numpy as np

from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.lung_voxels import random_lung_voxels
from small_chest import small_chest

__all__ = ["small_chest"]  # a fixture


def test_voxels_lie_in_the_lung(small_chest):
    voxels = random_lung_voxels(small_chest, 200, np.random.default_rng(0))
    assert voxels.shape == (200, 3)
    assert lung_mask(small_chest)[tuple(voxels.T)].all()


def test_voxels_keep_away_from_the_borders(small_chest):
    voxels = random_lung_voxels(small_chest, 200, np.random.default_rng(0), margin_mm=20.0)
    to_border = np.minimum(voxels, np.array(small_chest.shape) - 1 - voxels) * small_chest.spacing
    assert to_border.min() >= 20 - max(small_chest.spacing)


def test_a_mask_given_is_not_searched_again(small_chest):
    lung = np.zeros(small_chest.shape, dtype=bool)
    lung[7, 8, 9] = True
    assert (random_lung_voxels(small_chest, 5, np.random.default_rng(0), lung=lung) == (7, 8, 9)).all()
    assert lung.sum() == 1


def test_a_margin_leaves_a_given_mask_alone(small_chest):
    lung = np.ones(small_chest.shape, dtype=bool)
    random_lung_voxels(small_chest, 5, np.random.default_rng(0), margin_mm=10, lung=lung)
    assert lung.all()
