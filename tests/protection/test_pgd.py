from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.evaluation.disruption.attacked_sites import inpainted_cores
from napari_mits_gan.evaluation.disruption.deviation import deviation
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
from napari_mits_gan.protection.pgd import Pgd
from napari_mits_gan.protection.protect import protect

CLICK = (12, 36, 25)


def test_a_known_click_is_disrupted_more_than_by_noise_of_the_same_budget(patient, own):
    found = []
    for method in (Pgd(at=CLICK, steps=15), "gaussian-noise"):
        protected = protect(patient, method, 20, device="cpu")
        cores = [inpainted_cores(own[0], scan, [CLICK]).normalised for scan in (protected, patient)]
        found.append(float(deviation(*cores)[0]))
    assert found[0] > 5 * found[1]


def test_a_known_click_changes_its_surroundings_only(patient, own):
    protected = protect(patient, Pgd(at=CLICK, steps=2), 20, device="cpu")
    changed = np.argwhere(protected.hu != patient.hu)
    # 16 mm to either side, and what keeping the local mean touches beside it: twice a radius of 5 mm, before and after.
    reach = (changed - np.array(CLICK)) * np.array(patient.spacing)
    assert np.abs(reach[:, 0]).max() <= 18
    assert np.abs(reach[:, 1:]).max() <= 16 + 1.5 + 2 * 10


def test_unknown_clicks_are_searched_all_over_the_lungs_within_the_budget(patient, own):
    protected = protect(patient, Pgd(visits=4), 20, device="cpu")
    change = protected.hu.astype(int) - patient.hu
    assert 0 < np.abs(change).max() <= 20
    assert not change[~body_mask(patient)].any()
    clicks = random_lung_clicks(patient, 6, 3)
    original = inpainted_cores(own[0], patient, clicks).normalised
    found = [
        np.median(deviation(inpainted_cores(own[0], scan, clicks).normalised, original))
        for scan in (protect(patient, Pgd(visits=4, rate=0.0), 20, device="cpu"), protected)
    ]
    assert found[1] > 2 * found[0]


def test_the_same_seed_finds_the_same(patient, own):
    torch.manual_seed(5)
    first = protect(patient, Pgd(visits=1), 20, seed=2, device="cpu").hu
    torch.manual_seed(6)
    assert (protect(patient, Pgd(visits=1), 20, seed=2, device="cpu").hu == first).all()


def test_a_click_outside_the_scan_is_refused(patient, own):
    with pytest.raises(ProtectionError, match="lies outside the scan"):
        protect(patient, Pgd(at=(500, 0, 0)), 20, device="cpu")
