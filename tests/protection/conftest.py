"""A small patient with padding around the field of view, and untrained networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.network import Generator
from napari_mits_gan.attack.ctgan.weights import AttackerWeights
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.protection.networks import PerturbationGenerator
from napari_mits_gan.protection.weights import save_protector


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def patient() -> CTVolume:
    """Trunk with two lungs, 24 x 72 x 80 voxels of 3 x 1.5 x 1.5 mm; outside a circle the scanner stored padding."""
    z, y, x = np.mgrid[0:24, 0:72, 0:80].astype(np.float32)
    hu = np.full(z.shape, -1000.0, dtype=np.float32)
    hu[((y - 36) / 27) ** 2 + ((x - 40) / 33) ** 2 <= 1] = 40
    for middle in (25, 55):
        hu[((z - 12) / 16) ** 2 + ((y - 36) / 19) ** 2 + ((x - middle) / 12) ** 2 <= 1] = -860
    hu += np.random.default_rng(0).normal(0, 20, hu.shape)
    padding = (y - 36) ** 2 + (x - 40) ** 2 > 35**2
    hu[padding] = -2048
    return CTVolume(np.round(hu).astype(np.int16), (3.0, 1.5, 1.5), padding=padding, name="small patient")


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a generator whose output depends on map, noise and slice, as a trained one's does."""
    torch.manual_seed(0)
    generator = PerturbationGenerator(4)
    torch.nn.init.normal_(generator.tail.weight, std=0.5)
    with torch.no_grad():
        generator.map.values.mul_(3)
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    save_protector(generator, path, {"steps": 0})
    return path


@pytest.fixture(scope="session")
def opponents() -> list[CTGAN]:
    torch.manual_seed(1)
    generator = Generator(2)
    with torch.no_grad():
        generator.out.weight.mul_(3.0)
    generator.eval().requires_grad_(False)
    weights = AttackerWeights("inject", generator, Calibration.fixed_window(-1000, 400))
    return [CTGAN(weights, "random injector"), CTGAN(replace(weights, action="remove"), "random remover")]


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, opponents: list[CTGAN]) -> list[CTGAN]:
    """Searches on the scan itself follow these small random attackers, whichever they load by name."""
    by_name = dict(zip(("inject", "remove"), opponents, strict=True))
    monkeypatch.setattr(CTGAN, "load", lambda name, device: by_name[name])
    return opponents
