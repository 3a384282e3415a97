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
from napari_mits_gan.evaluation.attack_traits import (
    NODULE_TRAITS,
    REMOVAL_TRAITS,
    TRACE_TRAITS,
    injection_traits,
    removal_traits,
)
from napari_mits_gan.evaluation.clicks import random_lung_clicks
from napari_mits_gan.evaluation.outcome import (
    Judged,
    Outcome,
    Outcomes,
    attack_and_judge,
    judged,
    judged_injection,
    judged_removal,
    outcome_table,
)
from napari_mits_gan.evaluation.outcome_limits import (
    INJECTION_LIMITS,
    INJECTION_SIDES,
    REMOVAL_LIMITS,
    REMOVAL_SIDES,
    ReferenceTraits,
    calibrated,
    false_alarms,
    reference_traits,
)
from napari_mits_gan.evaluation.tampered_cores import TamperedPlace, tampered_cores

SPACING = (1.25, 0.8, 0.8)
SHAPE = (52, 80, 80)
AT = (26, 40, 40)
NODULE = NoduleShape(12.0, 30.0, math.nan, (1.0, 1.0, 1.0), 0.05, 0, 0.8, 5)


def _lung(noise_hu: float = 40) -> CTVolume:
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=SHAPE), 0.6)
    hu = -850 + noise_hu * noise / noise.std()
    hu[:, :6] = 40  # chest wall
    return CTVolume(np.rint(hu).astype(np.int16), SPACING)


