import json
import math
from dataclasses import replace

import pytest

from napari_mits_gan.evaluation.disruption.deviation import Disruption
from napari_mits_gan.evaluation.measures.change import Change
from napari_mits_gan.evaluation.measures.fidelity import Fidelity
from napari_mits_gan.evaluation.reports.disruption import LEGEND
from napari_mits_gan.evaluation.result import Evaluation, pool
from napari_mits_gan.evaluation.robustness.robustness import Robustness


def _disruption(*deviations: float) -> Disruption:
    ones = tuple(1.0 for _ in deviations)
    return Disruption(
        deviations=deviations,
        tampered_rms_hu=tuple(30.0 for _ in deviations),
        change_rms_hu=tuple(10.0 for _ in deviations),
        core_mean_hu=tuple(-100.0 for _ in deviations),
        original_core_mean_hu=ones,
    )


def _change(rms_hu: float, voxels: int, local_mean_95_hu: float = 1.0) -> Change:
    return Change(Fidelity.from_rms(max_change_hu=20.0, rms_hu=rms_hu, ssim=0.98), local_mean_95_hu, voxels)


@pytest.fixture
def evaluation() -> Evaluation:
    return Evaluation(
        scan="a chest",
        method="mits-gan",
        protection={"method": "mits-gan", "max_change_hu": 20, "weights": "protection.safetensors 0123"},
        attackers={"inject": "injector.safetensors 4567"},
        seed=0,
        sites=((1, 2, 3), (4, 5, 6)),
        changes={"mits-gan": _change(12.0, 100), "gaussian-noise": _change(12.0, 100)},
        disruptions={"inject": {"mits-gan": _disruption(0.01, 0.02), "gaussian-noise": _disruption(0.002, 0.004)}},
    )


def test_ratio_is_that_of_the_medians(evaluation):
    assert evaluation.ratio("inject", "gaussian-noise") == pytest.approx(5.0)
    assert evaluation.ratio_interval("inject", "gaussian-noise") == pytest.approx((5.0, 5.0))


def test_ratio_to_a_control_that_does_nothing_is_infinite(evaluation):
    found = {"inject": {"mits-gan": _disruption(0.1), "gaussian-noise": _disruption(0.0)}}
    assert replace(evaluation, disruptions=found).ratio("inject", "gaussian-noise") == math.inf


def test_json_holds_every_place_and_no_infinity(evaluation):
    unchanged = Change(Fidelity(0.0, 0.0, math.inf, 1.0), 0.0, 100)
    found = json.loads(replace(evaluation, changes={"mits-gan": unchanged}).to_json())
    assert found["disruptions"]["inject"]["mits-gan"]["deviations"] == [0.01, 0.02]
    assert found["changes"]["mits-gan"]["fidelity"]["psnr_db"] is None
    assert found["summary"]["inject"]["gaussian-noise"]["protection_over_this"] == pytest.approx(5.0)
    assert found["summary"]["inject"]["mits-gan"]["proportion_disrupted"] == 0.5
    assert found["sites"] == [[1, 2, 3], [4, 5, 6]]


def test_markdown_carries_the_figures(evaluation):
    text = evaluation.to_markdown()
    assert "## mits-gan at 20 HU: a chest, 2 sites" in text
    assert "| mits-gan | 20 | 12.00 | 50.7 | 0.9800 | 1.00 |" in text
    assert "| inject, mits-gan | 0.01500 | 0.01000 – 0.02000 | 50 % | 30.0 | 3.00 | 1 → -100 | – |  |" in text
    assert "5.0 (5.0 – 5.0) |" in text
    assert "protection.safetensors 0123" in text


def test_text_has_the_same_figures_in_columns(evaluation):
    lines = evaluation.to_text().splitlines()
    assert not any("|" in line for line in lines)
    row = next(line for line in lines if line.startswith("inject, mits-gan"))
    assert row.split()[2:4] == ["0.01500", "0.01000"]


def test_pooled_figures_by_hand(evaluation):
    other = replace(
        evaluation,
        sites=((7, 8, 9),),
        changes={"mits-gan": _change(6.0, 300, 2.5), "gaussian-noise": _change(6.0, 300)},
        disruptions={"inject": {"mits-gan": _disruption(0.03), "gaussian-noise": _disruption(0.003)}},
    )
    pooled = pool([evaluation, other])
    assert (pooled.scan, len(pooled.sites)) == ("2 scans", 3)
    change = pooled.changes["mits-gan"]
    assert change.fidelity.rms_hu == pytest.approx(math.sqrt((100 * 144 + 300 * 36) / 400))
    assert change.fidelity.ssim == pytest.approx(0.98)
    assert (change.local_mean_95_hu, change.voxels) == (2.5, 400)
    assert pooled.disruptions["inject"]["mits-gan"].median == 0.02
    assert pooled.ratio("inject", "gaussian-noise") == pytest.approx(0.02 / 0.003)


def test_what_does_not_belong_together_is_not_pooled(evaluation):
    with pytest.raises(ValueError, match="no evaluation"):
        pool([])
    with pytest.raises(ValueError, match="one method"):
        pool([evaluation, evaluation, replace(evaluation, method="gaussian-noise")])


def test_the_title_has_the_budget_where_there_is_one(evaluation):
    assert evaluation.title == "mits-gan at 20 HU"
    assert replace(evaluation, protection={"max_change_hu": 12.5}).title == "mits-gan at 12.5 HU"
    assert replace(evaluation, protection={"max_change_hu": "all"}).title == "mits-gan"
    assert replace(evaluation, protection={}).title == "mits-gan"


def test_controls_are_the_versions_beside_the_method(evaluation):
    changes = {"slice-shift": _change(12.0, 100), **evaluation.changes}
    assert replace(evaluation, changes=changes).controls == ("slice-shift", "gaussian-noise")


def test_tables_come_with_their_meaning_unless_told(evaluation):
    assert LEGEND in evaluation.to_markdown()
    bare = evaluation.to_markdown(legend=False)
    assert LEGEND not in bare
    assert "| mits-gan | 20 | 12.00 |" in bare


@pytest.mark.parametrize(
    "other",
    [
        {"changes": {"mits-gan": _change(12.0, 100)}},
        {"disruptions": {"remove": {"mits-gan": _disruption(0.01, 0.02)}}},
        {"robustness": {"inject": Robustness((0.01,), {"blur": (0.02,)})}},
        {"outcomes": {"inject": {}}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_figures_that_only_some_scans_have_are_not_pooled(evaluation, other):
    with pytest.raises(ValueError, match="can be pooled"):
        pool([evaluation, replace(evaluation, **other)])


def test_weights_and_detector_are_named_where_there_are_any(evaluation):
    assert "Protection: protection.safetensors 0123. Attackers: inject: injector.safetensors 4567. Seed 0." in (
        evaluation.to_text()
    )
    judged = replace(evaluation, protection={}, detector="detector.safetensors 89ab").to_text()
    assert "\n\nAttackers: inject: injector.safetensors 4567. Detector: detector.safetensors 89ab. Seed 0." in judged
