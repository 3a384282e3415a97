"""The detector as others meet it: scores, refusals, and the file that is shipped."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_mits_gan.detection.detector import NoduleDetector, score_cubes
from napari_mits_gan.detection.weights import load_detector, save_detector
from napari_mits_gan.errors import DetectionError, WeightsError


def test_scores_lie_between_nothing_and_one_for_any_place(untrained, small_chest):
    voxels = [(0, 0, 0), (29, 79, 109), (14, 40, 30), (15, 40, 54)]
    scores = untrained.scores(small_chest, voxels)
    assert scores.shape == (4,)
    assert scores.dtype == np.float64
    assert ((scores >= 0) & (scores <= 1)).all()
    assert len(np.unique(scores)) == 4


def test_a_place_is_scored_alike_alone_and_among_others(untrained, small_chest):
    voxels = [(14, 40, x) for x in range(20, 40)]
    together = untrained.scores(small_chest, voxels)
    np.testing.assert_allclose(untrained.scores(small_chest, voxels[17:18]), together[17:18], atol=1e-5)
    assert untrained.scores(small_chest, []).shape == (0,)


class _OnMps(torch.Tensor):
    """A tensor on a device without double precision, as Apple's mps."""

    def double(self):
        raise TypeError("Cannot convert a MPS Tensor to float64")

    def cpu(self):
        return self.as_subclass(torch.Tensor).clone()


class _NetworkOnMps(torch.nn.Linear):
    def forward(self, cubes):
        return cubes.mean(dim=(1, 2, 3)).as_subclass(_OnMps)


def test_scores_are_computed_on_devices_without_double_precision():
    cubes = np.stack([np.full((48, 48, 48), value, dtype=np.float32) for value in (0.0, np.log(3.0))])
    np.testing.assert_allclose(score_cubes(_NetworkOnMps(1, 1), cubes), [0.5, 0.75], atol=1e-6)


def test_it_finds_what_reaches_the_threshold(untrained, small_chest):
    voxels = [(14, 40, x) for x in range(20, 32)]
    scores = untrained.scores(small_chest, voxels)
    assert [untrained.finds(small_chest, at) for at in voxels] == (scores >= 0.5).tolist()


@pytest.mark.parametrize("at", [(30, 0, 0), (-1, 5, 5), (3, 4, 5.5), (3, 4)])
def test_what_is_no_voxel_of_the_scan_is_refused(untrained, small_chest, at):
    with pytest.raises(DetectionError, match="no voxel"):
        untrained.scores(small_chest, [at])


def test_cubes_of_another_shape_are_refused(untrained):
    with pytest.raises(ValueError, match="shape"):
        untrained.score_cubes(np.zeros((48, 48, 48), dtype=np.float32))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="no file"):
        NoduleDetector.load(tmp_path / "none.safetensors")


def test_a_damaged_file_is_refused(untrained, tmp_path):
    path = tmp_path / "d.safetensors"
    save_detector(untrained.weights, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="damaged"):
        NoduleDetector.load(path)


def test_an_attackers_file_is_refused():
    from napari_mits_gan.weights_file import SHIPPED_WEIGHTS

    with pytest.raises(WeightsError, match="does not hold a detector's weights"):
        load_detector(SHIPPED_WEIGHTS / "remover.safetensors")


def test_the_shipped_detector_is_small_and_says_how_it_was_trained():
    from napari_mits_gan.detection.detector import _SHIPPED

    assert _SHIPPED.stat().st_size < 1_000_000
    detector = NoduleDetector.load(device="cpu")
    assert detector.name.startswith("detector.safetensors ")
    assert 0 < detector.threshold < 1
    assert isinstance(detector.weights.metadata["seed"], int)
    held_out = ("LIDC-IDRI-0001", "RIDER-Pilot-0117")
    assert not [scan for scan in detector.weights.metadata["scans"] if scan in held_out]
