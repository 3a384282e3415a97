"""The perturbation in units of the budget: bounded, without local mean, weaker where pixels are too coarse for that."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from napari_mits_gan.protection.perturbation import ROI_MM, _largest_around, bounded, roi_mean, roi_reach


def test_the_disc_measures_10_mm():
    assert ROI_MM == 10
    # 5 mm reach 5 pixels of 1 mm, 2 of 2 mm (2.5 are not whole), 7 of 0.7 mm (7.14).
    for spacing, reach in (((1.0, 1.0), 5), ((2.0, 2.0), 2), ((0.7, 0.7), 7), ((1.0, 2.0), 5), ((2.0, 1.0), 5)):
        assert roi_reach(spacing) == reach


def test_the_mean_counts_what_is_outside_the_array_as_nothing():
    # A disc of 2 pixels' reach: 1 + 2 * (1 + 3) + ... = 5 + 2 * 3 + 2 * 1 + ... by rows 5, 3 (twice), 1 (twice).
    widths = [2 * int(math.sqrt(2.5**2 - row**2)) + 1 for row in range(3)]
    whole = widths[0] + 2 * sum(widths[1:])
    mean = roi_mean(torch.ones(1, 9, 9), (2.0, 2.0))[0]
    assert mean[4, 4].item() == pytest.approx(1)
    # The corner sees its own quarter: the middle row right of it, and half of each row below.
    quarter = sum((w + 1) // 2 for w in widths)
    assert mean[0, 0].item() == pytest.approx(quarter / whole)


def test_a_flat_output_leaves_nothing_in_the_middle():
    change = bounded(torch.full((1, 61, 61), 3.0), torch.ones(1, 61, 61), (1.0, 1.0))
    assert change[0, 20:41, 20:41].abs().max() < 1e-4


def test_without_local_mean_the_output_passes_through_the_hyperbolic_tangent():
    """Stripes as fine as the pixels have almost no mean over a disc of 13 pixels' width."""
    rows = torch.tensor([1.0, -1.0]).repeat(40)
    stripes = 0.8 * rows[None, :, None].expand(1, 80, 80)
    change = bounded(stripes, torch.ones(1, 80, 80), (0.8, 0.8))
    # What is left of such stripes in the mean over the disc, in both passes.
    kept = 1 - roi_mean(stripes, (0.8, 0.8))[0, 40, 40] / stripes[0, 40, 40]
    assert 0.9 < kept < 1.1
    wanted = torch.tanh(0.8 * kept) * kept
    torch.testing.assert_close(change[0, 30:50, 30:50], wanted * stripes[0, 30:50, 30:50].sign())


def test_where_means_stay_the_change_is_weakened_to_a_tenth_of_the_budget():
    """A disc of 5 pixels does not average stripes of 2 + 2 pixels out, and no second pass helps."""
    spacing = (4.0, 4.0)
    rows = torch.tensor([3.0, 3.0, -3.0, -3.0]).repeat(10)
    raw = rows[None, :, None].expand(1, 40, 40)
    inside = torch.ones(1, 40, 40)
    change = bounded(raw, inside, spacing)
    means = roi_mean(change, spacing).abs()
    assert means.max().item() == pytest.approx(0.1, abs=0.01)
    assert change.abs().max() < 1


def test_what_is_weakened_is_weakened_around_it_only():
    spacing = (4.0, 4.0)
    raw = torch.zeros(1, 40, 40)
    raw[0, 20, 20] = 5.0
    raw[0, 2, 2] = 5.0
    inside = torch.ones(1, 40, 40)
    inside[0, 10:, 10:] = 0
    inside[0, 20, 20] = 1
    change = bounded(raw, inside, spacing)
    # Alone in the mask, the pixel keeps what one disc of five pixels allows: a mean of a tenth.
    assert change[0, 20, 20].item() == pytest.approx(0.5, abs=0.01)


def test_the_largest_mean_around_a_pixel_is_that_of_a_square():
    values = torch.rand(2, 20, 31)
    expected = functional.max_pool2d(values[:, None], 11, 1, 5)[:, 0]
    torch.testing.assert_close(_largest_around(values, 5), expected, rtol=0, atol=0)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    spacing=st.tuples(st.floats(0.4, 4.5), st.floats(0.4, 4.5)),
    scale=st.floats(0.01, 50),
)
def test_every_output_keeps_the_budget_and_the_mask(seed, spacing, scale):
    torch.manual_seed(seed)
    raw = scale * torch.randn(2, 24, 30)
    inside = (torch.rand(2, 24, 30) > 0.2).float()
    change = bounded(raw, inside, spacing)
    assert change.abs().max() <= 1
    assert (change[inside == 0] == 0).all()
