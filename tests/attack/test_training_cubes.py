"""The cubes an attacker learns from: cut from lung at 1 mm, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_mits_gan.attack.training_cubes import CubeBank, cut_at_1mm, lung_places
from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError


def test_places_lie_in_the_lung(small_thorax):
    places = lung_places(small_thorax, 200, np.random.default_rng(0))
    assert places.shape == (200, 3)
    assert lung_mask(small_thorax)[tuple(places.T)].all()


def test_places_keep_away_from_the_borders(small_thorax):
    places = lung_places(small_thorax, 200, np.random.default_rng(0), margin_mm=20.0)
    to_border = np.minimum(places, np.array(small_thorax.shape) - 1 - places) * small_thorax.spacing
    assert to_border.min() >= 20 - max(small_thorax.spacing)


def test_a_mask_given_is_not_searched_again(small_thorax):
    lung = np.zeros(small_thorax.shape, dtype=bool)
    lung[7, 8, 9] = True
    assert (lung_places(small_thorax, 5, np.random.default_rng(0), lung=lung) == (7, 8, 9)).all()
    assert lung.sum() == 1


def test_a_margin_leaves_a_given_mask_alone(small_thorax):
    lung = np.ones(small_thorax.shape, dtype=bool)
    lung_places(small_thorax, 5, np.random.default_rng(0), margin_mm=10, lung=lung)
    assert lung.all()


def test_a_scan_without_lung_is_refused():
    volume = CTVolume(np.full((20, 40, 40), 40, dtype=np.int16), (2.0, 2.0, 2.0), name="abdomen")
    with pytest.raises(AttackError, match="no lung was found in 'abdomen'"):
        CubeBank([volume], "inject", cubes_per_scan=2)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 0.7, 0.7), (5.0, 1.5, 1.5)])
def test_a_cube_is_1_mm_fine_and_centred_on_its_place(spacing):
    shape = tuple(int(120 / s) for s in spacing)
    at = np.array([n // 2 for n in shape])
    grid = np.indices(shape, dtype=float)
    distance = np.linalg.norm([(g - c) * s for g, c, s in zip(grid, at, spacing, strict=True)], axis=0)
    volume = CTVolume((-850 + 800 * np.exp(-((distance / 6) ** 2))).astype(np.int16), spacing)
    cube = cut_at_1mm(volume, at, 48)
    assert cube.shape == (48, 48, 48)
    centre = ndimage.center_of_mass(cube + 850)
    # Cuboids begin on whole voxels and halves round to even, so the place may be off by a voxel.
    np.testing.assert_allclose(centre, 23.5, atol=max(spacing) + 0.5)


def test_a_cube_at_the_border_repeats_it():
    volume = CTVolume(np.arange(40, dtype=np.int16)[:, None, None].repeat(40, 1).repeat(40, 2), (1.0, 1.0, 1.0))
    cube = cut_at_1mm(volume, np.array([0, 20, 20]))
    np.testing.assert_allclose(cube[:16], 0, atol=1e-3)
    np.testing.assert_allclose(cube[16:, 3, 3], np.arange(16), atol=1e-3)


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_the_same_seed_gives_the_same_cubes(small_thorax, action):
    first, again, other = (CubeBank([small_thorax], action, cubes_per_scan=3, seed=s) for s in (4, 4, 5))
    cubes = first.sample(6)
    assert cubes.shape == (6, 32, 32, 32)
    assert cubes.dtype == np.float32
    np.testing.assert_array_equal(cubes, again.sample(6))
    assert not np.array_equal(cubes, other.sample(6))
    assert not np.array_equal(cubes, first.sample(6))


def test_an_injectors_cubes_hold_a_nodule_in_their_middle_and_a_removers_do_not(small_thorax):
    middle = (slice(None), *(slice(12, 20),) * 3)
    with_nodule = CubeBank([small_thorax], "inject", cubes_per_scan=6).sample(40)[middle]
    healthy = CubeBank([small_thorax], "remove", cubes_per_scan=6).sample(40)[middle]
    assert np.median(with_nodule.mean(axis=(1, 2, 3))) > np.median(healthy.mean(axis=(1, 2, 3))) + 300


def test_every_scan_gives_its_share(small_thorax):
    assert len(CubeBank([small_thorax], "remove", cubes_per_scan=3)) == 3
    assert len(CubeBank([small_thorax, small_thorax], "remove", cubes_per_scan=3)) == 6


def test_hu_beyond_any_scanner_are_clipped(small_thorax):
    hu = small_thorax.hu.copy()
    hu[hu > 0] = 32767
    cubes = CubeBank([CTVolume(hu, small_thorax.spacing)], "remove", cubes_per_scan=5).sample(20)
    assert cubes.max() <= 3071
    assert cubes.min() >= -1024
