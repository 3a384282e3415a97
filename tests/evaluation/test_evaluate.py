import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError, Cancelled, ProtectionError
from napari_mits_gan.evaluation.disruption.controls import control
from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE
from napari_mits_gan.evaluation.evaluate import TABLES, evaluate, evaluate_protected
from napari_mits_gan.evaluation.measures.fidelity import compare
from napari_mits_gan.evaluation.result import pool
from napari_mits_gan.evaluation.robustness.purifiers import PURIFIERS
from napari_mits_gan.protection.protect import protect


@pytest.fixture(scope="module")
def evaluation(small_chest, attackers):
    return evaluate(small_chest, method="gaussian-noise", max_change_hu=30, clicks=5, seed=2, attackers=attackers)


def test_figures_of_the_change_are_those_of_the_volumes(small_chest, evaluation):
    protected = protect(small_chest, method="gaussian-noise", max_change_hu=30, seed=2)
    body = body_mask(small_chest)
    found = evaluation.changes["gaussian-noise"]
    assert found.fidelity == compare(small_chest.hu, protected.hu, mask=body)
    change = (protected.hu.astype(float) - small_chest.hu)[body]
    assert found.fidelity.rms_hu == pytest.approx(np.sqrt(np.mean(change**2)))
    assert found.fidelity.max_change_hu <= 30
    assert found.voxels == body.sum()


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_figures_of_the_disruption_are_those_of_tampered_volumes(small_chest, attackers, evaluation, action):
    protected = protect(small_chest, method="gaussian-noise", max_change_hu=30, seed=2)
    found = evaluation.disruptions[action]["gaussian-noise"]
    attacker = attackers[action]
    for i, site in enumerate(evaluation.sites):
        voxels = attacker.core(site, small_chest.spacing).inside(small_chest.shape).slices()
        pair = [attacker.tamper(volume, site).hu[voxels].astype(float) for volume in (protected, small_chest)]
        assert found.tampered_rms_hu[i] == pytest.approx(np.sqrt(np.mean((pair[0] - pair[1]) ** 2)), abs=0.1)
        assert found.original_core_mean_hu[i] == pytest.approx(pair[1].mean(), abs=0.1)
        change = protected.hu[voxels].astype(float) - small_chest.hu[voxels]
        assert found.change_rms_hu[i] == pytest.approx(np.sqrt(np.mean(change**2)))
    assert found.proportion_disrupted == np.mean([d > DISRUPTED_ABOVE for d in found.deviations])
    assert found.median == np.median(found.deviations) > 0


def test_control_has_the_rms_of_the_protection(evaluation):
    assert evaluation.controls == ("gaussian-noise of equal RMS",)
    own, other = (evaluation.changes[name].fidelity.rms_hu for name in evaluation.changes)
    assert other == pytest.approx(own, rel=0.01)


def test_noise_does_no_better_than_noise(evaluation):
    for action in ("inject", "remove"):
        assert 0.5 < evaluation.ratio(action, "gaussian-noise of equal RMS") < 2.0
        low, high = evaluation.ratio_interval(action, "gaussian-noise of equal RMS")
        assert low <= evaluation.ratio(action, "gaussian-noise of equal RMS") <= high


def test_same_seed_same_report(small_chest, attackers, evaluation):
    again = evaluate(small_chest, method="gaussian-noise", max_change_hu=30, clicks=5, seed=2, attackers=attackers)
    assert again.to_json() == evaluation.to_json()
    assert again.to_markdown() == evaluation.to_markdown()


def test_several_controls_stand_beside_a_protected_scan(small_chest, attackers):
    protected = control(small_chest, "slice-shift", 15.0)
    found = evaluate_protected(
        small_chest,
        protected,
        sites=[(20, 32, 19)],
        attackers={"mine": attackers["inject"]},
        controls=("gaussian-noise", "constant-shift"),
    )
    assert tuple(found.disruptions["mine"]) == ("slice-shift", "gaussian-noise", "constant-shift")
    assert found.changes["constant-shift"].local_mean_95_hu == pytest.approx(15.0, rel=0.02)
    assert found.attackers == {"mine": "random weights 0"}


def test_progress_rises_to_the_end_and_cancelling_stops(small_chest, attackers):
    told = []

    def listen(done: int, total: int, /) -> None:
        told.append(done / total)

    arguments = {"method": "gaussian-noise", "clicks": 2, "attackers": {"inject": attackers["inject"]}}
    evaluate(small_chest, progress=listen, **arguments)
    assert told == sorted(told)
    assert told[-1] == 1.0

    def stop(done: int, total: int, /) -> None:
        if done / total > 0.7:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        evaluate(small_chest, progress=stop, **arguments)


def test_what_cannot_be_evaluated_is_refused_in_a_sentence(small_chest, attackers):
    solid = CTVolume(np.full(small_chest.shape, 40, dtype=np.int16), small_chest.spacing)
    with pytest.raises(AttackError, match="no lung was found"):
        evaluate(solid, attackers=attackers)
    with pytest.raises(ProtectionError, match="there is no protection method"):
        evaluate(small_chest, method="nothing", attackers=attackers)
    with pytest.raises(ProtectionError, match="no control called 'white'"):
        evaluate(small_chest, method="gaussian-noise", controls=["white"], attackers=attackers)
    with pytest.raises(ProtectionError, match="protect it first"):
        evaluate_protected(small_chest, small_chest, sites=[(20, 32, 19)], attackers=attackers)
    other = control(CTVolume(small_chest.hu[1:], small_chest.spacing), "slice-shift", 5.0)
    with pytest.raises(ProtectionError, match="other voxel positions"):
        evaluate_protected(small_chest, other, sites=[(20, 32, 19)], attackers=attackers)


