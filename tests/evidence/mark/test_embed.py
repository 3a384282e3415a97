"""What marking does to a scan: little, without a mean, in the lungs only, and different each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from evidence.marked_scans import chest
from evidence.sealed_scans import KEY, OTHER_KEY
from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.volume import Step
from napari_mits_gan.evidence.lattice import SealError
from napari_mits_gan.evidence.mark.embed import embed_mark
from napari_mits_gan.evidence.mark.settings import MarkSettings

SCAN = chest()
MARKED = embed_mark(SCAN, KEY, number=0xBEEF)
CHANGE = MARKED.hu.astype(np.float64) - SCAN.hu


def test_no_voxel_changes_by_more_than_three_times_the_rms_and_the_body_by_8_hu_rms_at_most() -> None:
    rms_hu = MARKED.history[-1].parameters["lungs_rms_hu"]

    assert np.abs(CHANGE).max() <= np.ceil(3 * rms_hu)
    assert 4 < np.sqrt(np.mean(CHANGE[body_mask(SCAN)] ** 2)) <= 8


def test_means_over_10_mm_of_a_slice_stay_within_a_hu() -> None:
    inside = ndimage.binary_erosion(CHANGE != 0, np.ones((1, 5, 5)))
    means = ndimage.uniform_filter(CHANGE, (0, 10, 10))

    assert np.abs(means[inside]).max() < 1


def test_only_what_lies_within_some_millimetres_of_the_lungs_changes() -> None:
    changed = CHANGE != 0

    assert not changed[:, :20].any()
    assert changed[11, 60:100, 40:70].mean() > 0.9


def test_the_same_number_gives_the_same_mark_and_another_number_or_key_another() -> None:
    assert np.array_equal(embed_mark(SCAN, KEY, number=0xBEEF).hu, MARKED.hu)
    for other in (embed_mark(SCAN, KEY, number=1), embed_mark(SCAN, OTHER_KEY, number=0xBEEF)):
        both = np.corrcoef(CHANGE[CHANGE != 0], (other.hu.astype(np.float64) - SCAN.hu)[CHANGE != 0])[0, 1]
        assert abs(both) < 0.15


def test_padding_stays_as_it_is() -> None:
    padding = np.zeros(SCAN.shape, bool)
    padding[:, :, :60] = True
    hu = np.where(padding, np.int16(-2000), SCAN.hu)

    marked = embed_mark(replace(SCAN, hu=hu, padding=padding), KEY)

    assert (marked.hu[padding] == -2000).all()
    assert (marked.hu != hu).any()


def test_a_weaker_mark_can_be_asked_for() -> None:
    weak = embed_mark(SCAN, KEY, MarkSettings(lungs_rms_hu=3.0), number=0xBEEF)

    change = (weak.hu.astype(np.float64) - SCAN.hu)[CHANGE != 0]
    assert 2.7 < np.sqrt(np.mean(change**2)) < 3.3


def test_a_simulated_attack_is_not_marked() -> None:
    attacked = replace(SCAN, history=(Step("attack", {"attack": "test"}),))

    with pytest.raises(SealError, match="simulated attack"):
        embed_mark(attacked, KEY)
