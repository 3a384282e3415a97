"""Augmentation: each change leaves what makes a nodule as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.detection.augmentation import (
    augmented_acquisition,
    flipped_and_turned,
    in_thick_slices,
    noise,
    rotated_and_scaled,
    with_retouched_middle,
)

SIDE = 48


def _ball(side: tuple[int, int, int] = (SIDE,) * 3, radius: float = 6.0) -> np.ndarray:
    grid = np.indices(side) - np.reshape([n // 2 for n in side], (3, 1, 1, 1))
    return np.where(np.linalg.norm(grid, axis=0) < radius, 30, -870).astype(np.float32)


def _middle_of_mass(hu: np.ndarray) -> np.ndarray:
    return np.argwhere(hu > -420).mean(axis=0)


@settings(max_examples=30, deadline=None)
@given(slice_mm=st.floats(1.0, 6.0), phase=st.floats(0, 1), level=st.floats(-1000, 1000))
def test_thick_slices_leave_an_even_cube_as_it_is(slice_mm, phase, level):
    cube = np.full((SIDE, 3, 3), level, dtype=np.float32)
    np.testing.assert_allclose(in_thick_slices(cube, slice_mm, phase), cube, rtol=1e-4, atol=1e-2)


def test_thick_slices_spread_a_thin_sheet_over_their_thickness():
    cube = np.zeros((SIDE, 2, 2), dtype=np.float32)
    cube[24] = 1000.0
    thick = in_thick_slices(cube, 5.0, 0.0)
    assert thick.max() == pytest.approx(200, rel=0.35)
    assert (thick[:, 0, 0] > 20).sum() >= 5
    assert thick[:15].max() == thick[34:].max() == 0


def test_turning_keeps_the_middle_in_the_middle():
    for seed in range(8):
        rng = np.random.default_rng(seed)
        away = _middle_of_mass(flipped_and_turned(_ball(), rng)) - SIDE // 2
        assert np.abs(away).max() <= 1.0
        away = _middle_of_mass(rotated_and_scaled(_ball((56, 72, 72)), SIDE, rng)) - SIDE // 2
        assert np.abs(away).max() <= 0.6


def test_noise_has_a_spread_of_one():
    for seed in range(6):
        assert noise(SIDE, np.random.default_rng(seed)).std() == pytest.approx(1, rel=0.15)


def test_retouching_changes_the_middle_only():
    cube = np.random.default_rng(0).normal(-870, 25, (64,) * 3).astype(np.float32)
    for seed in range(6):
        changed = np.abs(with_retouched_middle(cube, np.random.default_rng(seed)) - cube)
        assert changed[30:34, 30:34, 30:34].mean() > 2
        assert changed[:3].mean() < 1


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_another_scanner_still_shows_the_nodule(seed):
    cube = augmented_acquisition(_ball(), np.random.default_rng(seed))
    assert cube.dtype == np.float32
    assert np.isfinite(cube).all()
    assert cube.min() >= -1024
    assert cube[22:27, 22:27, 22:27].mean() > cube[:8].mean() + 500
