"""What the detector learns from: nodules in the middle, and healthy voxels that are really healthy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.detection.training_samples import TrainingSamples
from napari_mits_gan.detection.training_scan import TrainingScan
from napari_mits_gan.errors import DetectionError


@pytest.fixture(scope="module")
def samples(small_chest, chest_nodule) -> TrainingSamples:
    return TrainingSamples([small_chest], [[chest_nodule]])


def test_the_scan_is_resampled_with_its_nodule(small_chest, chest_nodule):
    scan = TrainingScan.of(small_chest, [chest_nodule])
    assert scan.hu.shape == (88, 159, 219)
    (at,) = np.round(scan.nodules[:, :3]).astype(int)
    np.testing.assert_allclose(at, np.array(chest_nodule.at) * small_chest.spacing, atol=1)
    cube = scan.cube(at, (9, 9, 9))
    assert cube.mean() == pytest.approx(40, abs=15)


def test_no_healthy_place_is_near_the_nodule(samples):
    scan = samples.scans[0]
    *center, diameter = scan.nodules[0]
    for group, flat in scan.groups.items():
        assert len(flat) > 0, group
        away = np.linalg.norm(np.stack(np.unravel_index(flat, scan.hu.shape), axis=1) - center, axis=1)
        assert away.min() > diameter / 2 + 10


def test_the_groups_lie_where_they_say(samples):
    scan = samples.scans[0]
    hu = {name: scan.hu.ravel()[flat] for name, flat in scan.groups.items()}
    assert np.median(hu["lung"]) < -800
    assert np.median(hu["dense"]) > -550
    assert np.median(hu["outside"]) > -100
    assert not np.intersect1d(scan.groups["lung"], scan.groups["outside"]).size


def test_half_of_a_batch_shows_something_bright_in_the_middle(samples):
    cubes, labels = samples.batch(24, np.random.default_rng(0))
    assert cubes.shape == (24, 48, 48, 48)
    assert labels.sum() == 12
    assert np.isfinite(cubes).all()
    assert cubes.min() >= -1024
    middle = cubes[:, 20:28, 20:28, 20:28]
    brightest = np.percentile(middle, 95, axis=(1, 2, 3))
    assert np.mean(brightest[labels == 1] > -700) > 0.9


def test_the_same_stream_gives_the_same_batch(samples):
    first, again = (samples.batch(4, np.random.default_rng(7))[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_the_highest_scores_are_mined_and_kept_by_a_checkpoint(small_chest, chest_nodule):
    samples = TrainingSamples([small_chest], [[chest_nodule]])
    samples.mine(lambda cubes: cubes[:, 24, 24, 24].astype(float), 100, np.random.default_rng(0))
    state = samples.state_dict()
    voxels = state["0"].numpy()
    assert 4 <= len(voxels) <= 10
    scan = samples.scans[0]
    assert min(scan.hu[tuple(at)] for at in voxels) > 0
    other = TrainingSamples([small_chest], [[chest_nodule]])
    other.load_state_dict(state)
    assert torch.equal(other.state_dict()["0"], state["0"])
    with_them, without = (
        s.batch(12, np.random.default_rng(3))[0] for s in (other, TrainingSamples([small_chest], [[chest_nodule]]))
    )
    assert not np.array_equal(with_them, without)


def test_a_scan_without_lungs_is_refused():
    with pytest.raises(DetectionError, match="no lung"):
        TrainingSamples([CTVolume(np.full((20, 40, 40), 30, dtype=np.int16), (2.0, 2.0, 2.0))], [()])
