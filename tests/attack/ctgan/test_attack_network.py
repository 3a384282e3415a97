"""The networks have the paper's size, and the fast up-sampling convolution equals the plain one."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from napari_mits_gan.attack.ctgan.network import Discriminator, Generator, UpsampleConv3d


@pytest.mark.parametrize(("network", "millions"), [(Generator, 162.6), (Discriminator, 26.9)])
def test_networks_of_the_papers_width_have_the_published_number_of_parameters(network, millions):
    with torch.device("meta"):
        parameters = sum(p.numel() for p in network(100).parameters())
    assert round(parameters / 1e6, 1) == millions


def test_both_networks_together_have_the_number_of_parameters_that_the_readme_states():
    with torch.device("meta"):
        networks = Generator(100), Discriminator(100)
    assert round(sum(p.numel() for n in networks for p in n.parameters()) / 1e6, 1) == 189.5


@pytest.mark.parametrize("size", [(1, 1, 1), (2, 2, 2), (3, 5, 4)])
def test_folded_upsampling_equals_upsampling_then_convolution_with_keras_padding(size):
    torch.manual_seed(0)
    layer = UpsampleConv3d(3, 5).double()
    layer.bias.data.normal_()
    x = torch.randn(2, 3, *size, dtype=torch.float64)

    upsampled = functional.interpolate(x, scale_factor=2, mode="nearest")
    plain = functional.conv3d(functional.pad(upsampled, (1, 2) * 3), layer.weight, layer.bias)

    torch.testing.assert_close(layer(x), plain, rtol=0, atol=1e-12)


def test_folded_upsampling_passes_the_same_gradients_to_input_and_weights():
    torch.manual_seed(1)
    layer = UpsampleConv3d(2, 3).double()
    x = torch.randn(1, 2, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(1, 3, 6, 4, 6, dtype=torch.float64)

    wanted = torch.autograd.grad(
        (
            functional.conv3d(
                functional.pad(functional.interpolate(x, scale_factor=2, mode="nearest"), (1, 2) * 3),
                layer.weight,
                layer.bias,
            )
            * direction
        ).sum(),
        (x, layer.weight, layer.bias),
    )
    found = torch.autograd.grad((layer(x) * direction).sum(), (x, layer.weight, layer.bias))

    for ours, plain in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("width", [1, 3])
def test_the_generator_keeps_the_cube_and_stays_within_tanh(width):
    torch.manual_seed(0)
    with torch.no_grad():
        out = Generator(width).eval()(torch.randn(2, 1, 32, 32, 32))
    assert out.shape == (2, 1, 32, 32, 32)
    assert out.abs().max() <= 1


def test_the_discriminator_scores_patches():
    cubes = torch.zeros(2, 1, 32, 32, 32)
    with torch.no_grad():
        assert Discriminator(2).eval()(cubes, cubes).shape == (2, 1, 2, 2, 2)


def test_the_activation_comes_before_batch_norm():
    """The batch norms' statistics describe activated values, so the order decides whether the authors' weights fit."""
    torch.manual_seed(0)
    down = Generator(2).down[1]
    down.norm.bias.data.fill_(-3.0)
    with torch.no_grad():
        out = down.eval()(torch.randn(1, 2, 4, 4, 4))
    # LeakyReLU last would multiply what is negative by 0.2.
    assert out.min() < -2.5


def test_inference_draws_no_dropout():
    generator = Generator(2).eval()
    x = torch.randn(1, 1, 32, 32, 32)
    with torch.no_grad():
        assert torch.equal(generator(x), generator(x))


def test_fixed_weights_give_the_same_as_trainable_ones_and_follow_a_change():
    torch.manual_seed(0)
    layer, other = UpsampleConv3d(3, 2), UpsampleConv3d(3, 2)
    x = torch.randn(1, 3, 2, 3, 4)
    trainable = layer(x).detach()
    layer.requires_grad_(False)
    for _ in range(2):
        torch.testing.assert_close(layer(x), trainable)

    layer.load_state_dict(other.state_dict())

    torch.testing.assert_close(layer(x), other(x).detach())


def test_fixed_weights_follow_a_change_of_precision():
    layer = UpsampleConv3d(2, 2).requires_grad_(False)
    x = torch.randn(1, 2, 2, 2, 2)
    single = layer(x)
    torch.testing.assert_close(layer.double()(x.double()).float(), single)
    torch.testing.assert_close(layer.float()(x), single)


def test_gradients_reach_the_input_of_a_fixed_network_after_inference():
    generator = Generator(1).eval().requires_grad_(False)
    with torch.inference_mode():
        generator(torch.randn(1, 1, 32, 32, 32))
    x = torch.randn(1, 1, 32, 32, 32, requires_grad=True)
    generator(x).sum().backward()
    assert x.grad.abs().max() > 0
