"""The detector's drawn nodules: as large as asked, nothing darkened, another hand than the attackers'."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import napari_mits_gan.detection
from napari_mits_gan.detection.drawn_nodules import DrawnNodule, draw_into, random_drawn_nodule

SIDE = 48
CENTER = (24.0, 24.0, 24.0)
BETWEEN_VOXELS = (24.15, 23.7, 24.4)
"""Around a voxel's middle up to 48 voxels are as far away as each other, and come and go together."""
PLAIN = DrawnNodule(
    kind="solid",
    diameter_mm=12.0,
    solid_hu=30.0,
    haze_hu=300.0,
    balls=1,
    stretch=(1.0, 1.0, 1.0),
    roughness=0.0,
    spikes=0.0,
    edge_mm=0.5,
    slice_mm=1.0,
    texture=0.5,
    seed=3,
)


@pytest.fixture(scope="module")
def lung() -> np.ndarray:
    return np.random.default_rng(0).normal(-870, 20, (SIDE,) * 3).astype(np.float32)


def _diameter_mm(hu: np.ndarray, above: float = -420.0) -> float:
    return float(2 * ((hu > above).sum() * 3 / (4 * np.pi)) ** (1 / 3))


@settings(max_examples=25, deadline=None)
@example(diameter=8.25, balls=1, roughness=0.0, stretch=0.9921875, seed=0)
@given(
    diameter=st.floats(6, 26),
    balls=st.integers(1, 6),
    roughness=st.floats(0, 0.2),
    stretch=st.floats(0.8, 1.25),
    seed=st.integers(0, 2**31 - 1),
)
def test_a_solid_nodule_has_the_volume_of_the_ball_that_was_asked_for(diameter, balls, roughness, stretch, seed):
    lung = np.random.default_rng(0).normal(-870, 20, (SIDE,) * 3).astype(np.float32)
    nodule = dataclasses.replace(
        PLAIN, diameter_mm=diameter, balls=balls, roughness=roughness, stretch=(stretch, 1 / stretch, 1.0), seed=seed
    )
    drawn, seen = draw_into(lung, nodule, BETWEEN_VOXELS)
    assert _diameter_mm(drawn) == pytest.approx(diameter, rel=0.12, abs=0.6)
    # A Gaussian blur of s takes s² / r from the radius of a ball; what is rough has smaller radii.
    blurred = (1 - nodule.edge_mm**2 / (diameter / 2) ** 2) ** 3
    assert seen > (0.96 - 0.8 * roughness) * blurred


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_any_nodule_only_brightens_and_stays_in_its_place(seed):
    rng = np.random.default_rng(seed)
    lung = rng.normal(-870, 20, (SIDE,) * 3).astype(np.float32)
    nodule = random_drawn_nodule(rng)
    drawn, seen = draw_into(lung, nodule, CENTER)
    assert np.isfinite(drawn).all()
    assert 0 <= seen <= 1
    assert (drawn >= lung - 150).all()
    away = np.linalg.norm(np.indices(lung.shape) - np.reshape(CENTER, (3, 1, 1, 1)), axis=0)
    far = away > 1.6 * nodule.diameter_mm + 10
    np.testing.assert_array_equal(drawn[far], lung[far])


def test_vessels_and_pleura_stay_as_bright_as_they_were(lung):
    with_wall = lung.copy()
    with_wall[:, :, 26:] = 150.0
    drawn, _ = draw_into(with_wall, PLAIN, CENTER)
    assert (drawn[:, :, 26:] >= 150.0).all()


def test_in_soft_tissue_there_is_nothing_to_see(lung):
    _, seen = draw_into(np.full_like(lung, 60.0), PLAIN, CENTER)
    assert seen == 0.0


def test_a_nodule_beyond_the_cube_changes_nothing(lung):
    drawn, seen = draw_into(lung, PLAIN, (24.0, 24.0, 120.0))
    np.testing.assert_array_equal(drawn, lung)
    assert seen == 0.0


def test_ground_glass_is_hazy_and_lets_vessels_show(lung):
    with_vessel = lung.copy()
    with_vessel[:, 23:25, 23:25] = 40.0
    drawn, _ = draw_into(with_vessel, dataclasses.replace(PLAIN, kind="ground-glass", diameter_mm=16.0), CENTER)
    haze = drawn[20:28, 27:29, 21:27].mean()
    assert -750 < haze < -350
    np.testing.assert_allclose(drawn[20:28, 23:25, 23:25], 40.0)


def test_thick_slices_blur_across_more_than_within(lung):
    drawn, _ = draw_into(lung, dataclasses.replace(PLAIN, slice_mm=5.0, diameter_mm=10.0), CENTER)
    across, within = drawn[:, 24, 24] > -420, drawn[24, 24, :] > -420
    steep = [np.abs(np.diff(line)).max() for line in (drawn[:, 24, 24], drawn[24, 24, :])]
    assert abs(int(across.sum()) - int(within.sum())) <= 3
    assert steep[0] < 0.75 * steep[1]


def test_the_same_parameters_draw_the_same_nodule(lung):
    nodule = random_drawn_nodule(np.random.default_rng(5))
    np.testing.assert_array_equal(draw_into(lung, nodule, CENTER)[0], draw_into(lung, nodule, CENTER)[0])


def test_the_detector_knows_nothing_of_the_attackers_networks_or_nodules():
    # Only how they are used: cutting cubes out of a scan, and how large an attack is.
    others = {"__init__", "detector", "sites", "nodule_candidates", "search_grid"}
    modules = {path.stem: path for path in Path(napari_mits_gan.detection.__file__).parent.glob("*.py")}
    assert {"drawn_nodules", "training_samples", "train", "augmentation"} <= modules.keys() - others
    for name in modules.keys() - others:
        source = modules[name].read_text()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module != "napari_mits_gan.attack.resample":
                assert not (node.module or "").startswith("napari_mits_gan.attack"), f"{name} uses {node.module}"
