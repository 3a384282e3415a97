"""What an attacker's output depends on: told from attackers whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.measures.context_dependence import ContextDependence, context_dependence, pairwise_rms
from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.weights import AttackerWeights
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks


class Follower(torch.nn.Module):
    """Fills the core with the mean brightness of the surroundings on the nearer side, along x."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    def forward(self, masked: torch.Tensor) -> torch.Tensor:
        out = torch.zeros_like(masked)
        out[..., :16] = masked[..., :6].mean(dim=(2, 3, 4), keepdim=True)
        out[..., 16:] = masked[..., 26:].mean(dim=(2, 3, 4), keepdim=True)
        return out


class Stubborn(torch.nn.Module):
    """Paints the same, whatever is around."""

    def __init__(self) -> None:
        super().__init__()
        self.same = torch.nn.Parameter(torch.rand(1, 1, 32, 32, 32) - 0.5)

    def forward(self, masked: torch.Tensor) -> torch.Tensor:
        return self.same.expand(masked.shape)


def _attacker(generator: torch.nn.Module) -> CTGAN:
    return CTGAN(AttackerWeights("inject", generator, Calibration.fixed_window(-1000, 400)), "known answer")


@pytest.fixture(scope="module")
def sites(small_chest):
    return random_lung_clicks(small_chest, 12, seed=0)


def test_an_attacker_that_ignores_its_surroundings_is_found_out(small_chest, sites):
    cores = context_dependence(_attacker(Stubborn()), small_chest, sites)
    assert cores.painted.shape == (12, 20, 20, 20)
    assert cores.between_sites == pytest.approx(0, abs=1e-6)
    assert cores.when_mirrored == pytest.approx(0, abs=1e-6)
    assert cores.mirrored_back > 0.1
    assert abs(cores.alignment.mean()) < 0.6


def test_an_attacker_that_follows_them_is_told_from_it(small_chest, sites):
    cores = context_dependence(_attacker(Follower()), small_chest, sites)
    assert cores.between_sites > 0.05
    assert cores.when_mirrored > 0.05
    assert cores.mirrored_back == pytest.approx(0, abs=1e-6)
    assert cores.when_core_changes == 0
    assert cores.alignment.mean() > 0.4


def test_real_attackers_never_see_the_core(small_chest, sites, attackers):
    cores = context_dependence(attackers["inject"], small_chest, sites)
    assert cores.when_core_changes == pytest.approx(0, abs=1e-6)
    assert cores.between_sites > 0


def test_the_difference_of_pairs_is_that_of_all_pairs():
    cores = np.random.default_rng(0).normal(size=(5, 2, 3, 4))
    pairs = [np.square(a - b).mean() for i, a in enumerate(cores) for b in cores[:i]]
    assert pairwise_rms(cores) == pytest.approx(np.sqrt(np.mean(pairs)))
    assert np.isnan(pairwise_rms(cores[:1]))


def test_scans_are_taken_together(small_chest, sites, attackers):
    one = context_dependence(attackers["inject"], small_chest, sites[:3])
    two = context_dependence(attackers["inject"], small_chest, sites[3:])
    both = ContextDependence.pooled([one, two])
    assert len(both.painted) == len(both.alignment) == 12
