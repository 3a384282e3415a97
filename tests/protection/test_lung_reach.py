"""The protection ends where no attack in the lung looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.protection import mits_gan
from napari_mits_gan.protection.lung_reach import lung_reach, reached, share_within
from napari_mits_gan.protection.mits_gan import MitsGan
from napari_mits_gan.protection.protect import protect


def trunk(spacing: tuple[float, float, float]) -> CTVolume:
    """One lung of 60 mm within 200 mm of tissue, 90 mm long."""
    z, y, x = (np.arange(round(mm / s)) * s for mm, s in zip((90, 220, 220), spacing, strict=True))
    y, x = np.meshgrid(y, x, indexing="ij")
    slice_hu = np.where((y - 110) ** 2 + (x - 110) ** 2 <= 100**2, 40, -1000)
    lung = (y - 110) ** 2 + (x - 70) ** 2 <= 30**2
    hu = np.tile(slice_hu, (len(z), 1, 1))
    hu[(z >= 30) & (z < 60)] = np.where(lung, -850, slice_hu)
    return CTVolume((hu + np.random.default_rng(0).normal(0, 15, hu.shape)).astype(np.int16), spacing)


@pytest.mark.parametrize("spacing", [(2.5, 0.7, 0.7), (1.0, 1.4, 1.4), (5.0, 3.0, 3.0), (2.5, 0.6, 2.0)])
def test_all_is_kept_up_to_8_mm_from_the_lungs_and_nothing_beyond_14(spacing):
    scan = trunk(spacing)
    away = ndimage.distance_transform_edt(~lung_mask(scan), sampling=spacing)
    whole = (slice(0, scan.shape[1]), slice(0, scan.shape[2]))
    share = share_within(lung_reach(scan), range(scan.shape[0]), whole, scan.shape[1:]).numpy()
    assert share.shape == scan.shape
    # One voxel of the grid, and that of the lung's edge.
    blur = 4.0
    assert share[away < 8 - blur].min() > 0.98
    assert share[away > 14 + blur].max() == 0
    assert 0.3 < share[(away > 10) & (away < 12)].mean() < 0.7


def test_the_share_falls_from_8_to_14_mm_in_proportion():
    """Above a lung, where the slices measure the distance and the grid within them does not matter."""
    scan = trunk((2.0, 0.7, 0.7))
    reach = lung_reach(scan)
    # Each fourth voxel of 0.7 mm, from the third on: about 2.5 mm.
    assert reach.shape == (scan.shape[0], len(range(2, scan.shape[1], 4)), len(range(2, scan.shape[2], 4)))
    y, x = round(110 / 0.7 / 4), round(70 / 0.7 / 4)
    last = int(np.flatnonzero(lung_mask(scan)[:, 4 * y + 2, 4 * x + 2])[-1])
    found = reach[last : last + 9, y, x]
    # 0, 2, ... 16 mm: (14 - 10) / 6 at 10 mm, (14 - 12) / 6 at 12 mm.
    np.testing.assert_allclose(found, [1, 1, 1, 1, 1, 4 / 6, 2 / 6, 0, 0], atol=1e-6)


def test_a_window_of_some_slices_is_a_part_of_the_whole():
    scan = trunk((2.5, 1.4, 1.4))
    reach, size = lung_reach(scan), scan.shape[1:]
    whole = share_within(reach, range(scan.shape[0]), (slice(0, size[0]), slice(0, size[1])), size)
    part = share_within(reach, range(12, 20), (slice(30, 100), slice(11, 90)), size)
    np.testing.assert_array_equal(part, whole[12:20, 30:100, 11:90])


@pytest.mark.parametrize("spacing", [(2.5, 0.7, 0.7), (5.0, 3.0, 3.0), (2.5, 0.6, 2.0)])
def test_nothing_is_kept_outside_of_what_is_reached(spacing):
    scan = trunk(spacing)
    reach, size = lung_reach(scan), scan.shape[1:]
    whole = share_within(reach, range(scan.shape[0]), (slice(0, size[0]), slice(0, size[1])), size).numpy()
    for zs in (range(0, 1), range(0, scan.shape[0]), range(scan.shape[0] // 2, scan.shape[0] // 2 + 2)):
        window = reached(reach, zs, size, 0)
        inside = np.zeros(size, bool)
        if window is not None:
            inside[window] = True
        assert whole[zs.start : zs.stop][:, ~inside].max(initial=0) == 0
    assert 0 < inside.mean() < (0.5 if spacing[1] < 1 else 1.01)


def test_computing_only_what_is_reached_changes_nothing(untrained, monkeypatch):
    scan = trunk((5.0, 1.4, 1.4))
    narrow = protect(scan, MitsGan(untrained), 20, device="cpu").hu
    everything = slice(0, scan.shape[1]), slice(0, scan.shape[2])
    monkeypatch.setattr(mits_gan, "reached", lambda *_: everything)
    difference = np.abs(narrow.astype(int) - protect(scan, MitsGan(untrained), 20, device="cpu").hu)
    assert difference.max() <= 1  # sums over parts of a row round otherwise
    assert (difference > 0).mean() <= 0.001


def test_without_a_lung_all_is_kept():
    scan = CTVolume(np.full((20, 50, 50), 40, dtype=np.int16), (2.0, 2.0, 2.0))
    assert (lung_reach(scan) == 1).all()


def test_the_abdomen_is_left_alone(untrained):
    scan = trunk((2.5, 1.4, 1.4))
    away = ndimage.distance_transform_edt(~lung_mask(scan), sampling=scan.spacing)
    change = np.abs(protect(scan, MitsGan(untrained), 20, device="cpu").hu.astype(int) - scan.hu)
    assert change[away > 18].max() == 0
    assert np.percentile(change[away < 4], 90) > 10


def test_lungs_that_reach_the_ends_of_the_scan_are_kept_there():
    """Of apices, or lower halves, alone the first and the last slice hold lung, and no slice lies 14 mm away."""
    whole = trunk((2.5, 1.4, 1.4))
    part = replace(whole, hu=whole.hu[14:20].copy())
    lung = lung_mask(part)
    assert lung[0].any()
    assert lung[-1].any()
    size = part.shape[1:]
    share = share_within(lung_reach(part), range(6), (slice(0, size[0]), slice(0, size[1])), size).numpy()
    away = ndimage.distance_transform_edt(~lung, sampling=part.spacing)
    assert share[away < 4].min() > 0.98
    assert share[away > 18].max() == 0


def test_a_lung_at_the_edge_of_the_slices_is_kept_up_to_that_edge():
    scan = trunk((2.5, 1.4, 1.4))
    cut = replace(scan, hu=scan.hu[:, :, 40:].copy())  # from the middle of the lung on
    lung = lung_mask(cut)
    assert lung[:, :, 0].any()
    reach = lung_reach(cut)
    middle = int(np.flatnonzero(lung[:, :, 0].any(axis=1))[0]), round(110 / 1.4 / 2)
    assert reach[middle[0], middle[1], 0] == 1


def test_what_is_reached_by_hand():
    """Of 400 pixels, each fourth in the grid; windows begin and end at multiples of 32 and have 4 pixels around."""
    reach = np.zeros((3, 100, 100), np.float32)
    reach[1, 9:31, 42:46] = 0.5
    # Rows: from (9 - 1) 4 - 4 = 28 to (30 + 2) 4 + 4 = 132; columns: from (42 - 1) 4 - 4 = 160 to (45 + 2) 4 + 4 = 192.
    assert reached(reach, range(0, 2), (400, 400), 4) == (slice(0, 160), slice(160, 192))
    assert reached(reach, range(2, 3), (400, 400), 4) is None
    reach[2, 0, 99] = 0.1  # in a corner: no farther than the scan
    assert reached(reach, range(2, 3), (400, 400), 4) == (slice(0, 32), slice(384, 400))
