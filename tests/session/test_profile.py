"""HU along a line through an attack, and the histogram of what changed around it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session.profile import MOST_BINS, change_histogram, profile_through

AT = (20, 25, 30)


@pytest.fixture
def volume() -> CTVolume:
    hu = np.random.default_rng(0).integers(-900, 100, (40, 50, 60)).astype(np.int16)
    return CTVolume(hu, spacing=(2.0, 1.0, 0.5))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_profile_has_the_voxels_of_the_line_by_their_distance(volume, axis):
    found = profile_through(volume, AT, axis, reach_mm=8.0)
    steps = np.arange(-round(8.0 / volume.spacing[axis]), round(8.0 / volume.spacing[axis]) + 1)
    np.testing.assert_allclose(found.mm, steps * volume.spacing[axis])
    line = np.moveaxis(volume.hu, axis, 0)[(steps + AT[axis], *(a for n, a in enumerate(AT) if n != axis))]
    np.testing.assert_array_equal(found.hu, line)


def test_a_profile_ends_with_the_scan_and_runs_one_way_in_the_patient_however_the_axes_run(volume):
    assert profile_through(volume, (1, 25, 30), 0, reach_mm=8.0).mm[0] == -2.0
    direction = volume.direction.copy()
    direction[:, 2] *= -1
    mirrored = CTVolume(np.ascontiguousarray(volume.hu[..., ::-1]), volume.spacing, direction=direction)
    one = profile_through(volume, AT, 2, reach_mm=5.0)
    other = profile_through(mirrored, (AT[0], AT[1], volume.shape[2] - 1 - AT[2]), 2, reach_mm=5.0)
    np.testing.assert_allclose(one.mm, other.mm)
    np.testing.assert_array_equal(one.hu, other.hu)


@pytest.mark.parametrize("largest", [1, 7, 900])
def test_a_histogram_counts_each_changed_voxel_of_the_cuboid_once(volume, largest):
    rng = np.random.default_rng(largest)
    hu = volume.hu.copy()
    near, far = (slice(15, 25), slice(20, 30), slice(25, 35)), (39, 49, 59)
    hu[near] += rng.integers(-largest, largest + 1, hu[near].shape).astype(np.int16)
    hu[far] += 5  # outside the cuboid
    found = change_histogram(volume, CTVolume(hu, volume.spacing), AT)
    change = hu[near].astype(int) - volume.hu[near]
    assert found.counts.sum() == found.changed == np.count_nonzero(change)
    assert len(found.counts) <= MOST_BINS
    widths = np.diff(found.edges)
    assert (widths == widths[0]).all()
    assert widths[0] % 1 == 0
    middle = (found.edges[:-1] <= 1) & (found.edges[1:] > 1)
    if widths[0] == 1:
        assert found.counts[middle].sum() == np.count_nonzero(change == 1)


def test_nothing_changed_gives_an_empty_histogram(volume):
    found = change_histogram(volume, volume, AT)
    assert (found.changed, int(found.counts.sum())) == (0, 0)
    assert found.voxels == 16 * 32 * 60  # 32 mm each way; the scan is 30 mm wide
