"""Measuring nodules whose brightness, size and edge are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.measures.nodule import core_mean, measure_nodule

LUNG_HU = -860
SPACING = (2.0, 0.8, 0.8)
SHAPE = (40, 90, 90)
AT = (20, 45, 45)


def _scan(tissue_hu: float = 30, diameter_mm: float = 0, edge_mm: float = 1.0, off_mm=(0, 0, 0)) -> CTVolume:
    """Lung with a ball in it, whose edge is a Gaussian's integral of this standard deviation."""
    from scipy.stats import norm

    away = (np.indices(SHAPE).T - AT) * SPACING - off_mm
    distance = np.linalg.norm(away, axis=-1).T
    inside = norm.cdf((diameter_mm / 2 - distance) / edge_mm) if diameter_mm else 0
    hu = LUNG_HU + (tissue_hu - LUNG_HU) * inside + np.random.default_rng(0).normal(0, 20, SHAPE)
    return CTVolume(np.round(hu).astype(np.int16), SPACING)


@settings(max_examples=12, deadline=None, phases=[Phase.generate])
@given(
    diameter_mm=st.floats(10, 24),
    tissue_hu=st.floats(-450, 60),
    edge_mm=st.floats(0.8, 1.5),
    off_mm=st.tuples(*3 * (st.floats(-2, 2),)),
)
def test_a_ball_has_its_brightness_size_and_edge(diameter_mm, tissue_hu, edge_mm, off_mm):
    found = measure_nodule(_scan(tissue_hu, diameter_mm, edge_mm, off_mm), AT)
    assert found is not None
    assert found.core_hu == pytest.approx(tissue_hu, abs=0.1 * (tissue_hu - LUNG_HU))
    assert found.diameter_mm == pytest.approx(diameter_mm, abs=1.2)
    # A Gaussian's integral takes 2.56 standard deviations from 90 % to 10 %.
    assert found.edge_mm == pytest.approx(2.56 * edge_mm, abs=1.2)


def test_a_blurred_nodule_has_the_wider_edge():
    sharp, blurred = (measure_nodule(_scan(30, 14, edge_mm), AT) for edge_mm in (0.7, 2.5))
    assert sharp is not None
    assert blurred is not None
    assert blurred.edge_mm > sharp.edge_mm + 2


def test_where_there_is_nothing_nothing_is_measured():
    assert measure_nodule(_scan(), AT) is None
    assert measure_nodule(_scan(30, 12, off_mm=(0, 15, 0)), AT) is None
    assert measure_nodule(CTVolume(np.full(SHAPE, 40, np.int16), SPACING), AT) is None


def test_vessels_and_wall_that_were_there_before_are_no_part_of_it():
    before = _scan()
    hu = before.hu.copy()
    hu[:, 51:, :] = 40  # a wall 5 mm away
    hu[18:22, :, 44:47] = 60  # a vessel right through
    before = CTVolume(hu, SPACING)
    after = CTVolume(np.maximum(_scan(30, 14).hu, hu), SPACING)
    found = measure_nodule(after, AT, before=before)
    assert found is not None
    assert 10 < found.diameter_mm < 14
    assert found.edge_mm < 5


def test_a_nodule_that_is_one_piece_with_the_wall_has_no_size():
    hu = _scan(30, 14).hu.copy()
    hu[:, 51:, :] = 30
    found = measure_nodule(CTVolume(hu, SPACING), AT)
    assert found is not None
    assert found.core_hu == pytest.approx(30, abs=40)
    assert np.isnan([found.diameter_mm, found.edge_mm]).all()


def test_a_thin_vessel_is_cut_off():
    hu = _scan(30, 14).hu.copy()
    hu[20, 45, :] = 30
    found = measure_nodule(CTVolume(hu, SPACING), AT)
    assert found is not None
    assert found.diameter_mm == pytest.approx(14, abs=1)


def test_core_mean_is_that_of_3_mm():
    scan = _scan(30, 12)
    away = np.linalg.norm((np.indices(SHAPE).T - AT) * SPACING, axis=-1).T
    assert core_mean(scan, AT) == pytest.approx(float(scan.hu[away <= 3].mean()), abs=25)
    flat = CTVolume(ndimage.uniform_filter(np.full(SHAPE, -700), 3).astype(np.int16), SPACING)
    assert core_mean(flat, AT) == pytest.approx(-700, abs=0.1)


def _at_1mm() -> tuple[np.ndarray, np.ndarray]:
    """HU of lung without noise in voxels of 1 mm, and the distance of each from the middle one, mm."""
    away = np.linalg.norm(np.indices((61, 61, 61)) - np.reshape((30, 30, 30), (3, 1, 1, 1)), axis=0)
    return np.full(away.shape, -900, np.int16), away


def test_a_nodule_that_fades_in_proportion_by_hand():
    hu, away = _at_1mm()
    hu[:] = np.round(np.clip(-150 * (away - 6), -900, 0))  # 0 HU up to 6 mm, -900 HU from 12 mm on
    found = measure_nodule(CTVolume(hu, (1.0, 1.0, 1.0)), (30, 30, 30))
    assert found is not None
    assert found.core_hu == pytest.approx(0, abs=1e-3)
    # Half of the brightness is left at 9 mm, 90 % at 6.6 mm, 10 % at 11.4 mm.
    assert found.diameter_mm == pytest.approx(18, abs=0.2)
    assert found.edge_mm == pytest.approx(4.8, abs=0.15)


def test_of_one_without_a_size_the_brightness_is_that_of_3_mm_around_the_site():
    hu, away = _at_1mm()
    hu[away <= 4] = 0
    hu[28:33, 28:33, 30:] = 0  # a stalk to the end of the scan
    found = measure_nodule(CTVolume(hu, (1.0, 1.0, 1.0)), (30, 30, 30))
    assert found is not None
    assert found.core_hu == pytest.approx(0, abs=1e-3)
    assert np.isnan([found.diameter_mm, found.edge_mm]).all()
