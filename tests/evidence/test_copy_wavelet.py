"""The recovery copy's wavelet transform: inverted exactly enough, for every shape, and nearly orthonormal."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.evidence.copy_codec.wavelet import Levels, bands_of, forward, inverse

SHAPES = st.tuples(st.integers(1, 20), st.integers(1, 45), st.integers(1, 45))


@settings(max_examples=60, deadline=None)
@given(SHAPES, st.integers(0, 3), st.integers(0, 4))
def test_inverse_gives_back_the_slab(shape, z, plane):
    levels = Levels(z, plane)
    slab = np.random.default_rng(0).normal(0, 500, shape).astype(np.float32)
    bands = forward(slab, levels)
    assert [band.shape for band in bands] == [band.shape for band in bands_of(shape, levels)]
    np.testing.assert_allclose(inverse(bands, shape, levels), slab, atol=0.02)


def test_error_in_a_coefficient_is_about_the_error_in_the_scan():
    shape, levels = (32, 64, 64), Levels(3, 3)
    rng = np.random.default_rng(0)
    for number in range(len(bands_of(shape, levels))):
        bands = [np.zeros(band.shape, np.float32) for band in bands_of(shape, levels)]
        bands[number] = rng.normal(size=bands[number].shape).astype(np.float32)
        energy = float((bands[number] ** 2).sum())
        assert 0.6 < float((inverse(bands, shape, levels) ** 2).sum()) / energy < 1.6


def test_a_smooth_slab_has_no_fine_details():
    z, y, x = np.ogrid[:16, :64, :64]
    slab = (3.0 * z + 2.0 * y - x).astype(np.float32)
    levels = Levels(2, 3)
    for band, coefficients in zip(bands_of(slab.shape, levels), forward(slab, levels), strict=True):
        if band.level == 1:
            assert np.abs(coefficients[4:-4, 4:-4, 4:-4]).max(initial=0) < 0.01
