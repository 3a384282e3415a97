"""Diagnostic value after changes whose effect is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.measures.diagnostic_value import (
    DIAMETER_LIMIT_MM,
    EMPHYSEMA_BELOW_HU,
    VOLUME_LIMIT,
    DiagnosticValue,
    Lungs,
    NoduleChange,
    diagnostic_value,
    dice,
    subsampled_lung_mask,
)
from napari_mits_gan.evaluation.measures.nodule import NoduleMeasure
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


def test_densitometry_by_hand(detector):
    # -1000 to -901 HU, each once, on a grid that is not made coarser; a constant shift of 30 HU.
    hu = np.arange(-1000, -900, dtype=np.int16).reshape(4, 5, 5)
    scan = CTVolume(hu, (2.0, 2.0, 2.0))
    found = diagnostic_value(
        scan, _changed(scan, hu + 30.0), nodules=[], detector=detector, lung=np.ones(hu.shape, dtype=bool)
    )
    (lungs,) = found.lungs_original
    assert lungs.laa_950 == 0.5
    assert lungs.perc15_hu == pytest.approx(-1000 + 0.15 * 99)


def test_regions_lie_in_the_lungs_and_in_what_is_solid_and_nowhere_else(detector):
    hu = np.full((4, 60, 90), -1000, dtype=np.int16)
    hu[:, :, :30], hu[:, :, 60:] = 40, -850
    lung = np.zeros(hu.shape, dtype=bool)
    lung[:, :, 60:] = True
    changed = hu.copy()
    changed[:, :, :30] += 3
    changed[:, :, 36:54] += 500  # air that no disc around solid tissue or lung reaches
    changed[:, :, 60:] += 7
    scan = CTVolume(hu, (2.0, 2.0, 2.0))
    found = diagnostic_value(scan, _changed(scan, changed), nodules=[], detector=detector, lung=lung)
    inside = [value for value in found.region_mean_change_hu if value in (3.0, 7.0)]
    assert len(found.region_mean_change_hu) == 400
    assert inside.count(3.0) > 130 < inside.count(7.0)
    assert all(0 < value <= 7 for value in found.region_mean_change_hu)


def test_figures_of_regions_and_nodules_by_hand():
    def measured(diameter_mm: float) -> NoduleMeasure:
        return NoduleMeasure(0.0, diameter_mm, 2.0)

    value = DiagnosticValue(
        region_mean_change_hu=tuple(float(v) for v in (*range(-10, 0), *range(0, 10), 30)),
        region_sd_hu=((10.0, 12.0), (20.0, 26.0), (40.0, 41.0)),
        lungs_original=(Lungs(0.1, -930.0),),
        lungs_protected=(Lungs(0.2, -940.0),),
        lung_dice=(0.99,),
        nodules=(
            NoduleChange(measured(10.0), measured(12.0), True, False),
            NoduleChange(measured(10.0), measured(8.0), True, True),
            NoduleChange(measured(10.0), None, False, False),
            NoduleChange(measured(10.0), measured(math.nan), True, True),
        ),
        false_original=(True, False, False, False),
        false_protected=(True, True, False, False),
    )
    # |−10| … |30| sorted: 0, 1, 1, … 10, 30; the 95th percentile of 21 values is the 20th, 10.
    assert value.region_mean_95_hu == 10.0
    assert value.region_sd_median_hu == (20.0, 26.0)
    assert value.volume_changes.tolist() == pytest.approx([1.2**3 - 1, 0.8**3 - 1])
    assert value.diameter_changes_mm.tolist() == pytest.approx([2.0, -2.0])
    rows = {row[0]: row[1] for row in diagnostic_table([("x", value)]).rows}
    assert rows == {
        "mean in 10 mm discs, 95 % change by at most, HU": "10.00",
        "standard deviation in them, median, HU": "20.0 → 26.0",
        "lung below -950 HU": "10.0 → 20.0 %",
        "15th percentile of the lung, HU": "-930.0 → -940.0",
        "Dice of the lung masks, least": "0.9900",
        "nodules with a size in both": "2 of 4",
        # 72.8 % and 27.1 %: median 49.95; the 95th percentile lies 95 % of the way between them, 70.5.
        "volume, median change": "60.8 % (95 %: 71.6)",
        "volume changed by over 25 %": "2 of 2, 100 % (34 – 100)",
        "diameter, median change": "2.00 mm (95 %: 2.00)",
        "diameter changed by over 2 mm": "0 of 2, 0 % (0 – 66)",
        "nodules found, original": "3 of 4, 75 % (30 – 95)",
        "nodules found, protected": "2 of 4, 50 % (15 – 85)",
        "false positives, original": "1 of 4, 25 % (5 – 70)",
        "false positives, protected": "2 of 4, 50 % (15 – 85)",
    }


def test_growth_is_more_than_the_limits_and_not_the_limits_themselves():
    def changed_by(mm: float) -> NoduleChange:
        return NoduleChange(NoduleMeasure(0.0, 100.0, 2.0), NoduleMeasure(0.0, 100.0 + mm, 2.0), True, True)

    changes = (changed_by(2.0), changed_by(-2.5), changed_by(9.0), changed_by(-2.0))
    rows = dict(diagnostic_table([("x", DiagnosticValue((), (), (), (), (1.0, 0.9), changes, (), ()))]).rows)
    assert rows["diameter changed by over 2 mm"].startswith("2 of 4")
    # Of 2, 2, 2.5 and 9 mm; the 95th percentile of four lies 85 % of the way from the third to the fourth, at 8.025.
    assert rows["diameter, median change"] == "2.25 mm (95 %: 8.02)"
    assert rows["Dice of the lung masks, least"] == "0.9000"
    one = diagnostic_table([("x", DiagnosticValue((), (), (), (), (1.0,), changes[2:3], (), ()))])
    assert dict(one.rows)["diameter, median change"] == "9.00 mm (95 %: 9.00)"
    assert (VOLUME_LIMIT, DIAMETER_LIMIT_MM, EMPHYSEMA_BELOW_HU) == (0.25, 2.0, -950)
