"""Anatomy of the phantom, on a coarse grid: a radiologist's first questions, asked of numbers."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_mits_gan.ct.anatomy import body_mask, lung_mask
from napari_mits_gan.errors import Cancelled
from napari_mits_gan.phantom.chest import PhantomSettings, chest_phantom

COARSE = PhantomSettings(shape=(65, 128, 128), spacing_mm=(4.0, 2.6, 2.6), vessels=0.3)
THICK = PhantomSettings(shape=(16, 128, 128), spacing_mm=(16.0, 2.6, 2.6), vessels=0.05)


@pytest.fixture(scope="module")
def phantom():
    return chest_phantom(seed=0, settings=COARSE)


@pytest.fixture(scope="module")
def lungs(phantom):
    return lung_mask(phantom.volume)


def test_the_same_seed_draws_the_same_chest_and_another_seed_another():
    first, again, other = (chest_phantom(seed, THICK) for seed in (0, 0, 1))
    np.testing.assert_array_equal(again.volume.hu, first.volume.hu)
    assert again.nodule == first.nodule
    assert (other.volume.hu != first.volume.hu).mean() > 0.3


def test_hu_stay_in_a_scanner_s_range(phantom):
    assert phantom.volume.hu.min() >= -1024
    assert 400 < phantom.volume.hu.max() < 1500


def test_air_outside_the_body_is_exactly_constant(phantom):
    far = ~ndimage.binary_dilation(body_mask(phantom.volume), iterations=4)
    assert far.mean() > 0.2
    assert set(np.unique(phantom.volume.hu[far])) == {-1000}


def test_both_lungs_together_are_at_least_200_mm_wide(phantom, lungs):
    columns = np.flatnonzero(lungs.any(axis=(0, 1)))
    assert (columns[-1] - columns[0] + 1) * phantom.volume.spacing[2] >= 200


def test_lungs_hold_as_much_air_as_a_grown_person_s(phantom, lungs):
    litres = lungs.sum() * np.prod(phantom.volume.spacing) / 1e6
    assert 2.5 < litres < 6.5


def test_lung_tissue_has_the_density_of_healthy_lung(phantom, lungs):
    inner = ndimage.binary_erosion(lungs)
    assert -885 < np.median(phantom.volume.hu[inner]) < -825


def test_lung_is_denser_at_the_back(phantom, lungs):
    inner = ndimage.binary_erosion(lungs)
    rows = np.argwhere(inner)[:, 1]
    middle = int(np.median(rows))
    front, back = inner.copy(), inner.copy()
    front[:, middle:], back[:, :middle] = False, False
    assert np.median(phantom.volume.hu[back]) > np.median(phantom.volume.hu[front]) + 8


def test_vessels_run_through_the_whole_lung(phantom, lungs):
    inner = ndimage.binary_erosion(lungs, iterations=2)
    smooth = ndimage.gaussian_filter(phantom.volume.hu.astype(np.float32), 0.7)
    # Every cube of about 4 cm of lung has something clearly denser than its tissue in it.
    step = [round(40 / s) for s in phantom.volume.spacing]
    for z in range(0, 65 - step[0], step[0]):
        for y in range(0, 128 - step[1], step[1]):
            for x in range(0, 128 - step[2], step[2]):
                block = np.s_[z : z + step[0], y : y + step[1], x : x + step[2]]
                if inner[block].mean() > 0.9:
                    assert smooth[block][inner[block]].max() > -700


@pytest.mark.parametrize(
    ("organ", "place_mm", "low", "high"),
    [
        ("heart", (88, -34, 30), 30, 60),
        ("descending aorta", (100, 31, 21), 25, 60),
        ("liver", (16, -10, -70), 45, 75),
        ("windpipe", (216, 0, 0), -1020, -930),
        ("vertebra", (109, 49, 0), 120, 350),
    ],
)
def test_organs_have_their_hu(phantom, organ, place_mm, low, high):
    z, y, x = np.rint(phantom.volume.voxel_from_world(place_mm[::-1])).astype(int)
    assert low < phantom.volume.hu[z, y - 1 : y + 2, x - 1 : x + 2].mean() < high, organ


def test_noise_is_stronger_in_soft_tissue_than_in_lung_and_about_as_strong_as_asked():
    quiet = replace(THICK, lung_noise_hu=1e-3, soft_noise_hu=1e-3)
    noisy = replace(THICK, lung_noise_hu=24, soft_noise_hu=30)
    without, with_noise = (chest_phantom(0, s).volume.hu.astype(float) for s in (quiet, noisy))
    noise = with_noise - without
    lung, soft = (without > -950) & (without < -750), (without > 20) & (without < 70)
    assert noise[lung].std() == pytest.approx(24, rel=0.15)
    assert noise[soft].std() == pytest.approx(30, rel=0.15)


def test_the_nodule_is_solid_and_where_it_is_said_to_be(phantom, lungs):
    z, y, x = phantom.nodule.voxel
    core = phantom.volume.hu[z, y - 1 : y + 2, x - 1 : x + 2].mean()
    assert core > -150
    spacing = np.array(phantom.volume.spacing)
    offsets = (np.argwhere(np.ones(phantom.volume.shape)) - phantom.nodule.voxel) * spacing
    away = np.linalg.norm(offsets, axis=1).reshape(phantom.volume.shape)
    ring = (away > phantom.nodule.diameter_mm) & (away < phantom.nodule.diameter_mm + 4)
    assert np.median(phantom.volume.hu[ring]) < -700


def test_it_can_be_cancelled():
    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        chest_phantom(0, COARSE, progress=stop)
