"""The same noise at two places gives a copy away, wherever it was taken from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_mits_gan.attack.copy_paste import CopyPaste
from napari_mits_gan.inspection.copied_noise import CopiedNoise
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from noisy_chest import make_lung_block, told_to_be_lung

SITE, SOURCE = (22, 66, 75), (14, 30, 30)


@pytest.fixture(scope="module")
def lung():
    return make_lung_block()


def traces(volume):
    return CopiedNoise().traces(ExaminedScan.of(told_to_be_lung(volume)))


def away_mm(volume, one, other):
    return float(np.linalg.norm((np.array(one) - other) * volume.spacing))


def test_copied_and_pasted_voxels_are_found_with_both_places(lung):
    first, *_ = traces(CopyPaste("remove", source=SOURCE).tamper(lung, SITE))
    assert first.kind == "copied voxels"
    ends = {first.at, first.source}
    assert min(away_mm(lung, end, SITE) for end in ends) < 3
    assert min(away_mm(lung, end, SOURCE) for end in ends) < 3


def test_noise_added_to_other_tissue_is_found_and_the_weaker_end_is_the_copy(lung):
    rng = np.random.default_rng(0)
    hu = lung.hu.copy()
    to, of = (slice(14, 30), slice(50, 80), slice(60, 90)), (slice(6, 22), slice(14, 44), slice(15, 45))
    noise = 0.8 * (lung.hu[of] - lung.hu[of].mean()) + rng.normal(0, 3, (16, 30, 30))
    hu[to] = np.round(-700 + noise)
    first, *_ = traces(replace(lung, hu=hu))
    assert first.kind == "copied noise"
    assert away_mm(lung, first.at, (22, 65, 75)) < 5
    assert away_mm(lung, first.source, (14, 29, 30)) < 5


def test_untouched_noise_has_no_copies(lung):
    assert traces(lung) == []


def test_what_runs_through_many_slices_is_no_copy(lung):
    hu = lung.hu.copy()
    hu[:, 40:44] = 100
    hu[:, :, 20:23] = -200
    assert traces(replace(lung, hu=hu)) == []


def test_lung_without_noise_has_no_copies(lung):
    hu = lung.hu.copy()
    hu[:, 20:60, 20:60] = -900
    assert traces(replace(lung, hu=hu)) == []
