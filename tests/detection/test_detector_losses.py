"""The loss of the detector's training, by numbers worked out by hand."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from napari_mits_gan.detection.losses import DetectorLosses
from napari_mits_gan.detection.train import DetectorTraining, train_detector
from napari_mits_gan.errors import WeightsError


def test_the_loss_is_the_mean_surprise_at_the_right_answer():
    # The logit ln 3 says 3 : 1 for a nodule, so p = 3/4; -ln 3 says p = 1/4.
    logits = torch.tensor([math.log(3), math.log(3), -math.log(3), 0.0])
    labels = torch.tensor([1.0, 0.0, 0.0, 1.0])
    wanted = -(math.log(3 / 4) + math.log(1 / 4) + math.log(3 / 4) + math.log(1 / 2)) / 4
    assert DetectorLosses().detector(logits, labels).item() == pytest.approx(wanted)


def test_the_gradient_raises_the_score_of_a_nodule_and_lowers_that_of_healthy_lung():
    logits = torch.zeros(2, requires_grad=True)
    (gradient,) = torch.autograd.grad(DetectorLosses().detector(logits, torch.tensor([1.0, 0.0])), [logits])
    # p - label over two samples.
    assert gradient.tolist() == pytest.approx([-0.25, 0.25])


class Indifferent(DetectorLosses):
    """Learns nothing."""

    def detector(self, logits, labels):
        return 0 * logits.sum()


def test_training_minimises_the_loss_of_a_subclass(small_chest, chest_nodule, tmp_path):
    settings = DetectorTraining(steps=2, batch_size=2, mining_rounds=0, threshold_places=25, weight_decay=0.0, seed=3)
    path = tmp_path / "d.safetensors"
    still = dataclasses.replace(settings, learning_rate=0.0)
    untouched = train_detector([small_chest], [[chest_nodule]], tmp_path / "s.safetensors", still, device="cpu")
    indifferent = train_detector([small_chest], [[chest_nodule]], path, settings, losses=Indifferent, device="cpu")
    for a, b in zip(untouched.network.parameters(), indifferent.network.parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(WeightsError, match="other settings"):
        train_detector([small_chest], [[chest_nodule]], path, settings, device="cpu")
