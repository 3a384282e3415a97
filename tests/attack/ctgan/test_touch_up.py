"""Repair, noise and blending: the last stages of tampering."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.attack.ctgan.touch_up import blend, blend_kernel, noise_from, repair


def _plain_repair(cube: np.ndarray) -> np.ndarray:
    """The published rule, voxel by voxel in raster order, each seeing what was repaired before."""
    out = cube.copy()
    for z, y, x in np.argwhere(cube > 2000):
        neighbourhood = []
        for dz in range(-2, 3):
            for dy in range(-2, 3):
                for dx in range(-2, 3):
                    at = (z + dz, y + dy, x + dx)
                    inside = all(0 <= c < n for c, n in zip(at, out.shape, strict=True))
                    neighbourhood.append(out[at] if inside else -1000.0)
        out[z, y, x] = np.mean(neighbourhood)
    return np.maximum(out, -1000)


def _cube_with_outliers(seed: int, share: float, shape: tuple[int, int, int] = (7, 8, 6)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    cube = rng.normal(-600, 500, shape)
    return np.where(rng.random(shape) < share, rng.uniform(2000, 5000, shape), cube)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.sampled_from([0.0, 0.02, 0.3, 1.0]))
def test_repair_equals_the_plain_sequential_loop(seed, share):
    cube = _cube_with_outliers(seed, share)
    np.testing.assert_allclose(repair(torch.from_numpy(cube)).numpy(), _plain_repair(cube), rtol=0, atol=1e-8)


def test_repair_leaves_its_argument_alone():
    cube = torch.from_numpy(_cube_with_outliers(0, 0.2))
    before = cube.clone()
    repair(cube)
    assert torch.equal(cube, before)


def test_a_dense_patch_of_outliers_may_stay_above_the_limit_as_published():
    cube = torch.full((9, 9, 9), 3000.0)
    assert repair(cube).max() > 2000


def test_the_gradient_of_repair_is_right():
    cube = torch.from_numpy(_cube_with_outliers(3, 0.15, (4, 5, 4)).clip(-990)).requires_grad_()
    assert torch.autograd.gradcheck(repair, (cube,), eps=1e-3, atol=1e-6)


def test_noise_has_no_mean_and_comes_from_dark_voxels_only():
    torch.manual_seed(0)
    source = torch.randn(12, 12, 12, dtype=torch.float64) * 20 - 880
    source[3, 4, 5] = 60.0
    noise = noise_from(source)
    assert abs(float(noise.mean())) < 1e-9
    assert abs(float(noise[3, 4, 5])) < 5


def test_noise_of_a_box_without_lung_is_none_and_not_nan():
    assert noise_from(torch.full((4, 4, 4), 40.0)) is None


def test_the_gradient_of_the_noise_is_right():
    torch.manual_seed(0)
    source = (torch.randn(4, 5, 6, dtype=torch.float64) * 60 - 820).requires_grad_()
    assert torch.autograd.gradcheck(noise_from, (source,), eps=1e-5)


@pytest.mark.parametrize("action", ["inject", "remove"])
@pytest.mark.parametrize("fade_in_z", [True, False])
@pytest.mark.parametrize("shape", [(41, 41, 41), (16, 59, 59), (2, 41, 41), (5, 5, 5), (2, 2, 2)])
def test_the_kernel_stays_within_0_and_1_and_is_highest_in_the_middle(shape, action, fade_in_z):
    kernel = blend_kernel(shape, action, torch.zeros(0, dtype=torch.float64), fade_in_z=fade_in_z)
    assert kernel.shape == shape
    assert kernel.min() >= 0
    assert kernel.max() == pytest.approx(1, abs=1e-12)
    assert kernel[tuple(n // 2 for n in shape)] == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close(kernel, kernel.flip(0, 1, 2))


def test_without_a_fade_in_z_every_slice_has_the_same_weights():
    kernel = blend_kernel((7, 20, 20), "inject", torch.zeros(0), fade_in_z=False)
    assert torch.equal(kernel[0], kernel[3])
    faded = blend_kernel((7, 20, 20), "inject", torch.zeros(0), fade_in_z=True)
    assert faded[0, 10, 10] < 0.3 * faded[3, 10, 10]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999))
def test_blending_an_injection_never_darkens(seed):
    rng = np.random.default_rng(seed)
    tampered, noise, original = (torch.from_numpy(rng.normal(-600, 400, (6, 6, 6))) for _ in range(3))
    kernel = torch.from_numpy(rng.random((6, 6, 6)))
    assert (blend(tampered, noise, original, kernel, "inject") >= original).all()


def test_blending_a_removal_leaves_voxels_of_weight_0_and_replaces_those_of_weight_1():
    tampered, noise, original = torch.full((3, 3, 3), -850.0), torch.zeros(3, 3, 3), torch.full((3, 3, 3), 30.0)
    kernel = torch.zeros(3, 3, 3)
    kernel[1, 1, 1] = 1
    out = blend(tampered, noise, original, kernel, "remove")
    assert out[1, 1, 1] == -850
    assert out[0, 0, 0] == 30


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_the_gradient_of_blending_is_right(action):
    torch.manual_seed(0)
    tampered, noise, original = (
        (torch.randn(3, 4, 4, dtype=torch.float64) * 200 - 700).requires_grad_() for _ in range(3)
    )
    kernel = blend_kernel((3, 4, 4), action, tampered, fade_in_z=True)
    assert torch.autograd.gradcheck(
        lambda t, n, o: blend(t, n / 20, o, kernel, action), (tampered, noise, original), eps=1e-4, atol=1e-6
    )
