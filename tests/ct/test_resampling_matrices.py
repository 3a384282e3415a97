"""Resampling as one matrix per axis."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.ct.grid import cubic_matrix


def test_a_cubic_is_interpolated_exactly_and_borders_are_repeated():
    x = np.arange(7.0)
    at = np.array([-2.0, 0.0, 1.25, 3.5, 5.9, 6.0, 9.0])
    inside = at.clip(0, 6)
    np.testing.assert_allclose(cubic_matrix(at, 7) @ (x**3 - 2 * x), inside**3 - 2 * inside, atol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_voxels_are_interpolated_linearly(n):
    at = np.array([-1.0, 0.0, 0.4, 1.5, 5.0])
    values = np.array([3.0, 7.0, 5.0])[:n]
    np.testing.assert_allclose(cubic_matrix(at, n) @ values, np.interp(at, np.arange(n), values))
