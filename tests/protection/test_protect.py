from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_mits_gan.ct.anatomy import anatomy_of, body_mask, keep_anatomy
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import Cancelled, ProtectionError
from napari_mits_gan.evaluation.measures.local_mean import local_mean_change, local_mean_change_percentile
from napari_mits_gan.protection import mits_gan
from napari_mits_gan.protection.mits_gan import MitsGan
from napari_mits_gan.protection.protect import METHODS, protect

SAMPLE = Path(__file__).parents[2] / "sample_data" / "chest_phantom"


@pytest.fixture(params=["mits-gan", "gaussian-noise", "constant-shift", "slice-shift"])
def method(request, untrained):
    return MitsGan(untrained) if request.param == "mits-gan" else request.param


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(budget=st.integers(1, 60), seed=st.integers(0, 2**62))
def test_no_voxel_changes_by_more_than_the_budget(patient, method, budget, seed):
    protected = protect(patient, method, max_change_hu=budget, seed=seed, device="cpu")
    change = protected.hu.astype(int) - patient.hu
    assert 0 < np.abs(change).max() <= budget


def test_air_around_the_body_and_padding_stay_as_they_are(patient, method):
    protected = protect(patient, method, max_change_hu=40, device="cpu")
    outside = ~body_mask(patient)
    assert (protected.hu[outside] == patient.hu[outside]).all()
    assert (protected.hu[patient.padding] == -2048).all()
    assert (protected.hu != patient.hu)[body_mask(patient)].mean() > 0.5


def test_the_same_seed_gives_the_same_scan_and_another_seed_another(patient, method):
    first = protect(patient, method, seed=7, device="cpu")
    assert (first.hu == protect(patient, method, seed=7, device="cpu").hu).all()
    if method != "constant-shift":  # nothing to draw there
        assert (first.hu != protect(patient, method, seed=8, device="cpu").hu).any()


def test_the_result_does_not_depend_on_how_many_slices_are_computed_together(patient, untrained, monkeypatch):
    each = protect(patient, MitsGan(untrained), device="cpu").hu
    monkeypatch.setitem(mits_gan._PIXELS_AT_ONCE, "cpu", 5 * patient.shape[1] * patient.shape[2])
    difference = np.abs(each.astype(int) - protect(patient, MitsGan(untrained), device="cpu").hu)
    assert difference.max() <= 1
    assert (difference > 0).mean() <= 0.001


def test_the_mean_of_a_slice_over_10_mm_stays_true_with_the_shipped_weights():
    scan = read_ct(SAMPLE)
    slab = CTVolume(scan.hu[50:56], scan.spacing, name="part of the sample scan")
    protected = protect(slab, max_change_hu=20, device="cpu")
    means = local_mean_change(slab.hu, protected.hu, slab.spacing, body=body_mask(slab))
    assert local_mean_change_percentile(means) <= 2


def test_the_history_says_what_was_done_and_with_which_weights(patient, untrained):
    step = protect(patient, MitsGan(untrained), max_change_hu=15, seed=3, device="cpu").history[-1]
    assert step.kind == "protection"
    assert (step.parameters["max_change_hu"], step.parameters["seed"]) == (15, 3)
    assert step.parameters["weights"].startswith("untrained.safetensors ")


def test_the_scan_itself_is_not_changed(patient, method):
    before = patient.hu.copy()
    protect(patient, method, device="cpu")
    assert (patient.hu == before).all()


def test_progress_counts_slices_and_may_cancel(patient, method):
    told = []
    protect(patient, method, device="cpu", progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (24, 24)
    assert [done for done, _ in told] == sorted(done for done, _ in told)

    def cancel(done: int, total: int) -> None:
        if done:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        protect(patient, method, device="cpu", progress=cancel)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"method": "hope"}, "no protection method 'hope'; choose one of mits-gan"),
        ({"max_change_hu": 0}, "whole number from 1 to 200 HU"),
        ({"max_change_hu": 2.5}, "whole number from 1 to 200 HU"),
        ({"max_change_hu": 201}, "whole number from 1 to 200 HU"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(patient, options, sentence):
    with pytest.raises(ProtectionError, match=sentence):
        protect(patient, **options)


def test_a_tampered_scan_is_not_protected(patient):
    tampered = patient.with_hu(patient.hu, Step("attack", {"at": [1, 2, 3]}))
    with pytest.raises(ProtectionError, match="simulated attack"):
        protect(tampered)


def test_a_scan_without_a_body_is_refused():
    air = CTVolume(np.full((8, 40, 40), -1000, dtype=np.int16), (3.0, 2.0, 2.0), name="nothing")
    with pytest.raises(ProtectionError, match="no body was found in 'nothing'"):
        protect(air)


@pytest.fixture(scope="module")
def trunk() -> CTVolume:
    """An abdomen: a body with some gas in its bowel, and no lung."""
    z, y, x = np.mgrid[0:12, 0:60, 0:70].astype(np.float32)
    hu = np.where(((y - 30) / 25) ** 2 + ((x - 35) / 30) ** 2 <= 1, 40, -1000)
    hu[((z - 6) / 5) ** 2 + ((y - 20) / 6) ** 2 + ((x - 35) / 8) ** 2 <= 1] = -1000
    return CTVolume(hu.astype(np.int16), (3.0, 2.0, 2.0), name="abdomen")


@pytest.mark.parametrize("name", METHODS)
def test_a_scan_without_lungs_is_refused_by_every_method(trunk, name):
    with pytest.raises(ProtectionError, match=r"^no lung was found in 'abdomen'; choose a chest CT, or .*without lun"):
        protect(trunk, name, device="cpu")


@pytest.mark.parametrize("name", ["mits-gan", "gaussian-noise", "constant-shift"])
def test_a_scan_without_lungs_is_protected_on_demand(trunk, name):
    protected = protect(trunk, name, device="cpu", without_lungs=True)
    assert (protected.hu != trunk.hu)[body_mask(trunk)].mean() > 0.5


def test_pgd_has_nowhere_to_search_without_lungs_even_on_demand(trunk, own):
    with pytest.raises(ProtectionError, match="'pgd' has nowhere to search; choose 'mits-gan'"):
        protect(trunk, "pgd", device="cpu", without_lungs=True)


def test_the_lungs_that_a_scan_was_given_are_the_ones_protected(patient):
    """Whoever knows the lungs better, for example from a drawing by hand, may say so."""
    known = CTVolume(patient.hu, patient.spacing, padding=patient.padding, name=patient.name)
    lungs = np.zeros(patient.shape, dtype=bool)
    lungs[0:2, 30:40, 20:30] = True
    keep_anatomy(known, replace(anatomy_of(patient), lungs=lungs))
    changed = (protect(known, device="cpu").hu != known.hu).any(axis=(1, 2))
    assert changed[:2].all()
    assert not changed[8:].any()  # 14 mm away in slices of 3 mm


def test_the_default_method_comes_first():
    assert next(iter(METHODS)) == "mits-gan"


def test_the_shipped_weights_protect(patient):
    protected = protect(patient, max_change_hu=20, device="cpu")
    change = (protected.hu.astype(int) - patient.hu)[body_mask(patient)]
    assert 2 < np.sqrt(np.mean(np.square(change))) <= 15
