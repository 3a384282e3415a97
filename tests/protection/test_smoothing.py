from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from napari_mits_gan.protection.smoothing import _there_and_back, random_smoothing, smoothed

SPACING = (2.5, 0.7, 0.8)
SHAPE = (9, 30, 28)


def drawn(n: int) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    rng = np.random.default_rng(0)
    return [random_smoothing(SHAPE, SPACING, rng) for _ in range(n)]


def test_every_smoothing_keeps_what_is_flat_and_takes_detail():
    torch.manual_seed(0)
    for matrices in drawn(12):
        torch.testing.assert_close(smoothed(torch.full((2, *SHAPE), -800.0), matrices), torch.full((2, *SHAPE), -800.0))
        detail = torch.randn(1, *SHAPE)
        assert smoothed(detail, matrices).std() < 0.9 * detail.std()


def test_a_blur_is_that_of_scipy():
    detail = np.random.default_rng(1).normal(size=SHAPE)
    blurs = 0
    for matrices in drawn(20):
        row = matrices[1][15].double().numpy()
        # A resampling has no weight two voxels away along z.
        if matrices[0][4, 6] > 0:
            blurs += 1
            # Weights of a Gaussian: w1 / w0 = exp(-1 / 2 sigma^2).
            sigma = float((-0.5 / np.log(row[16] / row[15])) ** 0.5)
            wanted = ndimage.gaussian_filter(detail, sigma, mode="nearest", truncate=6)
            assert 0.4 <= sigma <= 1
            assert np.abs(smoothed(torch.from_numpy(detail).float(), matrices).numpy() - wanted).max() < 1e-3
    assert 0 < blurs < 20


def test_a_ramp_survives_resampling_away_from_the_border():
    ramp = torch.arange(SHAPE[1]).float()[None, :, None].expand(SHAPE).contiguous()
    for matrices in drawn(12):
        torch.testing.assert_close(smoothed(ramp, matrices)[:, 5:-5], ramp[:, 5:-5], atol=1e-3, rtol=0)


def test_resampling_to_1_mm_and_back_is_that_of_the_textbook():
    zigzag = np.array([0.0, 10, 0, 10, 0])
    # At 0.5 mm, the grid of 1 mm meets each second voxel, and between two of them their mean comes back.
    np.testing.assert_allclose(_there_and_back(5, 0.5, 0.0) @ zigzag, [0, 0, 0, 0, 0], atol=1e-12)
    # Shifted by half a millimetre it meets the others; at both ends the border voxel is repeated.
    np.testing.assert_allclose(_there_and_back(5, 0.5, 0.5) @ zigzag, [5, 10, 10, 10, 5])
    # At 2 mm the grid lies between the voxels too, and each comes back as it was.
    np.testing.assert_allclose(_there_and_back(5, 2.0, 0.0) @ zigzag, zigzag, atol=1e-12)
    # Shifted by half a millimetre, the grid meets 7.5 and 2.5 on both sides of each voxel.
    np.testing.assert_allclose(_there_and_back(5, 2.0, 0.5) @ zigzag, [1.25, 7.5, 2.5, 7.5, 1.25])


def test_blurs_and_resamplings_are_drawn_equally_often_and_blurs_from_04_to_1_voxel():
    sigmas, shifts = [], set()
    for z, y, _ in drawn(400):
        if z[4, 6] == 0:
            shifts.add(round(float(y[15, 15]), 3))
        else:
            row = y[15].double().numpy()
            sigmas.append(float((-0.5 / np.log(row[16] / row[15])) ** 0.5))
    assert 160 < len(sigmas) < 240
    assert 0.4 <= min(sigmas) < 0.43
    assert 0.97 < max(sigmas) <= 1.0
    assert len(shifts) > 50, "each resampling has a grid of its own"
