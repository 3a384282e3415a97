from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_mits_gan.attack.cuboid import cuboid_shape
from napari_mits_gan.attack.resample import resample
from napari_mits_gan.protection.noise_map import StripeMap, sample_distance_mm, seed_from_key, shift_of, white_noise


def test_the_stripes_repeat_after_64_of_the_attackers_voxels():
    stripes = StripeMap(2)
    here, there = torch.linspace(0, 40, 17), torch.linspace(64, 104, 17)
    torch.testing.assert_close(stripes(here, here), stripes(there, there), atol=1e-3, rtol=0)


def test_half_of_the_profiles_run_along_y_and_half_along_x():
    values = StripeMap(2)(torch.arange(5) * 0.7, torch.arange(7) * 0.9)
    assert values.shape == (4, 5, 7)
    assert (values[:2] == values[:2, :, :1]).all()
    assert (values[2:] == values[2:, :1]).all()
    assert values[0, :, 0].std() > 0
    assert values[2, 0].std() > 0


@pytest.mark.parametrize("cycles", [24, 31])
def test_training_starts_from_as_many_cycles_as_asked_for(cycles):
    torch.manual_seed(0)
    values = StripeMap(1, cycles).values.detach()[0, 0]
    assert int(torch.fft.rfft(values).abs().argmax()) == cycles


def test_unless_told_training_starts_from_30_cycles_in_64_voxels_of_the_attacker():
    torch.manual_seed(0)
    first = StripeMap(2).values.detach()
    assert first.shape == (2, 2, 256)
    wave = 1.5 * torch.cos(2 * torch.pi * 30 * torch.arange(256) / 256)
    for values in first[:, 0]:
        # Random numbers of a fifth are on top of the wave, and alone in the other profiles.
        assert float((values - wave).std()) == pytest.approx(0.2, rel=0.2)
    assert float(first[:, 1].std()) == pytest.approx(0.2, rel=0.2)


def test_seeds_and_keys_give_what_they_gave_before():
    """A protection can be recreated by a later version only while these stay as they are."""
    assert shift_of(0) == pytest.approx((46.467484, 60.965443), abs=1e-6)
    assert seed_from_key("ward 7") == 4796585784169840879
    assert white_noise(0, 3, (2, 2)).ravel().tolist() == pytest.approx(
        [-0.883727, 2.885906, 0.558085, 1.988322], abs=1e-6
    )


def test_between_its_knots_a_profile_is_interpolated():
    stripes = StripeMap(1)
    at = stripes(torch.tensor([2.5, 2.625, 2.75, 63.875]), torch.zeros(1))[0, :, 0]
    torch.testing.assert_close(at[0], stripes.values[0, 0, 10])
    torch.testing.assert_close(at[1], (at[0] + at[2]) / 2)
    torch.testing.assert_close(at[3], (stripes.values[0, 0, 255] + stripes.values[0, 0, 0]) / 2)


@pytest.mark.parametrize("spacing", [(1.0, 0.78125, 0.6), (2.5, 0.9, 1.3)])
def test_the_distance_of_the_attackers_voxels_is_that_of_its_resampled_cube(spacing):
    shape = cuboid_shape(spacing)
    for axis, distance in enumerate(sample_distance_mm(spacing)):
        view = [1, 1, 1]
        view[axis] = shape[axis]
        mm = torch.arange(shape[axis], dtype=torch.float64).mul(spacing[axis]).view(view).expand(shape)
        cube = resample(mm, (32, 32, 32)).movedim(axis, 0)[:, 0, 0]
        # In the middle, since splines bend at the border.
        torch.testing.assert_close(
            cube[20] - cube[12], torch.tensor(8 * distance, dtype=torch.float64), rtol=1e-3, atol=0
        )


def test_noise_of_a_slice_depends_on_seed_and_slice_alone():
    assert (white_noise(1, 5, (8, 9)) == white_noise(1, 5, (8, 9))).all()
    assert (white_noise(1, 5, (8, 9)) != white_noise(1, 6, (8, 9))).any()
    assert (white_noise(1, 5, (8, 9)) != white_noise(2, 5, (8, 9))).any()


def test_shifts_lie_within_the_period_and_differ_between_seeds():
    shifts = np.array([shift_of(seed) for seed in range(200)])
    assert (shifts >= 0).all()
    assert (shifts < 64).all()
    assert len(np.unique(shifts)) == shifts.size


def test_a_key_gives_a_seed_that_can_be_found_again():
    assert seed_from_key("ward 7") == seed_from_key("ward 7") != seed_from_key("ward 8")
    assert 0 <= seed_from_key("") < 2**63
