"""Stored values and HU."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_mits_gan.ct.dicom.rescale import Rescale, StoredFormat, to_hu


@given(hnp.arrays(np.uint16, (4,)), st.floats(0.001, 4), st.floats(-2000, 2000))
def test_hu_are_the_rounded_formula(stored: np.ndarray, slope: float, intercept: float) -> None:
    hu, clipped = to_hu(stored, Rescale(slope, intercept))
    exact = np.rint(stored * np.float64(slope) + intercept)
    np.testing.assert_array_equal(hu, np.clip(exact, -32768, 32767))
    outside = (exact < -32768) | (exact > 32767)
    assert (clipped is None) == (not outside.any())


def test_signed_values_of_twelve_bits_are_extended_and_foreign_bits_dropped() -> None:
    stored_format = StoredFormat(16, 12, 11, signed=True)
    raw = np.array([0x0FFF, 0xF001, 0x0800], np.uint16).view(np.int16)
    np.testing.assert_array_equal(stored_format.clean(raw), [-1, 1, -2048])


def test_bits_that_end_elsewhere_than_at_bit_zero_are_moved() -> None:
    stored_format = StoredFormat(16, 12, 15, signed=False)
    np.testing.assert_array_equal(stored_format.clean(np.array([0x1230], np.uint16)), [0x123])


@pytest.mark.parametrize(("slope", "intercept"), [(0, 0), (float("nan"), 0), (1, float("inf"))])
def test_a_rescale_that_maps_nothing_is_refused(slope: float, intercept: float) -> None:
    with pytest.raises(ValueError, match="do not map"):
        Rescale(slope, intercept)
