import numpy as np
import pytest

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.thicker import thicker_slices


def _scan(n: int = 11, padding: np.ndarray | None = None) -> CTVolume:
    hu = np.random.default_rng(0).normal(-700, 40, (n, 24, 20)).astype(np.int16)
    return CTVolume(hu, (1.25, 0.7, 0.8), origin=(3.0, 4.0, 5.0), padding=padding)


def test_slices_are_means_in_the_middle_of_theirs():
    scan = _scan()
    thick = thicker_slices(scan, 5.0)
    assert thick.spacing == (5.0, 0.7, 0.8)
    assert thick.shape == (2, 24, 20)
    np.testing.assert_array_equal(thick.hu[1], np.rint(scan.hu[4:8].mean(axis=0)))
    assert thick.world_from_voxel((0, 2, 3)) == pytest.approx(scan.world_from_voxel((1.5, 2, 3)))
    assert thick.hu.astype(float).std() == pytest.approx(scan.hu.astype(float).std() / 2, rel=0.1)


def test_alternate_slices_shifted_come_back():
    scan = _scan()
    shifted = CTVolume(scan.hu + np.where(np.arange(11) % 2, 20, -20).astype(np.int16)[:, None, None], scan.spacing)
    assert np.array_equal(thicker_slices(shifted, 2.5).hu, thicker_slices(scan, 2.5).hu)


def test_padding_stays_as_it_is():
    padding = np.zeros((11, 24, 20), bool)
    padding[1, 0, 0] = True
    scan = _scan(padding=padding)
    thick = thicker_slices(scan, 2.5)
    assert thick.padding is not None
    assert thick.padding.sum() == 1
    assert thick.padding[0, 0, 0]
    assert thick.hu[0, 0, 0] == scan.hu[0, 0, 0]


def test_thickness_of_its_own_changes_nothing_and_nonsense_is_refused():
    scan = _scan()
    assert thicker_slices(scan, 1.25) is scan
    with pytest.raises(ValueError, match="cannot be made"):
        thicker_slices(scan, 1.0)
    with pytest.raises(ValueError, match="the scan is only"):
        thicker_slices(scan, 40.0)
