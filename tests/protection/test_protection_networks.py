from __future__ import annotations

import torch

from napari_mits_gan.protection.networks import PerturbationGenerator, SliceDiscriminator
from napari_mits_gan.protection.perturbation import bounded, roi_mean


def test_the_discriminator_has_eight_convolutions_and_3329_parameters():
    judge = SliceDiscriminator()
    assert sum(isinstance(m, torch.nn.Conv2d) for m in judge.modules()) == 8
    assert sum(p.numel() for p in judge.parameters()) == 3329
    assert judge(torch.zeros(2, 1, 32, 48)).shape == (2, 1, 8, 12)


def test_before_it_adapts_the_generator_puts_out_its_map():
    generator = PerturbationGenerator(4)
    grid = (torch.arange(3) * 2.5, torch.arange(10) * 0.7, torch.arange(12) * 0.7)
    out = generator(torch.randn(3, 3, 10, 12) * 300 - 500, torch.randn(3, 1, 10, 12), grid, (2.5, 0.7, 0.7), 20)
    torch.testing.assert_close(out, generator.map(*grid)[:, 0])


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
