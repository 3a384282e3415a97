"""Training the detector: it runs, learns, stops and goes on, and writes a file that works."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_mits_gan.detection import train
from napari_mits_gan.detection.detector import NoduleDetector
from napari_mits_gan.detection.train import DetectorTraining, train_detector
from napari_mits_gan.detection.weights import load_detector
from napari_mits_gan.errors import Cancelled, WeightsError

QUICK = DetectorTraining(steps=4, batch_size=2, mining_rounds=1, mined_places=20, threshold_places=25, seed=3)


@pytest.fixture(autouse=True)
def _every_step_is_kept(monkeypatch):
    monkeypatch.setattr(train, "_CHECKPOINT_EVERY", 1)


def _stop_after(step: int):
    def progress(done: int, total: int) -> None:
        if done == step:
            raise Cancelled("stopped")

    return progress


def _weights(path) -> torch.Tensor:
    return torch.cat([p.ravel() for p in load_detector(path).network.parameters()])


def test_training_writes_a_detector_that_works(small_chest, chest_nodule, tmp_path):
    path = tmp_path / "detector.safetensors"
    told = []
    trained = train_detector(
        [small_chest], [[chest_nodule]], path, QUICK, device="cpu", progress=lambda done, total: told.append(done)
    )
    detector = NoduleDetector.load(path, "cpu")
    assert told == [1, 2, 3, 4]
    assert detector.threshold == trained.threshold
    stored = detector.weights.metadata
    assert (stored["seed"], stored["steps"], stored["scans"]) == (3, 4, ["small chest"])
    cubes = np.random.default_rng(0).normal(-700, 200, (3, 48, 48, 48)).astype(np.float32)
    with torch.no_grad():
        expected = torch.sigmoid(trained.network(torch.from_numpy(cubes))).numpy()
    np.testing.assert_allclose(detector.score_cubes(cubes), expected, atol=5e-3)
    log = np.loadtxt(path.with_suffix(".csv"), delimiter=",")
    assert log[:, 0].tolist() == [1, 2, 3, 4]


def test_an_interrupted_training_ends_as_one_in_a_single_run(small_chest, chest_nodule, tmp_path):
    whole, parted = tmp_path / "whole.safetensors", tmp_path / "parted.safetensors"
    train_detector([small_chest], [[chest_nodule]], whole, QUICK, device="cpu")
    with pytest.raises(Cancelled):
        train_detector([small_chest], [[chest_nodule]], parted, QUICK, device="cpu", progress=_stop_after(3))
    assert not parted.exists()
    train_detector([small_chest], [[chest_nodule]], parted, QUICK, device="cpu")
    assert torch.equal(_weights(whole), _weights(parted))


def test_another_seed_trains_another_detector(small_chest, chest_nodule, tmp_path):
    settings = dataclasses.replace(QUICK, steps=1, mining_rounds=0)
    for seed in (1, 2):
        train_detector(
            [small_chest],
            [[chest_nodule]],
            tmp_path / f"{seed}.safetensors",
            dataclasses.replace(settings, seed=seed),
            device="cpu",
        )
    assert not torch.equal(_weights(tmp_path / "1.safetensors"), _weights(tmp_path / "2.safetensors"))


def test_a_checkpoint_of_other_settings_is_refused(small_chest, chest_nodule, tmp_path):
    path = tmp_path / "detector.safetensors"
    settings = dataclasses.replace(QUICK, steps=1, mining_rounds=0)
    train_detector([small_chest], [[chest_nodule]], path, settings, device="cpu")
    with pytest.raises(WeightsError, match="other settings"):
        train_detector([small_chest], [[chest_nodule]], path, dataclasses.replace(settings, seed=9), device="cpu")
