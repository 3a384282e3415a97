"""What every protection method keeps to, by one list: a new method is tested by being in `METHODS`."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import Cancelled
from napari_mits_gan.evaluation.measures.local_mean import local_mean_change, local_mean_change_percentile
from napari_mits_gan.protection.protect import METHODS, protect
from napari_mits_gan.protection.weights import shipped_protector
from napari_mits_gan.weights_file import digest

QUICK: dict[str, dict[str, Any]] = {
    "pgd": {"visits": 1.0},
    "tafim": {"steps": 3, "rate": 0.5, "economy": 0.0},
    "mits-gan-paper": {"steps": 2},
}
"""Fewer steps than usual, for those that search on the scan itself."""

KEEPS_LOCAL_MEANS = {"mits-gan", "universal", "pgd"}
DRAWS_NOTHING = {"constant-shift"}


@pytest.fixture(params=list(METHODS))
def name(request: pytest.FixtureRequest, own, monkeypatch) -> str:
    monkeypatch.setattr("napari_mits_gan.protection.mits_gan_paper._CROP", 24)
    monkeypatch.setattr("napari_mits_gan.protection.mits_gan_paper._WIDTH", 8)
    return str(request.param)


def protected(name: str, scan: CTVolume, max_change_hu: int = 20, seed: int = 3, **options: Any) -> CTVolume:
    method = METHODS[name](**QUICK.get(name, {}))
    return protect(scan, method, max_change_hu, seed=seed, device="cpu", **options)


@pytest.mark.parametrize("budget", [1, 20, 200])
def test_the_budget_is_kept_and_only_the_body_changes(patient, name, budget):
    before = patient.hu.copy()
    changed = protected(name, patient, budget)
    change = changed.hu.astype(int) - patient.hu
    assert 0 < np.abs(change).max() <= budget
    assert not change[~body_mask(patient)].any()
    assert (changed.hu[patient.padding] == -2048).all()
    assert (patient.hu == before).all(), "the scan itself stays as it is"


def test_the_seed_decides(patient, name):
    first, again, other = (protected(name, patient, seed=seed).hu for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first == other).all() == (name in DRAWS_NOTHING)


def test_slices_keep_their_local_mean_where_that_is_promised(patient, name):
    body = body_mask(patient)
    means = local_mean_change(patient.hu, protected(name, patient, 40).hu, patient.spacing, body=body)
    usual = local_mean_change_percentile(means)
    if name in KEEPS_LOCAL_MEANS:
        assert usual <= 4, "a tenth of the budget"
    if name in ("constant-shift", "slice-shift"):
        assert usual == pytest.approx(40), "the controls are there to falsify it"


def test_the_record_recreates_the_result(patient, name, own):
    changed = protected(name, patient, 15, seed=9)
    (step,) = changed.history
    record = json.loads(json.dumps(dict(step.parameters)))
    assert step.kind == "protection"
    assert (record["max_change_hu"], record["seed"]) == (15, 9)
    method = METHODS[name]
    known = {field.name for field in dataclasses.fields(method)} if dataclasses.is_dataclass(method) else set()
    options = {key: value for key, value in record.items() if key in known}
    if "attackers" in options:
        names = {attacker.name: action for attacker, action in zip(own, ("inject", "remove"), strict=True)}
        options["attackers"] = tuple(names[attacker] for attacker in options["attackers"])
    if "weights" in options:
        path = shipped_protector()
        assert options["weights"] == f"{path.name} {digest(path)}"
        options["weights"] = path
    assert set(QUICK.get(name, {})) <= set(options), "what was not left at its default is written down"
    again = protect(patient, method(**options), record["max_change_hu"], seed=record["seed"], device="cpu")
    assert (again.hu == changed.hu).all()


def test_progress_counts_up_to_the_last_slice_and_may_cancel(patient, name):
    told: list[tuple[int, int]] = []
    protected(name, patient, progress=lambda done, total: told.append((done, total)))
    slices = patient.shape[0]
    assert told[0] == (0, slices)
    assert told[-1] == (slices, slices)
    assert [done for done, _ in told] == sorted(done for done, _ in told)

    def cancel(done: int, total: int) -> None:
        if done:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        protected(name, patient, progress=cancel)


def test_a_method_is_named_in_the_history_by_the_name_that_chooses_it(patient, monkeypatch):
    for name in ("gaussian-noise", "constant-shift"):
        (step,) = protect(patient, name, device="cpu").history
        assert step.parameters["method"] == name


def test_documented_methods_keep_their_names():
    """Scripts and histories of protected scans name them."""
    documented = [
        "mits-gan",
        "universal",
        "pgd",
        "tafim",
        "mits-gan-paper",
        "gaussian-noise",
        "constant-shift",
        "slice-shift",
    ]
    assert set(documented) <= set(METHODS)


def test_unless_told_the_budget_is_20_hu_and_the_seed_0(patient):
    changed = protect(patient, "constant-shift")
    (step,) = changed.history
    assert (step.parameters["max_change_hu"], step.parameters["seed"]) == (20, 0)
    assert (changed.hu.astype(int) - patient.hu).max() == 20
