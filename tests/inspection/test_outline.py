"""An outline covers what was copied or stands out, and nothing far from it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.ct.grid import Box
from napari_mits_gan.inspection.blocks import block_mean
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.outline import ball, moved, outline_of_copy, outline_of_score
from noisy_chest import make_lung_block, told_to_be_lung

AT, SOURCE = (22, 60, 75), (20, 35, 40)


@pytest.fixture(scope="module")
def scan():
    return ExaminedScan.of(told_to_be_lung(make_lung_block()))


def f1(found, true):
    return 2 * np.sum(found & true) / (found.sum() + true.sum())


def in_scan(outline, shape):
    whole = np.zeros(shape, dtype=bool)
    whole[outline.box.slices()] = outline.inside
    return whole


def test_a_ball_is_cut_where_the_scan_ends():
    outline = ball((1, 2, 3), 5.0, (2.0, 1.0, 1.0), (10, 20, 20))
    assert outline.box.low == (0, 0, 0)
    assert outline.inside[1, 2, 3]
    assert outline.inside[1, 7, 3]
    assert not outline.inside[0, 7, 3]


def test_what_was_copied_is_outlined(scan):
    shape = scan.volume.shape
    true = in_scan(ball(AT, 9.0, scan.spacing, shape), shape)
    noise = np.roll(scan.residual, np.subtract(AT, SOURCE), axis=(0, 1, 2))
    region = scan.region.slices()
    residual = np.where(true[region], noise, scan.residual)
    copied = ExaminedScan(scan.volume, scan.region, scan.lungs, scan.whitening, residual, scan.power)
    outline = outline_of_copy(copied, AT, scan.residual, moved(scan.region, SOURCE, AT))
    assert f1(in_scan(outline, shape), true) > 0.8


def test_noise_that_was_not_copied_has_no_outline_of_more_than_some_voxels(scan):
    outline = outline_of_copy(scan, AT, scan.residual, moved(scan.region, SOURCE, AT))
    assert outline is None or outline.inside.sum() < 200


def test_a_source_that_lies_outside_of_the_scan_gives_no_outline(scan):
    noise = np.ones((3, 3, 3), dtype=np.float32)
    assert outline_of_copy(scan, AT, noise, Box((500, 500, 500), (3, 3, 3))) is None


def test_what_stands_out_is_outlined_with_the_ball_around_its_peak(scan):
    shape = scan.volume.shape
    true = in_scan(ball(AT, 14.0, scan.spacing, shape), shape)
    far = in_scan(ball((5, 15, 15), 6.0, scan.spacing, shape), shape)
    score = 8 * block_mean((true | far)[scan.region.slices()].view(np.uint8))
    found = in_scan(outline_of_score(scan, AT, score, 6.0), shape)
    assert f1(found, true) > 0.8
    assert not (found & far).any()


def test_where_nothing_stands_out_the_ball_is_all(scan):
    outline = outline_of_score(scan, AT, np.zeros_like(scan.power), 6.0)
    assert outline.inside.sum() == ball(AT, 6.0, scan.spacing, scan.volume.shape).inside.sum()
