"""Drawn nodules: as bright and as large as asked, and never darker than what was there."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.attack.nodules.implant import implant_nodule
from napari_mits_gan.attack.nodules.rules import NoduleShape, random_nodule

SIDE = 48
CENTER = (SIDE / 2 - 0.5,) * 3
ROUND = NoduleShape(
    diameter_mm=12.0,
    solid_hu=40.0,
    rim_hu=float("nan"),
    elongation=(1.0, 1.0, 1.0),
    lobulation=0.0,
    spicules=0,
    edge_mm=0.7,
    seed=1,
)


@pytest.fixture(scope="module")
def lung() -> np.ndarray:
    return np.random.default_rng(0).normal(-870, 25, (SIDE,) * 3).astype(np.float32)


def _distance_mm(center: tuple[float, float, float] = CENTER) -> np.ndarray:
    grid = np.indices((SIDE,) * 3) - np.reshape(center, (3, 1, 1, 1))
    return np.linalg.norm(grid, axis=0)


def _diameter_mm(hu: np.ndarray, above: float = -415) -> float:
    """Diameter of the sphere with as many voxels as lie above the middle between lung and nodule."""
    return float(2 * ((hu > above).sum() * 3 / (4 * np.pi)) ** (1 / 3))


@pytest.mark.parametrize("diameter_mm", [6.0, 10.0, 15.0, 20.0])
def test_a_round_nodule_has_the_diameter_asked_for(lung, diameter_mm):
    drawn = implant_nodule(lung, dataclasses.replace(ROUND, diameter_mm=diameter_mm), CENTER)
    assert _diameter_mm(drawn) == pytest.approx(diameter_mm, abs=0.8)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_nodules_of_any_shape_have_about_the_diameter_asked_for(lung, seed):
    rng = np.random.default_rng(seed)
    nodule = dataclasses.replace(random_nodule(rng), solid_hu=40.0, rim_hu=float("nan"), spicules=0)
    drawn = implant_nodule(lung, nodule, CENTER)
    assert _diameter_mm(drawn) == pytest.approx(nodule.diameter_mm, rel=0.35, abs=1.5)


@pytest.mark.parametrize("solid_hu", [-20.0, 40.0, 90.0, -500.0])
def test_the_inside_has_the_hu_asked_for(lung, solid_hu):
    drawn = implant_nodule(lung, dataclasses.replace(ROUND, solid_hu=solid_hu), CENTER)
    assert drawn[_distance_mm() < 3.5].mean() == pytest.approx(solid_hu, abs=12)


def test_the_scans_own_texture_runs_through_the_nodule(lung):
    inner = _distance_mm() < 4
    noise = lung[inner] - lung[inner].mean()
    drawn = implant_nodule(lung, ROUND, CENTER)[inner]
    assert np.corrcoef(noise, drawn)[0, 1] > 0.8
    assert drawn.std() == pytest.approx(lung.std(), rel=0.3)


def test_a_part_solid_nodule_has_a_rim_of_ground_glass(lung):
    nodule = dataclasses.replace(ROUND, diameter_mm=18.0, rim_hu=-500.0)
    drawn = implant_nodule(lung, nodule, CENTER)
    distance = _distance_mm()
    assert drawn[distance < 3].mean() == pytest.approx(40, abs=25)
    assert drawn[(distance > 7) & (distance < 8)].mean() == pytest.approx(-500, abs=60)


def test_spicules_reach_beyond_the_nodule_and_end(lung):
    spiky = dataclasses.replace(ROUND, spicules=6)
    added = implant_nodule(lung, spiky, CENTER) - implant_nodule(lung, ROUND, CENTER)
    distance = _distance_mm()
    assert (added[(distance > 6) & (distance < 9.5)] > 30).sum() > 20
    # The longest is 1.9 radii long; the rest is the scanner's blur.
    assert np.abs(added[distance > 1.9 * 6 + 4]).max() < 0.5


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_nothing_is_darkened_and_what_lies_far_away_stays(lung, seed):
    rng = np.random.default_rng(seed)
    scene = lung.copy()
    scene[:, 20:23, :] = 120  # a vessel
    scene[:, :, :10] = 45  # the wall
    nodule = random_nodule(rng)
    drawn = implant_nodule(scene, nodule, CENTER)
    assert drawn.dtype == np.float32
    assert np.isfinite(drawn).all()
    assert (drawn >= scene).all()
    far = _distance_mm() > 1.9 * nodule.diameter_mm / 2 + 6
    np.testing.assert_array_equal(drawn[far], scene[far])


def test_the_same_parameters_draw_the_same_nodule(lung):
    nodule = random_nodule(np.random.default_rng(5))
    np.testing.assert_array_equal(implant_nodule(lung, nodule, CENTER), implant_nodule(lung, nodule, CENTER))
    other = dataclasses.replace(nodule, seed=nodule.seed + 1)
    assert not np.array_equal(implant_nodule(lung, nodule, CENTER), implant_nodule(lung, other, CENTER))


def test_drawing_leaves_the_lung_alone(lung):
    before = lung.copy()
    implant_nodule(lung, ROUND, CENTER)
    np.testing.assert_array_equal(lung, before)


def test_random_nodules_span_what_readers_describe():
    rng = np.random.default_rng(0)
    nodules = [random_nodule(rng) for _ in range(600)]
    diameters = np.array([n.diameter_mm for n in nodules])
    assert diameters.min() >= 4
    assert 25 < diameters.max() <= 30
    assert 11 < np.median(diameters) < 13
    part_solid = np.mean([np.isfinite(n.rim_hu) for n in nodules])
    ground_glass = np.mean([n.solid_hu < -300 for n in nodules])
    assert part_solid == pytest.approx(0.1, abs=0.04)
    assert ground_glass == pytest.approx(0.1, abs=0.04)
    assert all(np.prod(n.elongation) == pytest.approx(1) for n in nodules)


def test_the_range_of_diameters_is_kept():
    rng = np.random.default_rng(0)
    diameters = [random_nodule(rng, diameter_mm=(10.0, 11.0)).diameter_mm for _ in range(100)]
    assert 10 <= min(diameters) <= max(diameters) <= 11
