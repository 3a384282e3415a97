"""Histogram equalisation and normalisation: as numpy.interp has them, back and forth, with gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.attack.ctgan.calibration import Calibration

ascending = st.lists(st.floats(0.5, 50), min_size=2, max_size=12)
counts = st.lists(st.sampled_from([0.0, 0.0, 1.0, 3.0, 250.0]), min_size=13, max_size=13)


def _calibration(steps: list[float], increments: list[float]) -> Calibration:
    bins_hu = np.cumsum([-1000.0, *steps])
    cdf = np.cumsum([1.0, *increments[: len(steps)]])
    return Calibration(
        bins_hu, cdf, float(cdf.mean()), float(cdf.min()), float(cdf.min()) + max(1.0, float(np.ptp(cdf)))
    )


@settings(max_examples=100, deadline=None)
@given(ascending, counts, st.lists(st.floats(-1200, -300), min_size=1, max_size=20))
def test_normalising_equals_numpy_interp(steps, increments, values):
    calibration = _calibration(steps, increments)
    hu = np.array([*values, *calibration.bins_hu])
    wanted = np.interp(hu, calibration.bins_hu, calibration.cdf) - calibration.mean
    wanted /= calibration.maximum - calibration.minimum
    np.testing.assert_allclose(calibration.normalise(torch.from_numpy(hu)).numpy(), wanted, rtol=0, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(ascending, counts, st.lists(st.floats(-0.7, 0.7), min_size=1, max_size=20))
def test_denormalising_equals_numpy_interp_where_counts_repeat(steps, increments, values):
    calibration = _calibration(steps, increments)
    span = calibration.maximum - calibration.minimum
    normalised = np.array(values)
    wanted = np.interp(normalised.clip(-0.5, 0.5) * span + calibration.mean, calibration.cdf, calibration.bins_hu)
    found = calibration.denormalise(torch.from_numpy(normalised)).numpy()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-7)


def test_exactly_repeated_counts_take_the_last_of_them_as_numpy_does():
    """Also at the very first knot, where numpy looks to the right as well."""
    bins_hu, cdf = np.array([-1000.0, -900, -800, -700, -600]), np.array([0.0, 0.0, 2.0, 2.0, 4.0])
    calibration = Calibration(bins_hu, cdf, 2.0, 0.0, 4.0)
    x = np.array([-0.5, 0.0, 0.5, 0.25])
    wanted = np.interp(x * 4 + 2, cdf, bins_hu)
    np.testing.assert_array_equal(calibration.denormalise(torch.from_numpy(x)).numpy(), wanted)
    assert wanted[:2].tolist() == [-900.0, -700.0]


def test_a_round_trip_returns_the_hu_where_the_curve_ascends():
    rng = np.random.default_rng(0)
    bins_hu, cdf = np.linspace(-1024, 1500, 300), np.cumsum(rng.uniform(1, 50, 300))
    calibration = Calibration(bins_hu, cdf, (cdf[0] + cdf[-1]) / 2, cdf[0], cdf[-1])
    hu = torch.linspace(-1024, 1500, 999, dtype=torch.float64)
    torch.testing.assert_close(calibration.denormalise(calibration.normalise(hu)), hu, rtol=0, atol=1e-8)


def test_fitting_gives_every_level_the_same_share():
    """What equalisation is for: the training cubes' normalised values are spread evenly over their range."""
    cubes = np.random.default_rng(0).normal(-850, 60, (6, 32, 32, 32))
    calibration = Calibration.fit(cubes)
    normalised = calibration.normalise(torch.from_numpy(cubes)).numpy()
    np.testing.assert_allclose(np.quantile(normalised, [0, 0.25, 0.5, 0.75, 1]), [-0.5, -0.25, 0, 0.25, 0.5], atol=2e-3)
    assert calibration.maximum == pytest.approx(32**3)
    assert len(calibration.bins_hu) == 10_000


def test_a_fixed_window_is_linear():
    calibration = Calibration.fixed_window(-1000, 400)
    hu = torch.tensor([-2000.0, -1000, -300, 400, 3000])
    torch.testing.assert_close(calibration.normalise(hu), torch.tensor([-0.5, -0.5, 0.0, 0.5, 0.5]))


def test_gradients_of_both_directions_are_right(lung_calibration):
    torch.manual_seed(0)
    hu = (torch.rand(40, dtype=torch.float64) * 300 - 1000).requires_grad_()
    assert torch.autograd.gradcheck(lung_calibration.normalise, (hu,), eps=1e-5, atol=1e-7, rtol=1e-4)
    normalised = (torch.rand(40, dtype=torch.float64) * 0.9 - 0.45).requires_grad_()
    assert torch.autograd.gradcheck(lung_calibration.denormalise, (normalised,), eps=1e-8, atol=1e-2, rtol=1e-4)


def test_no_gradient_comes_back_through_saturated_output(lung_calibration):
    x = torch.tensor([-0.7, 0.7, 0.6], dtype=torch.float64, requires_grad=True)
    lung_calibration.denormalise(x).sum().backward()
    assert torch.equal(x.grad, torch.zeros(3, dtype=torch.float64))


def test_gradients_stay_finite_where_counts_repeat():
    calibration = Calibration(np.arange(-1000.0, -990), np.array([0.0] * 3 + [5.0] * 5 + [6.0] * 2), 3.0, 0.0, 6.0)
    x = torch.linspace(-0.6, 0.6, 101, requires_grad=True)
    calibration.denormalise(x).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_gradients_are_possible_after_inference_with_the_same_calibration():
    calibration = Calibration.fixed_window(-1000, 400)
    with torch.inference_mode():
        calibration.denormalise(calibration.normalise(torch.zeros(3)))
    hu = torch.zeros(3, requires_grad=True)
    calibration.denormalise(calibration.normalise(hu)).sum().backward()
    torch.testing.assert_close(hu.grad, torch.ones(3))


def test_arrays_recreate_the_calibration(lung_calibration):
    again = Calibration.from_arrays(lung_calibration.arrays())
    hu = torch.linspace(-1100, 300, 99, dtype=torch.float64)
    assert torch.equal(again.normalise(hu), lung_calibration.normalise(hu))


@pytest.mark.parametrize(
    ("bins_hu", "cdf", "norm"),
    [
        ([0.0, 1, 1], [0.0, 1, 2], (1, 0, 2)),
        ([0.0, 1, 2], [0.0, 2, 1], (1, 0, 2)),
        ([0.0, 1, 2], [0.0, 1], (1, 0, 2)),
        ([0.0], [1.0], (1, 0, 2)),
        ([0.0, 1, 2], [0.0, 1, 2], (1, 2, 2)),
        ([0.0, np.nan, 2], [0.0, 1, 2], (1, 0, 2)),
        ([0.0, 1, 2], [0.0, 1, 2], (1, 0, np.nan)),
    ],
)
def test_a_curve_that_does_not_ascend_is_refused(bins_hu, cdf, norm):
    with pytest.raises(ValueError, match="calibration"):
        Calibration(np.array(bins_hu), np.array(cdf), *norm)
