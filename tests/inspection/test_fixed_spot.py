"""CT-GAN's own noise gives its attacks away, at the voxel that was clicked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.ctgan.pipeline import MENDED, REFERENCE
from napari_mits_gan.attack.ctgan.touch_up import noise_spot
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.fixed_spot import FixedSpot, _highest_by_chance
from napari_mits_gan.inspection.inspect import FALSE_ALARMS_PER_SCAN, inspect
from noisy_chest import make_lung_block, told_to_be_lung

SITE = (22, 60, 75)
USUAL_RATE = FALSE_ALARMS_PER_SCAN * FixedSpot.share


@pytest.fixture(scope="module")
def lung():
    return make_lung_block()


def traces(volume, method=None):
    return (method or FixedSpot()).traces(ExaminedScan.of(volume))


def best(volume, method=None):
    score = (method or FixedSpot()).evidence(ExaminedScan.of(volume))
    return 0.0 if score is None else float(score.max())


@pytest.mark.parametrize("mode", [MENDED, REFERENCE], ids=["mended", "published"])
@pytest.mark.parametrize("action", ["inject", "remove"])
def test_an_attack_is_found_at_the_voxel_that_was_clicked(lung, action, mode):
    tampered = CTGAN.load(action, "cpu", mode=mode).tamper(lung, SITE)
    first, *others = traces(told_to_be_lung(tampered))
    assert first.at == SITE
    assert first.source == noise_spot(lung.shape)
    assert ("nodule" in first.sentence) == (action == "inject")
    assert all(other.score < first.score / 2 for other in others)


@pytest.mark.parametrize("seed", [1, 2])
def test_untouched_noise_shows_nothing(seed):
    assert traces(make_lung_block(seed)) == []


@pytest.mark.parametrize("places", [100, 10_000])
def test_what_chance_adds_in_a_larger_scan_is_that_of_normal_variables(places):
    highest = np.random.default_rng(0).normal(size=(300, places)).max(axis=1)
    assert _highest_by_chance(places) == pytest.approx(np.median(highest), abs=0.2)


def test_noise_of_another_spot_is_not_found_at_the_fixed_one_but_there(lung):
    hu = lung.hu.copy()
    hu[24:40, 60:95, 65:100] = hu[2:18, 3:38, 70:105]
    copied = told_to_be_lung(replace(lung, hu=hu))
    assert best(copied) < FixedSpot.tail.score
    (first, *_) = traces(copied, FixedSpot((10, 20, 87)))
    assert first.at == (32, 77, 82)


def test_a_few_bright_voxels_that_happen_to_agree_are_no_copy(lung):
    method = FixedSpot()
    noise, box = method._copied(ExaminedScan.of(lung))
    away = np.argwhere(noise > 2) + box.low - method.source(ExaminedScan.of(lung))
    near = away[np.linalg.norm(away * lung.spacing, axis=1) < 6]
    hu = lung.hu.copy()
    hu[tuple((np.array((24, 70, 80)) + np.random.default_rng(0).permutation(near)[:7]).T)] += 300
    assert best(told_to_be_lung(replace(lung, hu=hu))) < FixedSpot.tail.score_at(USUAL_RATE)


def test_a_spot_without_lung_gives_no_noise_to_look_for(lung):
    hu = lung.hu.copy()
    hu[:, :75, :60] = 40
    without = told_to_be_lung(replace(lung, hu=hu))
    assert best(without) == 0.0
    assert any("which is no lung" in said for said in inspect(without).not_seen)
    assert not any("which is no lung" in said for said in inspect(lung).not_seen)


def test_a_trace_under_padding_is_not_looked_at(lung):
    tampered = CTGAN.load("remove", "cpu").tamper(lung, SITE)
    padding = np.zeros(lung.shape, dtype=bool)
    padding[:, 30:, 45:] = True
    scan = ExaminedScan.of(told_to_be_lung(replace(tampered, padding=padding)))
    score = FixedSpot().evidence(scan)
    assert score.max() < FixedSpot.tail.score_at(USUAL_RATE)
    reach = (slice(18, 27), slice(54, 67), slice(69, 82))  # 5 mm around the voxel that was clicked
    assert score[reach].max() < 2
