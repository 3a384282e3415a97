"""Boxes that were pasted without a fade break off the noise at their faces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.pasted_box import PastedBox
from noisy_chest import make_lung_block, told_to_be_lung

SITE, SOURCE = (22, 60, 70), (22, 30, 35)
REACH = (7, 13, 13)


@pytest.fixture(scope="module")
def lung():
    block = make_lung_block()
    blurred = ndimage.gaussian_filter(block.hu.astype(float), (0, 0.7, 0.7))  # a soft kernel
    return told_to_be_lung(replace(block, hu=np.round(blurred).astype(np.int16)))


def around(voxel):
    return tuple(slice(c - r, c + r + 1) for c, r in zip(voxel, REACH, strict=True))


def traces(volume):
    """What an untouched scan shows in fewer than one of a hundred cases."""
    method = PastedBox()
    found = method.traces(ExaminedScan.of(told_to_be_lung(volume)))
    return [trace for trace in found if method.false_alarms_per_scan(trace.score) < 1e-2]


def pasted(lung, weight=1.0):
    hu = lung.hu.copy()
    copied = lung.hu[around(SOURCE)][:, ::-1].astype(float)
    hu[around(SITE)] = np.round(weight * copied + (1 - weight) * hu[around(SITE)])
    return replace(lung, hu=hu)


def test_a_box_that_was_pasted_is_found_with_its_size(lung):
    first, *_ = traces(pasted(lung))
    assert first.kind == "pasted box"
    away_mm = np.abs(np.array(first.at) - SITE) * lung.spacing
    assert max(away_mm[1:]) < 2
    assert away_mm[0] < 6
    assert first.radius_mm == pytest.approx(13 * lung.spacing[2], abs=2)
    assert first.outline.inside.all()


def test_a_box_that_fades_into_the_scan_is_not_told_from_it(lung):
    fade = [np.clip((r + 1 - np.abs(np.arange(-r, r + 1))) / (r - 2), 0, 1) for r in REACH]
    assert traces(pasted(lung, np.minimum.reduce(np.broadcast_arrays(*np.ix_(*fade))))) == []


def test_untouched_noise_is_no_box(lung):
    assert traces(lung) == []


def test_a_single_edge_along_the_grid_is_no_box(lung):
    hu = lung.hu.copy()
    hu[:, :, 55:] = hu[:, ::-1, 55:]
    assert traces(replace(lung, hu=hu)) == []
