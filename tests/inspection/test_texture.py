"""The texture of noise is measured against that of the other lung at the same depth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.texture import FEATURES, texture
from noisy_chest import make_lung_block, told_to_be_lung

BALL = (slice(12, 33), slice(40, 80), slice(52, 92))


@pytest.fixture(scope="module")
def lung():
    return make_lung_block()


def measured(volume):
    return texture(ExaminedScan.of(told_to_be_lung(volume)))


def test_plain_noise_is_as_usual_everywhere(lung):
    found = measured(lung)
    assert found.features.shape == (np.count_nonzero(found.inside), FEATURES)
    assert np.abs(np.median(found.features, axis=0)).max() < 0.3
    assert found.features.std(axis=0) == pytest.approx(np.ones(FEATURES), abs=0.35)


def test_dose_that_changes_with_the_slice_changes_no_texture(lung):
    dose = np.linspace(0.5, 2.0, len(lung.hu))[:, None, None]
    hu = np.round((lung.hu + 870.0) * dose - 870).astype(np.int16)
    assert np.abs(np.median(measured(replace(lung, hu=hu)).features, axis=0)).max() < 0.3


def test_smoothed_noise_is_far_from_the_usual_texture_where_it_is(lung):
    hu = lung.hu.copy()
    hu[BALL] = np.round(ndimage.gaussian_filter(hu.astype(float), 0.7))[BALL]
    found = measured(replace(lung, hu=hu))
    furthest = np.zeros(found.inside.shape)
    furthest[found.inside] = np.abs(found.features).max(axis=1)
    assert furthest[22, 15, 18] > 8
    assert np.median(furthest[22, :, :8]) < 4


def test_where_there_is_no_lung_nothing_is_measured(lung):
    hu = lung.hu.copy()
    hu[:, :, 60:] = -1024
    found = measured(replace(lung, hu=hu))
    assert not found.inside[:, :, 15:].any()
    assert found.inside[6:-6, 4:-4, 4:14].all()
