import numpy as np
import pytest

from napari_mits_gan.ct.grid import Box
from napari_mits_gan.evaluation.outcomes.artefacts import BorderStep, border_step, brightest_made

SPACING = (2.0, 1.0, 1.0)
BOX = Box((5, 6, 7), (8, 9, 10))


@pytest.fixture
def scan():
    return np.random.default_rng(0).normal(-850, 30, (20, 24, 28)).astype(np.int16)


def test_an_untouched_border_has_the_scans_own_step(scan):
    step = border_step(scan, scan, BOX)
    assert step.ratio == 1
    # The mean distance of two draws from a Gaussian of 30 HU.
    assert step.before_hu == pytest.approx(30 * 2 / np.sqrt(np.pi), rel=0.1)


def test_a_brightened_box_shows_at_its_faces_and_not_elsewhere(scan):
    after = scan.copy()
    after[BOX.slices()] += 200
    assert border_step(scan, after, BOX).after_hu == pytest.approx(200, rel=0.05)
    inner = Box((7, 8, 9), (3, 3, 3))
    assert border_step(scan, after, inner).ratio == 1


def test_a_change_within_the_box_leaves_no_step(scan):
    after = scan.copy()
    after[8:10, 9:12, 10:13] += 900
    assert border_step(scan, after, BOX).ratio == 1


def test_a_box_that_fills_the_scan_has_no_faces(scan):
    assert np.isnan(border_step(scan, scan, Box((-3, 0, 0), (30, 24, 28))).before_hu)


def test_faces_outside_the_scan_are_left_out(scan):
    after = scan.copy()
    box = Box((-4, 6, 7), (8, 9, 10))
    after[:4, 6:15, 7:17] += 200
    assert border_step(scan, after, box).after_hu == pytest.approx(200, rel=0.05)


def test_only_what_the_attack_made_counts(scan):
    scan[9, 10, 11] = 1500
    assert brightest_made(scan, scan, BOX, SPACING) == -np.inf
    after = scan.copy()
    after[12, 14, 16] = 1200
    assert brightest_made(scan, after, BOX, SPACING) == 1200


@pytest.mark.parametrize(("x", "found"), [(13, -np.inf), (14, -np.inf), (15, 1200), (16, 1200)])
def test_what_lies_at_bone_does_not_count(scan, x, found):
    scan[9, 10, 11] = 700
    after = scan.copy()
    after[9, 10, x] = 1200
    assert brightest_made(scan, after, BOX, SPACING) == found


@pytest.mark.parametrize(("bone_hu", "found"), [(300, 1200), (301, -np.inf)])
def test_bone_is_brighter_than_300_hu(scan, bone_hu, found):
    scan[9, 10, 11] = bone_hu
    after = scan.copy()
    after[9, 10, 12] = 1200
    assert brightest_made(scan, after, BOX, SPACING) == found


def test_the_brightest_of_several_voxels_counts(scan):
    after = scan.copy()
    after[12, 14, 16], after[12, 14, 15], after[11, 14, 15] = 900, 1200, 700
    assert brightest_made(scan, after, BOX, SPACING) == 1200


def test_the_ratio_of_a_step():
    assert BorderStep(1.0, 2.0).ratio == 2.0
    assert BorderStep(0.5, 2.0).ratio == 4.0
    assert np.isnan(BorderStep(0.0, 2.0).ratio)


def test_a_face_between_the_first_two_slices_counts():
    scan = np.zeros((6, 8, 8), dtype=np.int16)
    after = scan.copy()
    after[1:] += 200
    # The box reaches the scan's other borders, so this is its only face.
    assert border_step(scan, after, Box((1, 0, 0), (5, 8, 8))).after_hu == 200
