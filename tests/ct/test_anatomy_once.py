"""The anatomy is found once for each scan, and never for another."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from dataclasses import replace

import numpy as np
import pytest

from napari_mits_gan.ct.anatomy import Anatomy, anatomy_of, body_mask, keep_anatomy, lung_mask, once
from napari_mits_gan.ct.volume import CTVolume


@pytest.fixture
def lung() -> CTVolume:
    return CTVolume(np.full((6, 20, 20), -850, dtype=np.int16), (5.0, 5.0, 5.0))


@pytest.fixture
def segmentations(monkeypatch: pytest.MonkeyPatch) -> list[CTVolume]:
    """The volumes that were segmented, while it is still done."""
    done: list[CTVolume] = []
    really = once.segment

    def counted(volume: CTVolume) -> Anatomy:
        done.append(volume)
        return really(volume)

    monkeypatch.setattr(once, "segment", counted)
    return done


def test_one_segmentation_serves_all_who_ask(lung, segmentations):
    first = lung_mask(lung)
    body_mask(lung)
    assert (anatomy_of(lung).lungs == first).all()
    assert len(segmentations) == 1


def test_protecting_a_scan_segments_it_once(segmentations):
    from napari_mits_gan.protection.protect import protect

    _, y, x = np.mgrid[0:12, 0:50, 0:60].astype(np.float32)
    hu = np.where(((y - 25) / 22) ** 2 + ((x - 30) / 27) ** 2 <= 1, 40, -1000)
    for middle in (18, 42):
        hu[((y - 25) / 14) ** 2 + ((x - middle) / 9) ** 2 <= 1] = -850
    protect(CTVolume(hu.astype(np.int16), (3.0, 3.0, 3.0)), device="cpu")
    assert len(segmentations) == 1


def test_another_volume_of_the_same_scan_is_segmented_by_itself(lung):
    assert lung_mask(lung).all()
    assert not lung_mask(replace(lung, hu=np.full(lung.shape, 40, dtype=np.int16))).any()


def test_what_a_caller_does_to_a_mask_is_his_own_affair(lung):
    lung_mask(lung)[:] = False
    assert lung_mask(lung).all()


def test_the_anatomy_goes_with_the_volume(lung):
    before = len(once._kept)
    lung_mask(lung)
    seen = weakref.ref(lung)
    other = CTVolume(lung.hu, lung.spacing)
    lung_mask(other)
    assert len(once._kept) == before + 2
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None
    assert seen() is not None
    assert len(once._kept) == before + 1


def test_a_kept_anatomy_is_no_part_of_what_is_pickled_or_copied(lung):
    before = pickle.dumps(lung)
    lung_mask(lung)
    assert pickle.dumps(lung) == before
    assert lung_mask(copy.deepcopy(lung)).all()


def test_an_anatomy_of_ones_own_is_used_and_has_the_scan_s_shape(lung):
    own = np.zeros(lung.shape, dtype=bool)
    own[2, 3:7, 4:9] = True
    keep_anatomy(lung, Anatomy(own, np.ones_like(own), np.zeros_like(own)))
    assert (lung_mask(lung) == own).all()
    assert body_mask(lung).all()
    with pytest.raises(ValueError, match=r"shape \(1, 20, 20\), the scan has \(6, 20, 20\)"):
        keep_anatomy(lung, Anatomy(own[:1], own, own))
