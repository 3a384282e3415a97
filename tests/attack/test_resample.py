"""Resampling equals scipy's cubic zoom with the boundary rule that CT-GAN was published with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_mits_gan.attack.resample import cut_at_1mm, resample
from napari_mits_gan.ct.volume import CTVolume

sizes = st.integers(2, 40)


@settings(max_examples=40, deadline=None)
@given(st.tuples(sizes, sizes, sizes), st.tuples(sizes, sizes, sizes), st.integers(0, 99))
def test_resampling_equals_scipy_zoom_with_mirrored_borders(shape, wanted, seed):
    cube = np.random.default_rng(seed).normal(-500, 400, shape)
    zoomed = ndimage.zoom(cube, [n / m for n, m in zip(wanted, shape, strict=True)], order=3, mode="mirror")
    found = resample(torch.from_numpy(cube), wanted).numpy()
    assert found.shape == wanted
    np.testing.assert_allclose(found, zoomed, rtol=0, atol=1e-8)


@settings(max_examples=20, deadline=None)
@given(st.tuples(sizes, sizes, sizes), st.tuples(sizes, sizes, sizes))
def test_resampling_keeps_a_constant(shape, wanted):
    cube = torch.full(shape, -873.0, dtype=torch.float64)
    torch.testing.assert_close(resample(cube, wanted), torch.full(wanted, -873.0, dtype=torch.float64))


def test_the_same_size_is_left_as_it_is():
    cube = torch.randn(3, 4, 5)
    assert torch.equal(resample(cube, (3, 4, 5)), cube)


def test_leading_axes_are_resampled_one_by_one():
    cubes = torch.randn(2, 3, 6, 7, 8, dtype=torch.float64)
    together = resample(cubes, (5, 9, 8))
    assert together.shape == (2, 3, 5, 9, 8)
    torch.testing.assert_close(together[1, 2], resample(cubes[1, 2], (5, 9, 8)))


def test_single_precision_stays_within_a_hundredth_of_an_hu():
    cube = np.random.default_rng(0).normal(-500, 400, (13, 46, 46))
    exact = resample(torch.from_numpy(cube), (32, 32, 32)).numpy()
    np.testing.assert_allclose(resample(torch.from_numpy(cube.astype(np.float32)), (32, 32, 32)), exact, atol=1e-2)


def test_the_gradient_is_the_transposed_resampling():
    cube = torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda c: resample(c, (5, 3, 7)), (cube,))


@pytest.mark.parametrize("size", [(9, 3, 5)])
def test_gradients_are_possible_after_the_same_sizes_were_used_for_inference(size):
    with torch.inference_mode():
        resample(torch.randn(7, 9, 11), size)
    cube = torch.randn(7, 9, 11, requires_grad=True)
    resample(cube, size).sum().backward()
    assert cube.grad is not None


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 0.7, 0.7), (5.0, 1.5, 1.5)])
def test_a_cube_is_1_mm_fine_and_centred_on_its_place(spacing):
    shape = tuple(int(120 / s) for s in spacing)
    at = np.array([n // 2 for n in shape])
    grid = np.indices(shape, dtype=float)
    distance = np.linalg.norm([(g - c) * s for g, c, s in zip(grid, at, spacing, strict=True)], axis=0)
    volume = CTVolume((-850 + 800 * np.exp(-((distance / 6) ** 2))).astype(np.int16), spacing)
    cube = cut_at_1mm(volume, at, 48)
    assert cube.shape == (48, 48, 48)
    centre = ndimage.center_of_mass(cube + 850)
    # Cuboids begin on whole voxels and halves round to even, so the place may be off by a voxel.
    np.testing.assert_allclose(centre, 23.5, atol=max(spacing) + 0.5)


def test_a_cube_at_the_border_repeats_it():
    volume = CTVolume(np.arange(40, dtype=np.int16)[:, None, None].repeat(40, 1).repeat(40, 2), (1.0, 1.0, 1.0))
    cube = cut_at_1mm(volume, np.array([0, 20, 20]), 32)
    np.testing.assert_allclose(cube[:16], 0, atol=1e-3)
    np.testing.assert_allclose(cube[16:, 3, 3], np.arange(16), atol=1e-3)
