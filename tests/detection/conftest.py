"""A small chest, and an untrained detector, for the tests of the detector."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.detection.detector import NoduleDetector
from napari_mits_gan.detection.network import DetectorNetwork
from napari_mits_gan.detection.weights import DetectorWeights


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Small networks are fastest on one thread, by far where other work keeps the cores busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def chest_nodule() -> AnnotatedNodule:
    """Where the small chest has its nodule."""
    return AnnotatedNodule((14.0, 40.0, 30.0), 16.0)


@pytest.fixture(scope="session")
def small_chest(chest_nodule: AnnotatedNodule) -> CTVolume:
    """A body with two lungs, vessels in them, and one nodule, in slices of 3 mm."""
    shape, spacing = (30, 80, 110), (3.0, 2.0, 2.0)
    z, y, x = np.indices(shape, dtype=float) - np.reshape([14.5, 39.5, 54.5], (3, 1, 1, 1))
    z, y, x = 3 * z, 2 * y, 2 * x
    rng = np.random.default_rng(0)
    hu = np.full(shape, -1000.0)
    hu[(y / 75) ** 2 + (x / 105) ** 2 <= 1] = 40
    lungs = (z / 80) ** 2 + (y / 55) ** 2 + ((np.abs(x) - 48) / 38) ** 2 <= 1
    vessels = ndimage.gaussian_filter(rng.normal(size=shape), 1)
    hu[lungs] = np.where(vessels > 2.5 * vessels.std(), 0, -860)[lungs]
    from_nodule = np.indices(shape) - np.reshape(chest_nodule.at, (3, 1, 1, 1))
    hu[np.linalg.norm(from_nodule * np.reshape(spacing, (3, 1, 1, 1)), axis=0) < chest_nodule.diameter_mm / 2] = 40
    hu += rng.normal(0, 20, shape)
    return CTVolume(np.round(hu).astype(np.int16), spacing, name="small chest")


@pytest.fixture
def untrained() -> NoduleDetector:
    """A detector with random weights and a threshold of a half."""
    torch.manual_seed(0)
    network = DetectorNetwork().eval().requires_grad_(False)
    network.head[-1].weight.data *= 20
    return NoduleDetector(DetectorWeights(network, 0.5, {"seed": 0}), "untrained")
