"""Diagnostic value after changes whose effect is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.measures.diagnostic_value import (
    DiagnosticValue,
    diagnostic_value,
    dice,
    subsampled_lung_mask,
)
from napari_mits_gan.evaluation.reports.diagnostic_value import diagnostic_table
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
from napari_mits_gan.evaluation.sites.synthetic_nodules import SyntheticNodules, synthetic_nodules


@pytest.fixture(scope="module")
def drawn(small_chest) -> SyntheticNodules:
    found = synthetic_nodules(small_chest, 3, seed=5, diameters_mm=(11.0, 18.0))
    assert len(found.sites) >= 2
    return found


def _changed(volume: CTVolume, hu: np.ndarray) -> CTVolume:
    return replace(volume, hu=np.rint(hu).astype(np.int16))


def _value(drawn: SyntheticNodules, protected: CTVolume, small_chest: CTVolume, detector) -> DiagnosticValue:
    clear = [
        at
        for at in random_lung_clicks(small_chest, 12, seed=6)
        if all(np.abs((np.array(at) - other) * small_chest.spacing).max() > 20 for other in drawn.sites)
    ]
    return diagnostic_value(
        drawn.volume, protected, nodules=drawn.sites, detector=detector, healthy_sites=clear[:3], healthy=small_chest
    )


@pytest.fixture(scope="module")
def unchanged(drawn, small_chest, detector) -> DiagnosticValue:
    return _value(drawn, drawn.volume, small_chest, detector)


def test_an_unchanged_scan_keeps_everything(unchanged):
    assert unchanged.region_mean_95_hu == 0
    assert len(unchanged.region_mean_change_hu) == 400
    assert unchanged.region_sd_median_hu[0] == unchanged.region_sd_median_hu[1] > 5
    assert unchanged.lung_dice == (1.0,)
    assert unchanged.lungs_original == unchanged.lungs_protected
    assert unchanged.volume_changes.size >= 2
    assert not unchanged.volume_changes.any()
    assert not unchanged.diameter_changes_mm.any()
    assert any(nodule.found_original for nodule in unchanged.nodules)
    assert unchanged.false_original == unchanged.false_protected


def test_a_constant_shift_is_seen_in_means_and_densitometry(drawn, small_chest, detector, unchanged):
    found = _value(drawn, _changed(drawn.volume, drawn.volume.hu - 20.0), small_chest, detector)
    assert found.region_mean_95_hu == pytest.approx(20)
    assert found.region_sd_median_hu[0] == pytest.approx(found.region_sd_median_hu[1])
    assert found.lungs_protected[0].perc15_hu == found.lungs_original[0].perc15_hu - 20
    assert found.lung_dice[0] > 0.95
    assert np.abs(found.volume_changes).max() < 0.05
    both = DiagnosticValue.pooled([unchanged, found])
    assert both.lung_dice == (1.0, *found.lung_dice)
    assert len(both.nodules) == 2 * len(found.nodules)
    assert "; " in diagnostic_table([("both", both)]).plain_text()


def test_noise_is_seen_in_deviation_and_emphysema(drawn, detector):
    noise = np.random.default_rng(1).normal(0, 60, drawn.volume.shape)
    noisy = _changed(drawn.volume, drawn.volume.hu + noise)
    found = diagnostic_value(drawn.volume, noisy, nodules=[], detector=detector)
    assert found.region_sd_median_hu[1] == pytest.approx(np.hypot(found.region_sd_median_hu[0], 60), rel=0.15)
    assert found.lungs_original[0].laa_950 < 0.001
    # 100 HU below the mean of the lung, 62 HU standard deviation altogether.
    assert found.lungs_protected[0].laa_950 == pytest.approx(0.053, abs=0.02)


def test_grown_nodules_exceed_the_limits(drawn, small_chest, detector):
    grown = drawn.volume.hu.copy()
    for at in drawn.sites:
        z, y, x = (slice(max(0, c - 7), c + 8) for c in at)
        grown[z, y, x] = ndimage.grey_dilation(grown[z, y, x], footprint=ndimage.generate_binary_structure(3, 1))
    found = _value(drawn, _changed(drawn.volume, grown), small_chest, detector)
    assert np.median(found.volume_changes) > 0.25
    assert np.median(found.diameter_changes_mm) > 2
    text = diagnostic_table([("grown", found)]).markdown()
    assert f"| volume changed by over 25 % | {found.volume_changes.size} of {found.volume_changes.size}, 100 %" in text


def test_a_filled_lung_loses_overlap_and_nodules(drawn, small_chest, detector):
    filled = drawn.volume.hu.copy()
    side = slice(0, 32) if drawn.sites[0][2] < 32 else slice(32, 64)
    filled[:, :, side] = 40
    found = _value(drawn, _changed(drawn.volume, filled), small_chest, detector)
    assert found.lung_dice[0] < 0.75
    assert found.nodules[0].original is not None
    assert found.nodules[0].protected is None
    assert np.isnan(found.nodules[0].volume_change)


def test_known_lungs_spare_finding_them(drawn, detector):
    known = diagnostic_value(
        drawn.volume, drawn.volume, nodules=[], detector=detector, lung=subsampled_lung_mask(drawn.volume), seed=3
    )
    found = diagnostic_value(drawn.volume, drawn.volume, nodules=[], detector=detector, seed=3)
    assert known == found
    assert "–" in diagnostic_table([("none", found)]).markdown()


def test_dice():
    a, b = np.array([True, True, False, False]), np.array([False, True, True, True])
    assert dice(a, b) == pytest.approx(2 / 5)
    assert dice(a, a) == 1
    assert dice(~a & a, ~a & a) == 1
