from __future__ import annotations

import numpy as np
import torch

from napari_mits_gan.protection.noise_map import RepeatingMap, seed_from_key, shift_mm, white_noise


def test_the_map_repeats_every_16_mm_along_each_axis():
    repeating = RepeatingMap(2)
    here, there = torch.linspace(0, 40, 17), torch.linspace(16, 56, 17)
    torch.testing.assert_close(repeating(here, here, here), repeating(there, there, there), atol=1e-4, rtol=0)


def test_between_its_knots_the_map_is_interpolated():
    repeating = RepeatingMap(1)
    knots = torch.arange(16.0)
    values = repeating(knots, knots, knots)[:, 0]
    torch.testing.assert_close(values, repeating.tile[0])
    middle = repeating(torch.tensor([2.5]), torch.tensor([3.0]), torch.tensor([15.0]))
    torch.testing.assert_close(middle[0, 0, 0, 0], (values[2, 3, 15] + values[3, 3, 15]) / 2)


def test_noise_of_a_slice_depends_on_seed_and_slice_alone():
    assert (white_noise(1, 5, (8, 9)) == white_noise(1, 5, (8, 9))).all()
    assert (white_noise(1, 5, (8, 9)) != white_noise(1, 6, (8, 9))).any()
    assert (white_noise(1, 5, (8, 9)) != white_noise(2, 5, (8, 9))).any()


def test_shifts_lie_within_the_period_and_differ_between_seeds():
    shifts = np.array([shift_mm(seed) for seed in range(200)])
    assert (shifts >= 0).all()
    assert (shifts < 16).all()
    assert len(np.unique(shifts)) == shifts.size


def test_a_key_gives_a_seed_that_can_be_found_again():
    assert seed_from_key("ward 7") == seed_from_key("ward 7") != seed_from_key("ward 8")
    assert 0 <= seed_from_key("") < 2**63