def _place(before: CTVolume, after_hu: np.ndarray) -> TamperedPlace:
    """As if an attack had made `after_hu` of the scan."""

    def box(mm: float) -> Box:
        z, y, x = (round(mm / s) for s in SPACING)
        return Box.around(AT, (z, y, x))

    return TamperedPlace(
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
    found = judged(_place(lung, lung.hu), "inject", detector)
    assert found.outcome is Outcome.NULL
    assert found.score < detector.threshold
    assert math.isnan(found.traits["brightest_hu"])


def test_a_drawn_nodule_convinces(lung, with_nodule, detector):
    found = judged(_place(lung, with_nodule.hu), "inject", detector)
    assert found.outcome is Outcome.CONVINCING, found.glaring
    assert found.traits["diameter_mm"] == pytest.approx(12, abs=2)
    assert found.traits["core_hu"] == pytest.approx(30, abs=60)
    assert found.traits["stray_ml"] == 0


def test_a_drawn_nodule_convinces_in_a_noisier_scan(detector):
    # As after a protection: what was painted has the noise of its surroundings, which gives nothing away.
    lung = _lung(55)
    found = judged(_place(lung, implant_in_scan(lung, NODULE, AT).hu), "inject", detector)
    assert found.outcome is Outcome.CONVINCING, found.glaring


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
    place = _place(lung, _spoilt(with_nodule.hu, how))
    found = judged_injection(injection_traits(place), 1.0, 0.5)
    assert found.outcome is Outcome.CONSPICUOUS
    assert how in found.glaring


def test_an_injection_seen_by_nobody_counts_only_by_its_traces():
    usual = {t: (low if high == math.inf else high) for t, (low, high) in INJECTION_LIMITS.items()}
    for trait in (*TRACE_TRAITS, *NODULE_TRAITS):
        traits = {**usual, trait: INJECTION_LIMITS[trait][1] + 1}
        assert judged_injection(traits, 0.9, 0.5).outcome is Outcome.CONSPICUOUS
        unseen = judged_injection(traits, 0.1, 0.5).outcome
        assert unseen is (Outcome.CONSPICUOUS if trait in TRACE_TRAITS else Outcome.NULL)
    assert judged_injection(usual, 0.9, 0.5).outcome is Outcome.CONVINCING
    assert judged_injection(dict.fromkeys(usual, math.nan), 0.9, 0.5).outcome is Outcome.CONVINCING


def test_a_nodule_that_stays_is_a_failed_removal(lung, with_nodule, detector):
    found = judged(_place(with_nodule, with_nodule.hu), "remove", detector, healthy=lung)
    assert found.outcome is Outcome.FAILED


def test_a_perfect_removal_convinces(lung, with_nodule, detector):
    found = judged(_place(with_nodule, lung.hu), "remove", detector, healthy=lung)
    assert found.outcome is Outcome.CONVINCING, found.glaring
    assert found.traits["left_ml"] == 0
    assert found.traits["contrast_hu"] == pytest.approx(0, abs=30)


def test_a_hole_and_remains_give_a_removal_away(lung, with_nodule):
    z, y, x = AT
    hole = lung.hu.copy()
    hole[z - 4 : z + 5, y - 6 : y + 7, x - 6 : x + 7] = -1200
    found = judged_removal(removal_traits(_place(with_nodule, hole), lung), 0.0, 0.5)
    assert found.outcome is Outcome.CONSPICUOUS
    assert "hole_hu" in found.glaring
    remains = lung.hu.copy()
    remains[z - 6 : z + 7, y - 9 : y + 9, x - 9 : x - 1] = 30
    found = judged_removal(removal_traits(_place(with_nodule, remains), lung), 0.0, 0.5)
    assert "left_ml" in found.glaring
    assert judged_removal(removal_traits(_place(with_nodule, remains)), 0.0, 0.5).traits["left_ml"] != 0


def test_remains_are_not_what_was_there_in_health(lung, detector):
    hu = lung.hu.copy()
    hu[:, AT[1] + 5 : AT[1] + 8, :] = 40  # a fissure full of fluid, a few mm away
    healthy = CTVolume(hu, SPACING)
    nodule = implant_in_scan(healthy, NODULE, AT)
    assert removal_traits(_place(nodule, hu), healthy)["left_ml"] == 0


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_cores_and_scores_are_those_of_the_attacks(small_chest, attackers, detector, action):
    places = random_lung_clicks(small_chest, 3, seed=2)
    cores, outcomes = attack_and_judge(attackers[action], small_chest, places, detector, healthy=small_chest)
    alone = tampered_cores(attackers[action], small_chest, places, detector=detector)
    np.testing.assert_array_equal(cores.normalised, alone.normalised)
    assert cores.scores == alone.scores == tuple(attack.score for attack in outcomes.attacks)
    assert outcomes.action == action
    assert set(outcomes.attacks[0].traits) == set(INJECTION_SIDES if action == "inject" else REMOVAL_SIDES)


def _ended(*outcomes: Outcome) -> Outcomes:
    glaring = {Outcome.CONSPICUOUS: ("texture",)}
    return Outcomes("inject", tuple(Judged(o, 0.5, {}, glaring.get(o, ())) for o in outcomes))


def test_shares_and_intervals_of_many():
    null, glaring, convincing = Outcome.NULL, Outcome.CONSPICUOUS, Outcome.CONVINCING
    some, others = _ended(*5 * [null], *3 * [glaring]), _ended(*4 * [convincing])
    both = Outcomes.pooled([some, others])
    assert both.share(null).found == 5
    assert both.share(null).of == 12
    assert both.thwarted.value == pytest.approx(8 / 12)
    low, high = both.thwarted_interval
    assert 0.3 < low < 8 / 12 < high < 0.95
    assert some.thwarted_interval == (1.0, 1.0)
    assert both.glaring() == {"texture": 3}
    assert "67 % (" in outcome_table([("all", both)]).markdown()


def test_what_did_not_convince_before_is_not_owed_to_the_protection():
    original = _ended(Outcome.CONVINCING, Outcome.CONVINCING, Outcome.NULL)
    protected = _ended(Outcome.NULL, Outcome.CONVINCING, Outcome.NULL)
    found = protected.thwarted_where_convincing(original)
    assert (found.found, found.of) == (1, 2)


def test_limits_keep_99_percent_and_alarm_rarely():
    rng = np.random.default_rng(0)

    def some(names: tuple[str, ...], n: int) -> tuple[dict[str, float], ...]:
        return tuple({t: 1000 * float(rng.normal()) for t in names} for _ in range(n))

    names = (*TRACE_TRAITS, *NODULE_TRAITS)
    made, removed = some(names, 400), some(REMOVAL_TRAITS, 400)
    drawn = tuple(dict.fromkeys(names, 5000.0) for _ in range(3))
    injection, removal = calibrated([ReferenceTraits(made, removed, drawn)])
    assert false_alarms(made, injection) <= 0.05
    assert false_alarms(removed, removal) <= 0.05
    assert 1900 < removal["texture"][1] < 4000
    assert removal["texture"][0] == -math.inf
    assert removal["hole_hu"][1] == math.inf
    assert injection["core_hu"][1] == 5000
    assert injection["touched_step"][1] < 4000
    assert false_alarms([{**made[0], "touched_step": 9000.0}], injection) == 1


def test_attacks_that_all_look_alike_do_not_make_a_trifle_glaring():
    alike = {**dict.fromkeys((*TRACE_TRAITS, *REMOVAL_TRAITS), 1.0), **dict.fromkeys(NODULE_TRAITS, 10.0)}
    injection, removal = calibrated([ReferenceTraits((alike,) * 9, (alike,) * 9, (alike,) * 9)])
    assert false_alarms([{**alike, "cuboid_step": 1.05, "brightest_hu": 350.0, "core_hu": 80.0}], injection) == 0
    assert false_alarms([{**alike, "cuboid_step": 1.2}], injection) == 1
    assert false_alarms([{**alike, "left_ml": 1.5}], removal) == 1


def test_stored_limits_are_of_all_traits_and_on_the_right_side():
    for limits, sides in ((INJECTION_LIMITS, INJECTION_SIDES), (REMOVAL_LIMITS, REMOVAL_SIDES)):
        assert set(limits) == set(sides)
        for trait, (low, high) in limits.items():
            assert (low == -math.inf) == (sides[trait] == "above")
            assert (high == math.inf) == (sides[trait] == "below")
            assert low < high
    assert INJECTION_LIMITS["core_hu"][0] < 0 < INJECTION_LIMITS["core_hu"][1]


def test_reference_traits_are_of_attacks_that_take_the_judge_in(small_chest, attackers, detector):
    found = reference_traits(small_chest, attackers["inject"], attackers["remove"], detector, n=3)
    assert len(found.drawn) == 3
    assert len(found.injected) <= 3
    sizes = [traits["diameter_mm"] for traits in found.drawn]
    assert np.isfinite(sizes).any()
    assert np.nanmax(sizes) < 25
