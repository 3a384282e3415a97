"""Stored values and HU."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_mits_gan.ct.dicom.rescale import Rescale, StoredFormat, to_hu, to_stored

TWELVE_BITS = StoredFormat(16, 12, 11, signed=False)


@given(hnp.arrays(np.int16, (3, 4)), st.integers(-2000, 2000))
def test_a_shift_gives_back_every_stored_value(stored: np.ndarray, intercept: int) -> None:
    rescale = Rescale(1.0, intercept)
    hu, clipped = to_hu(stored, rescale)
    back = to_stored(hu, rescale, StoredFormat())
    inside = np.ones(stored.shape, bool) if clipped is None else ~clipped
    np.testing.assert_array_equal(back[inside], stored[inside])
    np.testing.assert_array_equal(hu[inside], stored.astype(int)[inside] + intercept)


@given(hnp.arrays(np.uint16, (4,)), st.floats(0.001, 4), st.floats(-2000, 2000))
def test_hu_are_the_rounded_formula(stored: np.ndarray, slope: float, intercept: float) -> None:
    hu, clipped = to_hu(stored, Rescale(slope, intercept))
    exact = np.rint(stored * np.float64(slope) + intercept)
    np.testing.assert_array_equal(hu, np.clip(exact, -32768, 32767))
    outside = (exact < -32768) | (exact > 32767)
    assert (clipped is None) == (not outside.any())


@given(hnp.arrays(np.int16, (4,), elements=st.integers(-1000, 3000)), st.floats(0.01, 1))
def test_slopes_up_to_one_store_every_hu(hu: np.ndarray, slope: float) -> None:
    rescale = Rescale(slope, -1024)
    stored = to_stored(hu, rescale, StoredFormat(16, 16, 15, signed=False))
    fits = (hu + 1024) / slope <= 65535
    np.testing.assert_array_equal(to_hu(stored, rescale)[0][fits], hu[fits])


def test_stored_values_are_clipped_to_the_bits_that_the_slice_has() -> None:
    stored = to_stored(np.array([-2000, 0, 30000], np.int16), Rescale(1, -1024), TWELVE_BITS)
    np.testing.assert_array_equal(stored, [0, 1024, 4095])


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
