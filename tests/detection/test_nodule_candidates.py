from __future__ import annotations

import itertools

import numpy as np
import pytest

from chest_with_balls import BALLS, NEAR_MM, chest, distance_mm, with_balls
from napari_mits_gan.detection.nodule_candidates import STEPS, nodule_candidates


def test_balls_come_before_vessels_and_walls():
    nodular = with_balls(chest(), BALLS)
    first = nodule_candidates(nodular)[0][: len(BALLS)]
    for center in BALLS:
        at = np.divide(center, nodular.spacing)
        assert min(distance_mm(nodular, at, found) for found in first) < NEAR_MM


@pytest.mark.parametrize("spacing", [(1.0, 0.7, 0.7), (5.0, 0.8, 0.8), (2.0, 2.0, 2.0)])
def test_balls_are_found_whatever_the_spacing(spacing):
    volume = with_balls(chest(spacing), BALLS)
    voxels = nodule_candidates(volume)[0][:8]
    for center in BALLS:
        at = np.divide(center, volume.spacing)
        assert min(distance_mm(volume, at, found) for found in voxels) < NEAR_MM


def test_places_lie_apart_the_most_striking_first_and_all_steps_are_told():
    volume = with_balls(chest(), BALLS)
    told: list[tuple[int, int]] = []
    voxels, response = nodule_candidates(volume, progress=lambda done, total: told.append((done, total)))
    assert len(voxels) == len(response) <= 200
    assert (np.diff(response) <= 0).all()
    assert response.min() > 0
    assert min(distance_mm(volume, a, b) for a, b in itertools.combinations(voxels, 2)) >= 6
    assert [done for done, _ in told] == list(range(STEPS + 1))
