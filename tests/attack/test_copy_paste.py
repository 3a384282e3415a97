"""Copy and paste: real tissue of the same scan at the click."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_mits_gan.attack.copy_paste import CopyPaste
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError

NODULE, VESSEL = (12, 25, 30), (14, 55, 62)
SPACING = (2.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def lung() -> CTVolume:
    """Noisy lung with a nodule of 10 mm at one voxel and a rod, as thick, through another."""
    shape = (30, 80, 90)
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    hu = np.random.default_rng(0).normal(-860, 25, shape)
    nodule = (2 * (z - NODULE[0])) ** 2 + (y - NODULE[1]) ** 2 + (x - NODULE[2]) ** 2 <= 25
    rod = (2 * (z - VESSEL[0])) ** 2 + (y - VESSEL[1]) ** 2 + 0 * x <= 25
    return CTVolume(np.where(nodule | rod, 30 + hu / 20, hu).round().astype(np.int16), SPACING, name="lung")


def test_injecting_copies_the_round_structure_and_not_the_vessel(lung):
    at = (12, 25, 70)
    after = CopyPaste("inject").tamper(lung, at)
    bright = np.argwhere(after.hu[8:17, 15:36, 60:81] > -400) + (8, 15, 60)
    # The source is found on a grid of 2 mm, so the nodule may come out beside the click by as much.
    assert np.linalg.norm((bright.mean(axis=0) - at) * SPACING) < 2.5
    assert len(bright) == (lung.hu[8:17, 15:36, 20:41] > -400).sum()


def test_removing_copies_healthy_lung_over_the_nodule(lung):
    after = CopyPaste("remove").tamper(lung, NODULE)
    ball = after.hu[10:15, 20:31, 25:36]
    assert -900 < ball.mean() < -820
    assert ball.max() < -700
    assert ball.std() == pytest.approx(25, abs=5)


def test_from_a_given_source_the_middle_of_the_ball_is_copied_voxel_by_voxel(lung):
    at, source = (15, 40, 45), (12, 25, 30)
    after = CopyPaste("inject", radius_mm=10.0, source=source).tamper(lung, at)
    np.testing.assert_array_equal(after.hu[14:17, 38:43, 43:48], lung.hu[11:14, 23:28, 28:33])
    # At three quarters of the fading part, 9 mm off, the copy counts cos-shaped: 0.5 + 0.5 cos(3/4 pi) = 0.1464.
    before, copied = int(lung.hu[15, 49, 45]), int(lung.hu[12, 34, 30])
    assert after.hu[15, 49, 45] == round(before + 0.14645 * (copied - before))
    assert after.hu[15, 50, 45] == lung.hu[15, 50, 45]


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_the_same_scan_gives_the_same_attack(lung, action):
    first, second = (CopyPaste(action).tamper(lung, (15, 40, 45)).hu for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_a_scan_with_nothing_to_copy_is_refused_in_one_sentence(action):
    soft = CTVolume(np.full((30, 60, 60), 40, np.int16), SPACING, name="abdomen")
    with pytest.raises(AttackError, match=r"'abdomen' shows no .* to copy away from the voxel"):
        CopyPaste(action).tamper(soft, (15, 30, 30))


def test_a_source_never_lies_in_padding(lung):
    without_rod, padding = lung.hu.copy(), np.zeros(lung.shape, bool)
    without_rod[:, 45:] = -860
    alone = dataclasses.replace(lung, hu=without_rod)
    assert CopyPaste("inject").tamper(alone, (15, 25, 75)).is_tampered
    padding[:, :20, :50] = True
    with pytest.raises(AttackError, match="no round structure"):
        CopyPaste("inject").tamper(dataclasses.replace(alone, padding=padding), (15, 25, 75))


def test_what_recreates_it_is_on_record(lung):
    told = CopyPaste("inject", 8.0, NODULE).tamper(lung, (15, 40, 70)).history[-1].parameters
    assert (told["radius_mm"], told["source"], told["attack"]) == (8.0, list(NODULE), "copy and paste")


def test_a_structure_that_reaches_into_the_pasted_ball_is_not_its_source(lung):
    # The nodule's centre is 19 mm away, less than the 20 mm at which two balls of 10 mm only touch.
    without_rod = lung.hu.copy()
    without_rod[:, 45:] = -860
    with pytest.raises(AttackError, match="no round structure"):
        CopyPaste("inject").tamper(dataclasses.replace(lung, hu=without_rod), (12, 25, 49))


def test_removing_copies_the_nearest_lung():
    x = np.arange(160)
    hu = np.broadcast_to(-920 + x, (30, 60, 160)).astype(np.int16)
    after = CopyPaste("remove").tamper(CTVolume(hu, SPACING), (15, 30, 20))
    # 20 mm away, or a little more on the grid of the search; the far end is 100 HU brighter.
    assert 0 <= abs(int(after.hu[15, 30, 20]) - int(hu[15, 30, 20])) <= 25
