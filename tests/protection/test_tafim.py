from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.evaluation.disruption.attacked_sites import inpainted_cores
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
from napari_mits_gan.protection.protect import METHODS, protect
from napari_mits_gan.protection.tafim import Tafim


def test_what_is_painted_comes_nearer_to_the_target(patient, own):
    clicks = random_lung_clicks(patient, 6, 3)
    far = []
    for steps in (0, 40):
        protected = protect(patient, Tafim(steps=steps, rate=0.3), 40, device="cpu")
        cores = inpainted_cores(own[0], protected, clicks).normalised
        far.append(float(np.mean(np.square(cores + 0.5))))
    assert far[1] < far[0]


def test_the_pattern_is_the_same_in_every_slice_and_keeps_the_budget(patient, own):
    change = protect(patient, Tafim(steps=3, rate=0.5), 20, device="cpu").hu.astype(int) - patient.hu
    assert 0 < np.abs(change).max() <= 20
    body = body_mask(patient)
    assert not change[~body].any()
    always = body.all(axis=0)
    assert np.ptp(change[:, always], axis=0).max() == 0


def test_the_same_seed_finds_the_same_and_another_seed_something_else(patient, own):
    first, again, other = (protect(patient, Tafim(steps=2), 20, seed=s, device="cpu").hu for s in (4, 4, 5))
    assert (first == again).all()
    assert (first != other).any()


def test_a_scan_without_lung_is_refused(own):
    ball = np.full((16, 40, 40), -1000, dtype=np.int16)
    ball[:, 8:32, 8:32] = 40
    with pytest.raises(ProtectionError, match="no lung was found"):
        protect(CTVolume(ball, (3.0, 3.0, 3.0), name="no chest"), Tafim(steps=1), 20, device="cpu")


def test_the_method_can_be_chosen_by_name():
    assert METHODS["tafim"] is Tafim
