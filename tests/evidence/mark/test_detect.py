"""Where the mark is missing is found, after what destroys a seal as well; where it is there nothing is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from evidence.marked_scans import LUNG, OTHER_LUNG, chest, tampered
from evidence.sealed_scans import KEY, OTHER_KEY
from napari_mits_gan.ct.grid import Box, along_axis, cubic_matrix
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.mark.detect import MarkExamination, examine_mark
from napari_mits_gan.evidence.mark.embed import embed_mark

SCAN = chest()
NUMBER = 0xBEEF
MARKED = embed_mark(SCAN, KEY, number=NUMBER)


def _blurred(volume: CTVolume) -> CTVolume:
    hu = ndimage.gaussian_filter(volume.hu.astype(np.float64), 0.5)
    return replace(volume, hu=np.rint(hu).astype(np.int16))


def _noisy(volume: CTVolume) -> CTVolume:
    noise = np.random.default_rng(0).normal(0, 10, volume.shape)
    return replace(volume, hu=np.rint(volume.hu + noise).astype(np.int16))


def _in_1_25_mm_slices(volume: CTVolume) -> CTVolume:
    at = np.arange(0, len(volume.hu) - 1, 0.5)
    hu = along_axis(cubic_matrix(at, len(volume.hu)), volume.hu.astype(np.float64), 0)
    return replace(volume, hu=np.rint(hu).astype(np.int16), spacing=(1.25, *volume.spacing[1:]))


def _cropped(volume: CTVolume) -> CTVolume:
    return volume.crop(Box((3, 20, 0), (20, 120, 150)))


WAYS: list[Callable[[CTVolume], CTVolume]] = [lambda v: v, _blurred, _noisy, _in_1_25_mm_slices, _cropped]


def _examined(volume: CTVolume) -> MarkExamination:
    seen = examine_mark(volume, KEY)
    assert seen is not None
    return seen


def _voxels(seen: MarkExamination) -> np.ndarray:
    """Middles of the bins where the mark is missing, in voxels."""
    bins = np.argwhere(seen.missing)
    return np.array([p.start for p in seen.grid.part]) + (bins + 0.5) * seen.grid.size


@pytest.mark.parametrize("way", [_blurred, _in_1_25_mm_slices])
def test_an_untouched_scan_has_its_mark_everywhere(way: Callable[[CTVolume], CTVolume]) -> None:
    seen = _examined(way(MARKED))

    assert seen.found.number == NUMBER
    assert not seen.missing.any()
    assert seen.judged.sum() > 1000


@pytest.mark.parametrize("way", WAYS)
def test_an_added_and_a_removed_ball_are_found_where_they_are(way: Callable[[CTVolume], CTVolume]) -> None:
    changed = way(tampered(tampered(MARKED, LUNG, 12, 30), OTHER_LUNG, 12, -850))
    seen = _examined(changed)

    places = np.array([MARKED.voxel_from_world(changed.world_from_voxel(tuple(at))) for at in _voxels(seen)])
    away_mm = [np.linalg.norm((places - at) * MARKED.spacing, axis=1) for at in (LUNG, OTHER_LUNG)]
    assert max(each.min() for each in away_mm) < 4
    assert np.minimum(*away_mm).max() < 15


def test_where_most_of_the_lungs_was_replaced_that_is_what_is_missing() -> None:
    hu = MARKED.hu.copy()
    hu[:, :, :116] = SCAN.hu[:, :, :116]

    seen = _examined(replace(MARKED, hu=hu))

    columns = _voxels(seen)[:, 2]
    assert seen.missing.sum() > 0.45 * seen.judged.sum()
    assert columns.max() < 122


def test_no_mark_is_found_with_another_key_or_in_an_unmarked_scan() -> None:
    assert examine_mark(MARKED, OTHER_KEY) is None
    assert examine_mark(SCAN, KEY) is None


def test_the_wrong_place_in_the_patient_is_no_mark() -> None:
    assert examine_mark(replace(MARKED, origin=(-99.3, -83.1, 300.0)), KEY) is None


def test_a_scan_without_a_body_has_no_mark() -> None:
    assert examine_mark(replace(SCAN, hu=np.full(SCAN.shape, -1000, np.int16)), KEY) is None
