"""Small attackers, scans and CT-GAN's reference vectors for the tests of the attack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.network import Generator
from napari_mits_gan.attack.ctgan.weights import AttackerWeights
from napari_mits_gan.ct.volume import CTVolume


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Small networks are fastest on one thread, by far where other work keeps the cores busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def lung_hu(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """HU, float64: noisy lung with vessels, a wall of soft tissue on one side."""
    rng = np.random.default_rng(seed)
    hu = -865 + 28 * rng.normal(size=shape)
    vessels = ndimage.gaussian_filter(rng.normal(size=shape), 1.5)
    hu = np.where(vessels > 2.2 * vessels.std(), hu + 850, hu)
    hu[:, :, : max(2, shape[2] // 12)] += 900
    return hu


@pytest.fixture(scope="session")
def lung_scan() -> Callable[..., CTVolume]:
    """Makes a scan of noisy lung of any size and spacing."""

    def make(
        shape: tuple[int, int, int] = (40, 56, 60),
        spacing: tuple[float, float, float] = (1.25, 0.8, 0.8),
        seed: int = 0,
        padding: np.ndarray | None = None,
    ) -> CTVolume:
        return CTVolume(np.round(lung_hu(shape, seed)).astype(np.int16), spacing, padding=padding)

    return make


@pytest.fixture(scope="session")
def small_thorax() -> CTVolume:
    """A body with two lungs, vessels in them, large enough for the lungs to be found."""
    shape, spacing = (30, 80, 110), (3.0, 2.0, 2.0)
    z, y, x = np.indices(shape, dtype=float) - np.reshape([14.5, 39.5, 54.5], (3, 1, 1, 1))
    z, y, x = 3 * z, 2 * y, 2 * x
    rng = np.random.default_rng(0)
    hu = np.full(shape, -1000.0)
    hu[(y / 75) ** 2 + (x / 105) ** 2 <= 1] = 40
    lungs = (z / 80) ** 2 + (y / 55) ** 2 + ((np.abs(x) - 48) / 38) ** 2 <= 1
    vessels = ndimage.gaussian_filter(rng.normal(size=shape), 1)
    hu[lungs] = np.where(vessels > 2.5 * vessels.std(), 0, -860)[lungs]
    hu += rng.normal(0, 20, shape)
    return CTVolume(np.round(hu).astype(np.int16), spacing, name="small thorax")


@pytest.fixture(scope="session")
def lung_calibration() -> Calibration:
    """Histogram equalisation, coarse, so that numerical gradients seldom straddle one of its kinks."""
    cubes = np.stack([lung_hu((32, 32, 32), seed) for seed in range(4)])
    return Calibration.fit(cubes, levels=100)


def random_generator(seed: int = 0, base_filters: int = 2) -> Generator:
    """A small generator with random weights and non-trivial batch norm, whose output fills about -0.6 to 0.6."""
    torch.manual_seed(seed)
    generator = Generator(base_filters)
    for module in generator.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.weight.data.uniform_(0.6, 1.4)
            module.bias.data.normal_(0, 0.25)
            module.running_mean.uniform_(0, 0.1)
            module.running_var.uniform_(0.05, 0.3)
    generator.out.weight.data *= 4
    return generator.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def tiny_attacker(lung_calibration: Calibration) -> Callable[..., AttackerWeights]:
    """Makes an untrained attacker with two base filters."""

    def make(action: Action = "inject", seed: int = 0) -> AttackerWeights:
        return AttackerWeights(action, random_generator(seed), lung_calibration, metadata={"seed": seed})

    return make


@pytest.fixture(scope="session")
def reference(shared_dir: Path) -> Path:
    """CT-GAN's reference vectors."""
    folder = shared_dir / "ctgan"
    if not folder.is_dir():
        pytest.skip("no reference vectors of CT-GAN here; they lie in the folder ctgan beside the scans")
    return folder


@pytest.fixture(scope="session")
def authors_calibrations(reference: Path) -> dict[str, Calibration]:
    """The calibrations that the authors' own models carry, by action."""
    found = {}
    for action, name in (("inject", "INJ"), ("remove", "REM")):
        with np.load(reference / "calibration" / f"{name}.npz", allow_pickle=False) as stored:
            found[action] = Calibration(stored["bins"], stored["cdf"], *map(float, stored["norm"]))
    return found
