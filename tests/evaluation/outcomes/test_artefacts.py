import numpy as np
import pytest

from napari_mits_gan.ct.grid import Box
from napari_mits_gan.evaluation.outcomes.artefacts import border_step, brightest_made

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


@pytest.mark.parametrize(("x", "found"), [(13, -np.inf), (16, 1200)])
def test_what_lies_at_bone_does_not_count(scan, x, found):
    scan[9, 10, 11] = 700
    after = scan.copy()
    after[9, 10, x] = 1200
    assert brightest_made(scan, after, BOX, SPACING) == found
