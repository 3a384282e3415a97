import numpy as np
import pytest

from napari_mits_gan.evaluation.measures.local_mean import disc, local_mean_change, local_mean_change_percentile

SPACING = (2.5, 1.0, 1.0)


def test_disc_of_10_mm_at_1_mm_holds_81_voxels():
    assert disc(10.0, (1.0, 1.0)).sum() == 81
    assert disc(10.0, (1.0, 2.0)).shape == (11, 5)


def test_constant_shift_moves_every_mean_by_as_much_even_at_the_rim():
    scan = np.zeros((2, 30, 40), dtype=np.int16)
    body = np.zeros(scan.shape, dtype=bool)
    body[:, 3:25, 5:37] = True
    changes = local_mean_change(scan, scan + np.int16(-7), SPACING, body=body)
    assert changes.shape == (body.sum(),)
    np.testing.assert_allclose(changes, -7.0, atol=1e-5)
    assert local_mean_change_percentile(changes) == pytest.approx(7.0, abs=1e-5)


def test_one_voxel_moves_the_means_of_the_discs_that_hold_it():
    scan = np.zeros((1, 31, 31), dtype=np.int16)
    changed = scan.copy()
    changed[0, 15, 15] = 810
    body = np.ones(scan.shape, dtype=bool)
    changes = local_mean_change(scan, changed, SPACING, body=body).reshape(31, 31)
    np.testing.assert_allclose(changes[10:21, 10:21], np.where(disc(10.0, (1.0, 1.0)), 10.0, 0.0), atol=1e-4)
    assert np.abs(changes[:9]).max() < 1e-4


def test_changes_outside_the_body_do_not_count():
    scan = np.zeros((1, 30, 30), dtype=np.int16)
    body = np.zeros(scan.shape, dtype=bool)
    body[:, :, :15] = True
    changed = np.where(body, 3, 1000).astype(np.int16)
    np.testing.assert_allclose(local_mean_change(scan, changed, SPACING, body=body), 3.0, atol=1e-5)


def test_checkerboard_keeps_local_means_and_its_figure_is_the_one_computed_directly():
    rng = np.random.default_rng(0)
    scan = rng.integers(-1000, 100, (1, 40, 40)).astype(np.int16)
    y, x = np.indices((40, 40))
    changed = scan + (20 * (-1) ** (y + x)).astype(np.int16)
    changes = local_mean_change(scan, changed, SPACING, body=np.ones(scan.shape, dtype=bool)).reshape(40, 40)
    weights = disc(10.0, (1.0, 1.0))
    direct = ((changed - scan)[0, 15:26, 15:26] * weights).sum() / weights.sum()
    assert changes[20, 20] == pytest.approx(direct, abs=1e-4)
    # Of the disc's 81 voxels, 37 are of one colour and 44 of the other.
    np.testing.assert_allclose(np.abs(changes[5:-5, 5:-5]), 20 * 7 / 81, atol=1e-4)


def test_an_empty_body_has_no_change():
    scan = np.zeros((2, 9, 9), dtype=np.int16)
    changes = local_mean_change(scan, scan, SPACING, body=np.zeros(scan.shape, dtype=bool))
    assert changes.size == 0
    assert local_mean_change_percentile(changes) == 0.0


def test_means_at_the_bodys_edge_are_over_the_voxels_inside_it():
    # A body of 3 x 3 voxels less a corner, its middle one 9 HU brighter;
    # discs of 2 mm: a voxel and its four neighbours.
    scan = np.zeros((1, 5, 5), dtype=np.int16)
    changed = scan.copy()
    changed[0, 2, 2] = 9
    changed[0, 0] = changed[0, 1, 1] = 1000
    body = np.zeros(scan.shape, dtype=bool)
    body[0, 1:4, 1:4] = True
    body[0, 1, 1] = False
    changes = local_mean_change(scan, changed, SPACING, body=body, diameter_mm=2.0)
    by_hand = [9 / 3, 0, 9 / 3, 9 / 5, 9 / 4, 0, 9 / 4, 0]
    np.testing.assert_allclose(changes, by_hand, atol=1e-5)


def test_the_percentile_is_that_of_absolute_changes():
    changes = np.concatenate([-np.arange(1.0, 51.0), np.arange(51.0, 102.0)])
    assert local_mean_change_percentile(changes) == pytest.approx(96.0)
    assert local_mean_change_percentile(changes, 50.0) == pytest.approx(51.0)


def test_a_disc_has_the_spacing_of_each_axis():
    # 2 mm to either side: four rows of 0.5 mm, and one column of 2 mm, which only the middle row reaches.
    found = disc(4.0, (0.5, 2.0))
    assert found.shape == (9, 3)
    assert found[:, 1].all()
    assert found[:, 0].tolist() == found[:, 2].tolist() == [row == 4 for row in range(9)]