def test_the_detectors_word_stands_beside_the_figures(small_chest, attackers, detector):
    found = evaluate(
        small_chest, method="gaussian-noise", max_change_hu=30, clicks=6, attackers=attackers, detector=detector
    )
    assert found.detector == detector.name
    for action, versions in found.disruptions.items():
        whole = [attackers[action].tamper(small_chest, site) for site in found.sites]
        scores = [float(detector.scores(tampered, [at])[0]) for tampered, at in zip(whole, found.sites, strict=True)]
        for disruption in versions.values():
            np.testing.assert_allclose(disruption.original_scores, scores, atol=5e-3)
            assert len(disruption.scores) == 6
            assert disruption.seen == np.mean(np.array(disruption.scores) >= detector.threshold)
            assert disruption.seen_original == np.mean(np.array(disruption.original_scores) >= detector.threshold)
    row = next(line for line in found.to_markdown().splitlines() if line.startswith("| inject, gaussian-noise |"))
    first = found.disruptions["inject"]["gaussian-noise"]
    assert f"{100 * first.seen_original:.0f} % → {100 * first.seen:.0f} %" in row
    assert f"Detector: {detector.name}." in found.to_markdown()


def test_without_a_detector_nothing_is_said_of_nodules(evaluation):
    found = evaluation.disruptions["inject"]["gaussian-noise"]
    assert found.seen is None
    assert found.seen_original is None
    assert "Detector:" not in evaluation.to_markdown()


@pytest.fixture(scope="module")
def with_all_tables(small_chest, attackers, detector):
    return evaluate(
        small_chest,
        method="gaussian-noise",
        max_change_hu=30,
        clicks=3,
        attackers=attackers,
        controls=(),
        detector=detector,
        tables=TABLES,
        nodules=2,
    )


def test_purification_starts_from_the_disruption_that_was_measured(with_all_tables):
    for action, found in with_all_tables.robustness.items():
        expected = with_all_tables.disruptions[action]["gaussian-noise"].deviations
        assert found.unpurified == pytest.approx(expected, rel=1e-3)
        assert set(found.purified) == set(PURIFIERS)


def test_injections_are_classified_at_the_sites_and_removals_at_drawn_nodules(with_all_tables):
    assert {name: tuple(scans) for name, scans in with_all_tables.outcomes.items()} == {
        "inject": ("original scan", "gaussian-noise"),
        "remove": ("original scan", "gaussian-noise"),
    }
    injections, removals = (with_all_tables.outcomes[action] for action in ("inject", "remove"))
    disruption = with_all_tables.disruptions["inject"]["gaussian-noise"]
    assert [a.score for a in injections["gaussian-noise"].attacks] == pytest.approx(disruption.scores, abs=1e-6)
    assert [a.score for a in injections["original scan"].attacks] == pytest.approx(disruption.original_scores, abs=1e-6)
    assert len(removals["original scan"].attacks) == len(with_all_tables.diagnostic.nodules) == 2


def test_the_diagnostic_value_is_that_of_the_protection(with_all_tables):
    value = with_all_tables.diagnostic
    change = with_all_tables.changes["gaussian-noise"].fidelity.rms_hu
    before, after = value.region_sd_median_hu
    assert after == pytest.approx(np.hypot(before, change), rel=0.05)
    assert len(value.false_original) == 3


def test_the_report_has_a_table_for_each_measurement(with_all_tables, evaluation):
    text = with_all_tables.to_markdown()
    for words in ("| remove, jpeg2000-5 |", "| inject, original scan |", "| lung below -950 HU |", "*Worst case*"):
        assert words in text
        assert words not in evaluation.to_markdown()
    assert "inject, original scan" in with_all_tables.to_text()
    told = json.loads(with_all_tables.to_json())
    assert len(told["robustness"]["inject"]["purified"]["blur-1"]) == 3
    assert told["outcomes"]["inject"]["original scan"]["action"] == "inject"
    assert len(told["diagnostic"]["nodules"]) == 2


def test_evaluations_are_pooled_with_all_their_tables(with_all_tables, evaluation):
    pooled = pool([with_all_tables, with_all_tables])
    assert len(pooled.robustness["inject"].unpurified) == 6
    assert len(pooled.outcomes["remove"]["original scan"].attacks) == 4
    assert len(pooled.diagnostic.lung_dice) == 2
    with pytest.raises(ValueError, match="tables"):
        pool([with_all_tables, replace(with_all_tables, diagnostic=None)])


def test_an_evaluation_can_be_pickled(with_all_tables):
    again = pickle.loads(pickle.dumps(with_all_tables))  # noqa: S301
    assert again.to_json() == with_all_tables.to_json()
    assert again.to_markdown() == with_all_tables.to_markdown()


def test_a_table_that_does_not_exist_is_refused_before_the_work(small_chest, attackers):
    with pytest.raises(ProtectionError, match="no table called 'colour'; choose from robustness"):
        evaluate(small_chest, attackers=attackers, tables=["colour"])
