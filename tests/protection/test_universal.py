from __future__ import annotations

import numpy as np

from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.protection.mits_gan import MitsGan
from napari_mits_gan.protection.protect import protect
from napari_mits_gan.protection.universal import Universal


def test_the_universal_change_is_the_same_in_every_slice_away_from_the_bodys_border(patient, untrained):
    change = protect(patient, Universal(untrained), 20, device="cpu").hu.astype(int) - patient.hu
    assert body_mask(patient)[6:18, 30:42, 30:50].all()
    middle = change[6:18, 34:38, 38:42]
    assert np.ptp(middle, axis=0).max() == 0
    assert np.ptp(change[6:18, 30:42, 40]) > 10


def test_what_the_slice_shows_does_not_matter_inside_the_body(patient, untrained):
    brighter = CTVolume(patient.hu + np.int16(60) * body_mask(patient), patient.spacing, padding=patient.padding)
    changes = [protect(scan, Universal(untrained), 20, device="cpu").hu - scan.hu for scan in (patient, brighter)]
    both = body_mask(patient) & body_mask(brighter)
    lung = (slice(8, 16), slice(32, 40), slice(22, 28))
    assert both[lung].all()
    assert np.abs(changes[0][lung].astype(int) - changes[1][lung]).max() <= 1
    adapted = [protect(scan, MitsGan(untrained), 20, device="cpu").hu - scan.hu for scan in (patient, brighter)]
    assert np.abs(adapted[0][lung].astype(int) - adapted[1][lung]).max() > 1
