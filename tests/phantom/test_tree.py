import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.phantom.canvas import Grid
from napari_mits_gan.phantom.tree import MURRAY, Branch, beside, coverage, grow


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 1000))
def test_a_tree_reaches_every_target_and_hangs_together(number, seed):
    random = np.random.default_rng(seed)
    targets = random.uniform(0, 100, (number, 3))
    branches = grow(np.zeros(3), targets, 0.5, random)
    ends = {b.end.tobytes() for b in branches}
    assert {t.tobytes() for t in targets} <= ends
    starts = {np.zeros(3).tobytes()} | ends
    assert all(b.start.tobytes() in starts for b in branches)


def test_radii_follow_murray_s_law():
    random = np.random.default_rng(0)
    branches = grow(np.zeros(3), random.uniform(0, 100, (64, 3)), 0.5, random)
    assert branches[0].start_radius_mm == pytest.approx(0.5 * 64 ** (1 / MURRAY))
    assert all(b.end_radius_mm <= b.start_radius_mm for b in branches)


def test_an_airway_runs_beside_its_artery_without_gaps():
    random = np.random.default_rng(0)
    arteries = grow(np.zeros(3), random.uniform(20, 100, (40, 3)), 0.5, random)
    airways = beside(arteries, share=0.7)
    for artery, airway in zip(arteries, airways, strict=True):
        gap = np.linalg.norm(airway.end - artery.end)
        assert gap == pytest.approx(artery.end_radius_mm + airway.end_radius_mm)
    assert {a.start.tobytes() for a in airways[1:]} <= {a.end.tobytes() for a in airways} | {airways[0].start.tobytes()}


def test_a_thin_vessel_is_faint_rather_than_wide():
    grid = Grid((21, 41, 41), (2.0, 1.3, 1.3))
    line = np.array([-20.0, 0, 0]), np.array([60.0, 0, 0])
    thin, thick = (coverage(grid, [Branch(*line, r, r, 0, 1)])[10, 20] for r in (0.2, 3.0))
    assert thick.max() == 1
    assert 0.05 < thin.max() < 0.5
    assert np.count_nonzero(thin) <= 4


def test_nothing_is_painted_outside_the_grid():
    grid = Grid((5, 9, 9), (2.0, 1.3, 1.3))
    assert coverage(grid, [Branch(np.full(3, 900.0), np.full(3, 950.0), 3, 3, 0, 1)]).max() == 0
