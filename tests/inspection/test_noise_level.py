"""Lung without the scanner's noise was painted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.noise_level import NoiseLevel
from noisy_chest import make_lung_block, told_to_be_lung

SITE = (22, 60, 75)
BALL = (slice(14, 31), slice(44, 77), slice(59, 92))


@pytest.fixture(scope="module")
def lung():
    return make_lung_block()


def traces(volume):
    return NoiseLevel().traces(ExaminedScan.of(told_to_be_lung(volume)))


def test_a_smooth_in_painting_is_found_where_it_is(lung):
    hu = lung.hu.copy()
    hu[BALL] = np.round(ndimage.gaussian_filter(hu.astype(float), 6))[BALL]
    (first, *_) = traces(replace(lung, hu=hu))
    assert first.kind == "noise too low"
    assert np.linalg.norm((np.array(first.at) - SITE) * lung.spacing) < 8


def test_untouched_lung_is_not_too_quiet(lung):
    assert traces(lung) == []


def test_noise_that_changes_slowly_with_the_slice_is_no_trace(lung):
    dose = np.linspace(0.5, 2.0, len(lung.hu))[:, None, None]
    hu = np.round((lung.hu + 870.0) * dose - 870).astype(np.int16)
    assert traces(replace(lung, hu=hu)) == []


def test_air_that_was_cut_off_is_no_trace(lung):
    hu = lung.hu.copy()
    hu[BALL] = -1024
    assert traces(replace(lung, hu=hu)) == []
