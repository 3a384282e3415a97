"""The network that tells noise from another by its texture is trained, interrupted and resumed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_mits_gan.inspection.texture import FEATURES
from napari_mits_gan.inspection.texture_network import load_texture, logits
from napari_mits_gan.inspection.texture_samples import TextureSamples
from napari_mits_gan.inspection.train_texture import TextureTraining, train_texture
from noisy_chest import make_lung_block

SETTINGS = TextureTraining(steps=4, batch_size=200, mining_rounds=1, rounds=1)


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def lung():
    return make_lung_block(shape=(32, 80, 80))


@pytest.fixture(scope="module")
def samples(lung):
    return TextureSamples([lung], rounds=1, seed=0)


@pytest.fixture(autouse=True)
def made_once(samples, monkeypatch):
    """They take most of the time."""
    monkeypatch.setattr("napari_mits_gan.inspection.train_texture.TextureSamples", lambda *_, **__: samples)


def test_every_forger_leaves_blocks_to_learn_from(samples):
    assert all(len(blocks) > 20 for origins in samples.tampered.values() for blocks in origins)
    assert len(samples.nodules[0]) > 20
    assert len(samples.untouched[0]) > 1000


def test_what_is_trained_can_be_loaded_and_says_how_it_came_about(lung, tmp_path):
    output = tmp_path / "texture.safetensors"
    trained = train_texture([lung], output, SETTINGS)
    stored = load_texture(output)
    features = np.random.default_rng(0).normal(size=(50, FEATURES)).astype(np.float32)
    assert logits(stored.network, features) == pytest.approx(logits(trained.network, features), abs=2e-2)
    assert stored.metadata["scans"] == ["lung"]
    assert stored.metadata["forgers"] == ["inject", "remove", "smoothed", "renoised"]
    assert output.stat().st_size < 2_000_000


def test_an_interrupted_training_ends_as_an_uninterrupted_one(lung, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_mits_gan.inspection.train_texture._CHECKPOINT_EVERY", 2)
    whole = train_texture([lung], tmp_path / "whole.safetensors", SETTINGS)

    def stop(done, of):
        if 0.94 <= done / of < 1:  # the last fifth is the network's four steps
            raise Interrupted

    with pytest.raises(Interrupted):
        train_texture([lung], tmp_path / "part.safetensors", SETTINGS, progress=stop)
    assert (tmp_path / "part.checkpoint").exists()
    part = train_texture([lung], tmp_path / "part.safetensors", SETTINGS)
    for one, other in zip(whole.network.parameters(), part.network.parameters(), strict=True):
        assert torch.equal(one, other)
