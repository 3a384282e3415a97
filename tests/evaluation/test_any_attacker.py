"""The evaluation asks nothing of an attacker but the contract."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.attack.attackers import ATTACKERS
from napari_mits_gan.attack.copy_paste import CopyPaste
from napari_mits_gan.errors import AttackError
from napari_mits_gan.evaluation.evaluate import evaluate, load_attackers
from napari_mits_gan.evaluation.outcomes.outcome import attack_and_classify
from napari_mits_gan.evaluation.robustness.robustness import purify_at, robustness
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
from napari_mits_gan.evaluation.vulnerability import vulnerability
from napari_mits_gan.protection.protect import protect
from soft_tissue_ball import ENTRY, SoftTissueBall


@pytest.fixture(scope="module")
def protected(small_chest):
    return protect(small_chest, method="constant-shift", max_change_hu=14)


def test_evaluate_takes_an_attacker_by_its_name(small_chest, detector, monkeypatch):
    monkeypatch.setitem(ATTACKERS, "soft-tissue", ENTRY)
    found = evaluate(
        small_chest,
        method="gaussian-noise",
        clicks=3,
        attackers=load_attackers(["soft-tissue"]),
        controls=[],
        detector=detector,
    )
    assert dict(found.attackers) == {"soft-tissue": "soft tissue, 6 mm"}
    disruption = found.disruptions["soft-tissue"]["gaussian-noise"]
    assert len(disruption.deviations) == 3
    assert 0 < disruption.median < 0.0125
    assert "soft-tissue" in found.to_text()


def test_the_map_and_the_outcomes_do_as_well(small_chest, protected, detector):
    sites = random_lung_clicks(small_chest, 2, seed=1)
    found = vulnerability(small_chest, protected, SoftTissueBall(), sites=sites, detector=detector)
    assert found.attacker == "soft tissue, 6 mm"
    after = [float(detector.scores(SoftTissueBall().tamper(small_chest, at), [at])[0]) for at in sites]
    np.testing.assert_allclose(found.scores_original, after, atol=5e-3)
    outcomes = attack_and_classify(SoftTissueBall(), small_chest, sites, detector)[1]
    assert len(outcomes.attacks) == 2


def test_a_deviation_without_normalised_units_is_in_units_of_the_window(small_chest, protected):
    # The whole core is copied from the scan itself, which is shifted by 14 of 1400 HU: (14 / 1400)^2 where it is.
    site = random_lung_clicks(small_chest, 1, seed=1)
    attacker = CopyPaste("inject", source=(20, 32, 45))
    deviation = vulnerability(small_chest, protected, attacker, sites=site).deviations[0]
    assert deviation == pytest.approx(1e-4, rel=0.05)


def test_robustness_attacks_what_was_purified(small_chest, protected):
    sites = random_lung_clicks(small_chest, 2, seed=1)
    found = robustness(SoftTissueBall(), purify_at(small_chest, protected, sites, purifiers=["blur-1"]))
    assert len(found.unpurified) == 2


def test_robustness_refuses_at_once_an_attacker_that_looks_at_the_whole_scan(small_chest):
    told = []
    with pytest.raises(AttackError, match="'copy and paste' looks at the whole scan"):
        evaluate(
            small_chest,
            clicks=1,
            attackers={"copied": CopyPaste("inject")},
            tables=["robustness"],
            progress=lambda *done: told.append(done),
        )
    assert not told
