"""Ranges of features from attacks whose features are known."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.measures.outcome_calibration import (
    INJECTION_SIDES,
    REMOVAL_SIDES,
    ReferenceFeatures,
    calibrated,
    false_alarms,
    reference_features,
)
from napari_mits_gan.evaluation.outcomes.features import ARTEFACT_FEATURES, NODULE_FEATURES, REMOVAL_FEATURES
from napari_mits_gan.evaluation.outcomes.limits import INJECTION_LIMITS, REMOVAL_LIMITS


def test_limits_keep_99_percent_and_alarm_rarely():
    rng = np.random.default_rng(0)

    def some(names: tuple[str, ...], n: int) -> tuple[dict[str, float], ...]:
        return tuple({t: 1000 * float(rng.normal()) for t in names} for _ in range(n))

    names = (*ARTEFACT_FEATURES, *NODULE_FEATURES)
    made, removed = some(names, 400), some(REMOVAL_FEATURES, 400)
    drawn = tuple(dict.fromkeys(names, 5000.0) for _ in range(3))
    injection, removal = calibrated([ReferenceFeatures(made, removed, drawn)])
    assert false_alarms(made, injection) <= 0.05
    assert false_alarms(removed, removal) <= 0.05
    assert 1900 < removal["texture"][1] < 4000
    assert removal["texture"][0] == -math.inf
    assert removal["hole_hu"][1] == math.inf
    assert injection["core_hu"][1] == 5000
    assert injection["touched_step"][1] < 4000
    assert false_alarms([{**made[0], "touched_step": 9000.0}], injection) == 1


def test_attacks_that_all_look_alike_do_not_make_a_trifle_glaring():
    alike = {**dict.fromkeys((*ARTEFACT_FEATURES, *REMOVAL_FEATURES), 1.0), **dict.fromkeys(NODULE_FEATURES, 10.0)}
    injection, removal = calibrated([ReferenceFeatures((alike,) * 9, (alike,) * 9, (alike,) * 9)])
    assert false_alarms([{**alike, "cuboid_step": 1.05, "brightest_hu": 350.0, "core_hu": 80.0}], injection) == 0
    assert false_alarms([{**alike, "cuboid_step": 1.2}], injection) == 1
    assert false_alarms([{**alike, "left_ml": 1.5}], removal) == 1


def test_stored_limits_are_of_all_traits_and_on_the_right_side():
    for limits, sides in ((INJECTION_LIMITS, INJECTION_SIDES), (REMOVAL_LIMITS, REMOVAL_SIDES)):
        assert set(limits) == set(sides)
        for feature, (low, high) in limits.items():
            assert (low == -math.inf) == (sides[feature] == "above")
            assert (high == math.inf) == (sides[feature] == "below")
            assert low < high
    assert INJECTION_LIMITS["core_hu"][0] < 0 < INJECTION_LIMITS["core_hu"][1]


def test_reference_traits_are_of_attacks_that_take_the_judge_in(small_chest, attackers, detector):
    found = reference_features(small_chest, attackers["inject"], attackers["remove"], detector, n=3)
    assert len(found.drawn) == 3
    assert len(found.injected) <= 3
    sizes = [features["diameter_mm"] for features in found.drawn]
    assert np.isfinite(sizes).any()
    assert np.nanmax(sizes) < 25
