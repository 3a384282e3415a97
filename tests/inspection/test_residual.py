from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_mits_gan.inspection.residual import measure_whitening
from noisy_chest import make_lung_block


@pytest.fixture(scope="module")
def block():
    return make_lung_block(1, (12, 96, 96))


@pytest.fixture(scope="module")
def whitening(block):
    return measure_whitening(block.hu, np.ones(block.shape, dtype=bool))


def likeness(values, step):
    first, second = values[..., :-step], values[..., step:]
    return float(np.mean(first * second) / np.mean(values**2))


def test_noise_that_the_scanner_blurred_becomes_white(block, whitening):
    raw = block.hu - ndimage.uniform_filter(block.hu.astype(np.float32), (1, 15, 15))
    white = whitening.residual(block.hu, block.spacing)
    assert likeness(raw, 1) > 0.4
    assert abs(likeness(white, 1)) < 0.12
    assert abs(likeness(white, 2)) < 0.12


def test_constant_hu_and_what_runs_straight_through_slices_leave_nothing(block, whitening):
    assert np.abs(whitening(np.full((3, 40, 40), -870, np.int16))).max() < 1e-2
    column = np.repeat(block.hu[:1], 5, axis=0)
    assert np.abs(whitening(column)[1:-1]).max() < 1e-3 * np.abs(whitening(block.hu)).max()


def test_the_residual_is_in_local_standard_deviations(block, whitening):
    louder = block.hu.copy()
    louder[:, :, 48:] = (louder[:, :, 48:] + 870) * 3 - 870
    residual = whitening.residual(louder, block.spacing)
    assert residual[:, :, 8:40].std() == pytest.approx(1.0, abs=0.1)
    assert residual[:, :, 56:88].std() == pytest.approx(1.0, abs=0.15)
    assert np.abs(residual).max() <= 3


def test_too_little_lung_gives_no_filter(block):
    lungs = np.zeros(block.shape, dtype=bool)
    lungs[:, 10:20, 10:20] = True
    assert measure_whitening(block.hu, lungs) is None
