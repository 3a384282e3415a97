from __future__ import annotations

import pytest
import torch

from napari_mits_gan.evaluation.measures.local_mean import disc
from napari_mits_gan.protection.networks import PerturbationGenerator
from napari_mits_gan.protection.perturbation import bounded, roi_mean


def test_before_it_adapts_the_generator_puts_out_its_stripes():
    generator = PerturbationGenerator(4)
    grid = (torch.arange(10) * 0.7, torch.arange(12) * 0.7)
    out = generator(torch.randn(3, 3, 10, 12) * 300 - 500, torch.randn(3, 1, 10, 12), grid, (2.5, 0.7, 0.7), 20)
    torch.testing.assert_close(out, generator.map(*grid)[:1].expand(3, -1, -1))


def test_bounded_keeps_the_budget_the_mask_and_the_local_mean():
    torch.manual_seed(0)
    raw = torch.randn(2, 60, 70) + torch.linspace(-1, 2, 70)
    inside = torch.ones_like(raw)
    inside[:, :, :20] = 0
    change = bounded(raw, inside, (1.0, 1.0))
    assert change.abs().max() <= 1
    assert (change[:, :, :20] == 0).all()
    kept = roi_mean(change, (1.0, 1.0))[:, 10:-10, 30:-10]
    lost = roi_mean(torch.tanh(raw), (1.0, 1.0))[:, 10:-10, 30:-10]
    assert kept.square().mean() < 0.01 * lost.square().mean()


def test_the_roi_mean_is_that_over_a_disc_of_10_mm():
    slices = torch.zeros(1, 41, 41)
    slices[0, 20, 20] = 1
    mean = roi_mean(slices, (1.0, 2.0))[0]
    y, x = torch.meshgrid(torch.arange(-20, 21), 2 * torch.arange(-20, 21), indexing="ij")
    disc = (y**2 + x**2 <= 25).float()
    torch.testing.assert_close(mean, disc / disc.sum())


@pytest.mark.parametrize("spacing", [(0.78, 0.78), (1.0, 2.0), (0.5, 0.7)])
def test_the_roi_mean_and_its_gradient_are_those_of_a_convolution(spacing):
    torch.manual_seed(0)
    slices = torch.randn(2, 40, 45, dtype=torch.float64, requires_grad=True)
    weights = torch.from_numpy(disc(10.0, spacing)).double()
    padding = [n // 2 for n in weights.shape]
    wanted = torch.nn.functional.conv2d(slices[:, None], weights[None, None] / weights.sum(), padding=padding)[:, 0]
    found = roi_mean(slices, spacing)
    torch.testing.assert_close(found, wanted)
    other = torch.randn_like(found)
    (gradient,) = torch.autograd.grad((found * other).sum(), [slices])
    (reference,) = torch.autograd.grad((wanted * other).sum(), [slices])
    torch.testing.assert_close(gradient, reference)
