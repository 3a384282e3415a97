"""Outcomes of attacks whose result is known because it was made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from napari_mits_gan.attack.nodules.in_scan import implant_in_scan
from napari_mits_gan.attack.nodules.rules import NoduleShape
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.disruption.attacked_sites import AttackedSite, inpainted_cores
from napari_mits_gan.evaluation.outcomes.features import (
    ARTEFACT_FEATURES,
    NODULE_FEATURES,
    REMOVAL_FEATURES,
    injection_features,
    removal_features,
)
from napari_mits_gan.evaluation.outcomes.limits import INJECTION_LIMITS, REMOVAL_LIMITS
from napari_mits_gan.evaluation.outcomes.outcome import (
    ClassifiedAttack,
    Outcome,
    Outcomes,
    attack_and_classify,
    classify,
    classify_injection,
    classify_removal,
    outside,
)
from napari_mits_gan.evaluation.reports.outcomes import outcome_table
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks

SPACING = (1.25, 0.8, 0.8)
SHAPE = (52, 80, 80)
AT = (26, 40, 40)
NODULE = NoduleShape(12.0, 30.0, math.nan, (1.0, 1.0, 1.0), 0.05, 0, 0.8, 5)


def _lung(noise_hu: float = 40) -> CTVolume:
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=SHAPE), 0.6)
    hu = -850 + noise_hu * noise / noise.std()
    hu[:, :6] = 40  # chest wall
    return CTVolume(np.rint(hu).astype(np.int16), SPACING)


def _place(before: CTVolume, after_hu: np.ndarray) -> AttackedSite:
    """As if an attack had made `after_hu` of the scan."""

    def box(mm: float) -> Box:
        z, y, x = (round(mm / s) for s in SPACING)
        return Box.around(AT, (z, y, x))

    return AttackedSite(
        seen=Box((0, 0, 0), SHAPE),
        at=AT,
        before=before,
        after=CTVolume(after_hu.astype(np.int16), SPACING),
        touched=box(41.6),
        cuboid=box(32),
        core=box(20),
        normalised=np.zeros((20, 20, 20), np.float32),
    )


@pytest.fixture(scope="module")
def lung() -> CTVolume:
    return _lung()


@pytest.fixture(scope="module")
def with_nodule(lung) -> CTVolume:
    return implant_in_scan(lung, NODULE, AT)


def test_an_injection_that_changes_nothing_is_null(lung, detector):
    found = classify(_place(lung, lung.hu), "inject", detector)
    assert found.outcome is Outcome.NULL
    assert found.score < detector.threshold
    assert math.isnan(found.features["brightest_hu"])


def test_a_drawn_nodule_convinces(lung, with_nodule, detector):
    found = classify(_place(lung, with_nodule.hu), "inject", detector)
    assert found.outcome is Outcome.CONVINCING, found.conspicuous
    assert found.features["diameter_mm"] == pytest.approx(12, abs=2)
    assert found.features["core_hu"] == pytest.approx(30, abs=60)
    assert found.features["stray_ml"] == 0


def test_a_drawn_nodule_convinces_in_a_noisier_scan(detector):
    # As after a protection: what was painted has the noise of its surroundings, which gives nothing away.
    lung = _lung(55)
    found = classify(_place(lung, implant_in_scan(lung, NODULE, AT).hu), "inject", detector)
    assert found.outcome is Outcome.CONVINCING, found.conspicuous


def _spoilt(hu: np.ndarray, how: str) -> np.ndarray:
    hu = hu.astype(np.int32)
    z, y, x = AT
    core = (slice(z - 4, z + 5), slice(y - 6, y + 7), slice(x - 6, x + 7))
    if how == "brightest_hu":
        hu[z, y + 2, x] = 1500
    elif how == "mottle_hu":
        hu[core] += np.where(np.indices(hu[core].shape).sum(axis=0) % 2, 250, -250)
    elif how == "core_hu":
        hu[core] = np.where(hu[core] > -400, hu[core] + 400, hu[core])
    elif how == "touched_step":
        hu[z - 17 : z + 16, y - 26 : y + 26, x - 26 : x + 26] += 250
    elif how == "stray_ml":
        hu[z - 7 : z + 8 : 4, y - 12 : y + 12 : 5, x - 12 : x + 12 : 2] = 20
        hu[z - 6 : z + 7 : 4, y - 12 : y + 12 : 5, x - 12 : x + 12 : 2] = 20
    return hu.clip(-1024, 3000)


@pytest.mark.parametrize("how", ["brightest_hu", "mottle_hu", "core_hu", "touched_step", "stray_ml"])
def test_what_is_wrong_with_a_nodule_gives_it_away(lung, with_nodule, how):
    site = _place(lung, _spoilt(with_nodule.hu, how))
    found = classify_injection(injection_features(site), 1.0, 0.5)
    assert found.outcome is Outcome.CONSPICUOUS
    assert how in found.conspicuous


def test_an_injection_seen_by_nobody_counts_only_by_its_traces():
    usual = {t: (low if high == math.inf else high) for t, (low, high) in INJECTION_LIMITS.items()}
    for feature in (*ARTEFACT_FEATURES, *NODULE_FEATURES):
        features = {**usual, feature: INJECTION_LIMITS[feature][1] + 1}
        assert classify_injection(features, 0.9, 0.5).outcome is Outcome.CONSPICUOUS
        unseen = classify_injection(features, 0.1, 0.5).outcome
        assert unseen is (Outcome.CONSPICUOUS if feature in ARTEFACT_FEATURES else Outcome.NULL)
    assert classify_injection(usual, 0.9, 0.5).outcome is Outcome.CONVINCING
    assert classify_injection(dict.fromkeys(usual, math.nan), 0.9, 0.5).outcome is Outcome.CONVINCING


def test_a_nodule_that_stays_is_a_failed_removal(lung, with_nodule, detector):
    found = classify(_place(with_nodule, with_nodule.hu), "remove", detector, healthy=lung)
    assert found.outcome is Outcome.FAILED


def test_a_perfect_removal_convinces(lung, with_nodule, detector):
    found = classify(_place(with_nodule, lung.hu), "remove", detector, healthy=lung)
    assert found.outcome is Outcome.CONVINCING, found.conspicuous
    assert found.features["left_ml"] == 0
    assert found.features["contrast_hu"] == pytest.approx(0, abs=30)


def test_a_hole_and_remains_give_a_removal_away(lung, with_nodule):
    z, y, x = AT
    hole = lung.hu.copy()
    hole[z - 4 : z + 5, y - 6 : y + 7, x - 6 : x + 7] = -1200
    found = classify_removal(removal_features(_place(with_nodule, hole), lung), 0.0, 0.5)
    assert found.outcome is Outcome.CONSPICUOUS
    assert "hole_hu" in found.conspicuous
    remains = lung.hu.copy()
    remains[z - 6 : z + 7, y - 9 : y + 9, x - 9 : x - 1] = 30
    found = classify_removal(removal_features(_place(with_nodule, remains), lung), 0.0, 0.5)
    assert "left_ml" in found.conspicuous
    assert classify_removal(removal_features(_place(with_nodule, remains)), 0.0, 0.5).features["left_ml"] != 0


def test_remains_are_not_what_was_there_in_health(lung, detector):
    hu = lung.hu.copy()
    hu[:, AT[1] + 5 : AT[1] + 8, :] = 40  # a fissure full of fluid, a few mm away
    healthy = CTVolume(hu, SPACING)
    nodule = implant_in_scan(healthy, NODULE, AT)
    assert removal_features(_place(nodule, hu), healthy)["left_ml"] == 0


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_cores_and_scores_are_those_of_the_attacks(small_chest, attackers, detector, action):
    sites = random_lung_clicks(small_chest, 3, seed=2)
    cores, outcomes = attack_and_classify(attackers[action], small_chest, sites, detector, healthy=small_chest)
    alone = inpainted_cores(attackers[action], small_chest, sites, detector=detector)
    np.testing.assert_array_equal(cores.normalised, alone.normalised)
    assert cores.scores == alone.scores == tuple(attack.score for attack in outcomes.attacks)
    assert outcomes.action == action
    assert set(outcomes.attacks[0].features) == set(INJECTION_LIMITS if action == "inject" else REMOVAL_LIMITS)


def _ended(*outcomes: Outcome) -> Outcomes:
    glaring = {Outcome.CONSPICUOUS: ("texture",)}
    return Outcomes("inject", tuple(ClassifiedAttack(o, 0.5, {}, glaring.get(o, ())) for o in outcomes))


def test_shares_and_intervals_of_many():
    null, glaring, convincing = Outcome.NULL, Outcome.CONSPICUOUS, Outcome.CONVINCING
    some, others = _ended(*5 * [null], *3 * [glaring]), _ended(*4 * [convincing])
    both = Outcomes.pooled([some, others])
    assert both.proportion(null).count == 5
    assert both.proportion(null).total == 12
    assert both.thwarted.value == pytest.approx(8 / 12)
    low, high = both.thwarted_interval
    assert 0.3 < low < 8 / 12 < high < 0.95
    assert some.thwarted_interval == (1.0, 1.0)
    assert both.conspicuous_features() == {"texture": 3}
    assert "67 % (" in outcome_table([("all", both)]).markdown()


def test_what_did_not_convince_before_is_not_owed_to_the_protection():
    original = _ended(*3 * [Outcome.CONVINCING], Outcome.NULL)
    protected = _ended(Outcome.NULL, Outcome.CONVINCING, Outcome.CONSPICUOUS, Outcome.NULL)
    found = protected.thwarted_where_convincing(original)
    assert (found.count, found.total) == (2, 3)


def test_the_score_of_the_threshold_counts_as_seen():
    usual = dict.fromkeys((*ARTEFACT_FEATURES, *NODULE_FEATURES, *REMOVAL_FEATURES), math.nan)
    assert classify_injection(usual, 0.5, 0.5).outcome is Outcome.CONVINCING
    assert classify_injection(usual, 0.49, 0.5).outcome is Outcome.NULL
    assert classify_removal(usual, 0.5, 0.5).outcome is Outcome.FAILED
    assert classify_removal(usual, 0.49, 0.5).outcome is Outcome.CONVINCING


def test_a_feature_on_its_limit_lies_inside():
    limits = {"texture": (0.5, 1.5)}
    for value, found in ((0.49, ("texture",)), (0.5, ()), (1.5, ()), (1.51, ("texture",)), (math.nan, ())):
        assert outside({"texture": value}, limits, ["texture", "edge_mm"]) == found


def test_one_scan_pooled_is_that_scan():
    assert Outcomes.pooled([_ended(Outcome.NULL)]) == _ended(Outcome.NULL)


def test_features_that_gave_attacks_away_come_with_the_most_frequent_first():
    def attack(outcome: Outcome, *conspicuous: str) -> ClassifiedAttack:
        return ClassifiedAttack(outcome, 0.5, {}, conspicuous)

    conspicuous = Outcome.CONSPICUOUS
    attacks = (
        attack(conspicuous, "edge_mm", "core_hu"),
        attack(conspicuous, "edge_mm", "texture"),
        attack(Outcome.FAILED, "texture", "texture"),  # not what became of it
        attack(conspicuous, "stray_ml", "edge_mm", "texture"),
    )
    found = Outcomes("inject", attacks).conspicuous_features()
    assert list(found.items()) == [("edge_mm", 3), ("texture", 2), ("core_hu", 1), ("stray_ml", 1)]
