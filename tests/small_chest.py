"""A small chest that the anatomy finds lungs in, and small attackers with random weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.network import Generator
from napari_mits_gan.attack.ctgan.weights import AttackerWeights
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.detection.detector import NoduleDetector


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """These networks are so small that threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small_chest() -> CTVolume:
    """A trunk of 100 x 192 x 192 mm with two lungs in air, 40 x 64 x 64 voxels."""
    z, y, x = np.mgrid[0:40, 0:64, 0:64].astype(np.float32)
    hu = np.full(z.shape, -1000.0, dtype=np.float32)
    hu[((y - 32) / 24) ** 2 + ((x - 32) / 29) ** 2 <= 1] = 40
    for middle in (19, 45):
        hu[((z - 20) / 17) ** 2 + ((y - 32) / 17) ** 2 + ((x - middle) / 10) ** 2 <= 1] = -850
    hu += np.random.default_rng(0).normal(0, 15, hu.shape)
    return CTVolume(np.round(hu).astype(np.int16), spacing=(2.5, 3.0, 3.0), name="small chest")


def random_attacker(action: str, seed: int) -> CTGAN:
    """An attacker whose network was never trained; its output is not constant and depends on the shell."""
    torch.manual_seed(seed)
    generator = Generator(2)
    with torch.no_grad():
        generator.out.weight.mul_(3.0)
    generator.eval().requires_grad_(False)
    calibration = Calibration.fixed_window(-1000, 400)
    return CTGAN(AttackerWeights(action, generator, calibration), f"random weights {seed}")


@pytest.fixture(scope="session")
def attackers() -> dict[str, CTGAN]:
    return {"inject": random_attacker("inject", 0), "remove": random_attacker("remove", 1)}


@pytest.fixture(scope="session")
def detector() -> NoduleDetector:
    return NoduleDetector.load(device="cpu")
