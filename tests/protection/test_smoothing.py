from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from napari_mits_gan.protection.smoothing import random_smoothing, smoothed

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
