import numpy as np
import pytest

from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.lung_voxels import random_lung_voxels
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks


def test_places_lie_in_the_lungs_away_from_the_borders(small_chest):
    lungs = lung_mask(small_chest)
    sites = random_lung_clicks(small_chest, 50, seed=1)
    assert len(sites) == 50
    assert all(lungs[site] for site in sites)
    assert all(4 <= z < 36 for z, _, _ in sites)
    assert {x < 32 for _, _, x in sites} == {True, False}


def test_the_seed_decides_the_places(small_chest):
    assert random_lung_clicks(small_chest, 8, seed=5) == random_lung_clicks(small_chest, 8, seed=5)
    assert random_lung_clicks(small_chest, 8, seed=5) != random_lung_clicks(small_chest, 8, seed=6)


def test_a_protection_that_draws_from_the_same_seed_does_not_hit_the_places(small_chest):
    drawn = {tuple(p) for p in random_lung_voxels(small_chest, 40, np.random.default_rng(0), margin_mm=8.0).tolist()}
    assert len(drawn & set(random_lung_clicks(small_chest, 40, seed=0))) < 5


def test_a_scan_without_lungs_a_thin_scan_and_no_place_are_refused_in_a_sentence(small_chest):
    solid = CTVolume(np.full(small_chest.shape, 40, dtype=np.int16), small_chest.spacing)
    with pytest.raises(AttackError, match="no lung was found"):
        random_lung_clicks(solid, 3)
    thin = CTVolume(small_chest.hu[15:23], small_chest.spacing)
    with pytest.raises(AttackError, match="only 20 mm thick"):
        random_lung_clicks(thin, 3)
    with pytest.raises(AttackError, match="at least one"):
        random_lung_clicks(small_chest, 0)
