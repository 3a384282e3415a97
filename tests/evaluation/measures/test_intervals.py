import math

import numpy as np
import pytest

from napari_mits_gan.evaluation.measures.intervals import bootstrap_interval, ratio_of_medians


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
