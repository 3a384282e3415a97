import math

import numpy as np
import pytest

from napari_mits_gan.evaluation.measures.intervals import Proportion, bootstrap_interval, ratio_of_medians


def test_same_seed_same_interval():
    values = np.random.default_rng(0).exponential(size=40)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    few = {bootstrap_interval(values, resamples=50, seed=seed) for seed in range(5)}
    assert len(few) > 1


def test_equal_values_have_no_width():
    assert bootstrap_interval(np.full(10, 0.25)) == (0.25, 0.25)


def test_interval_of_a_mean_is_that_of_the_normal_approximation():
    values = np.random.default_rng(1).normal(5, 2, 400)
    low, high = bootstrap_interval(values, lambda samples: samples.mean(axis=1), resamples=4000)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.03)
    assert high == pytest.approx(values.mean() + half, abs=0.03)


def test_wider_level_contains_the_narrower_one():
    values = np.random.default_rng(2).exponential(size=40)
    wide, narrow = bootstrap_interval(values, level=0.99), bootstrap_interval(values, level=0.5)
    assert wide[0] <= narrow[0] <= np.median(values) <= narrow[1] <= wide[1]


def test_figures_of_one_place_stay_together():
    second = np.random.default_rng(3).exponential(size=30)
    pairs = np.stack([5 * second, second], axis=1)
    assert bootstrap_interval(pairs, ratio_of_medians) == pytest.approx((5.0, 5.0))


def test_ratio_to_nothing_is_infinite_and_nothing_to_nothing_is_zero():
    pairs = np.array([[[1.0, 0.0]], [[0.0, 0.0]], [[6.0, 2.0]]])
    assert ratio_of_medians(pairs).tolist() == [math.inf, 0.0, 3.0]


def test_the_ratio_is_that_of_the_medians_of_each_column():
    assert ratio_of_medians(np.array([[[1.0, 8.0], [6.0, 2.0], [50.0, 1.0]]])).tolist() == [3.0]


def test_the_interval_of_a_median_by_hand():
    # Of two sites a resample has the smaller one alone, both, or the larger one alone: a quarter, a half, a quarter.
    values = np.array([1.0, 3.0])
    assert bootstrap_interval(values, resamples=4000) == (1.0, 3.0)
    assert bootstrap_interval(values, level=0.4, resamples=4000) == (2.0, 2.0)


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    # Newcombe, Statistics in Medicine 17, 857-872, 1998, table I (score method).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_proportion_is_wilsons(count, total, low, high):
    assert Proportion(count, total).interval == pytest.approx((low, high), abs=1e-4)


def test_a_proportion_counts_what_is_true():
    found = Proportion.among([True, False, True, True])
    assert (found.count, found.total, found.value) == (3, 4, 0.75)
    assert str(found) == "3 of 4, 75 % (30 – 95)"
    assert str(Proportion(50, 50)) == "50 of 50, 100 % (93 – 100)"


def test_nothing_of_nothing_has_no_value():
    assert math.isnan(Proportion(0, 0).value)
    assert all(math.isnan(end) for end in Proportion(0, 0).interval)
    assert str(Proportion(0, 0)) == "–"
