"""Which pixels are padding."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.ct.dicom.padding import PaddingRange, declared, padding_mask
from napari_mits_gan.ct.dicom.rescale import Rescale, StoredFormat

SIGNED, UNSIGNED = StoredFormat(), StoredFormat(signed=False)
SHIFT = Rescale(1, -1024)


@pytest.mark.parametrize(
    ("value", "limit", "stored_format", "expected"),
    [
        (63536, None, SIGNED, PaddingRange(-2000, -2000, -2000)),
        (-2000, None, SIGNED, PaddingRange(-2000, -2000, -2000)),
        (0, 10, UNSIGNED, PaddingRange(0, 10, 0)),
        (-2000, -1900, SIGNED, PaddingRange(-2000, -1900, -2000)),
        (10, 0, UNSIGNED, PaddingRange(0, 10, 10)),
        (-1, None, UNSIGNED, PaddingRange(65535, 65535, 65535)),
    ],
)
def test_declared_padding_takes_the_sign_of_the_pixels(value, limit, stored_format, expected) -> None:
    assert declared(value, limit, stored_format) == expected


def test_nothing_declared_is_nothing() -> None:
    assert declared(None, None, SIGNED) is None


def _round_field(corner: int) -> np.ndarray:
    stored = np.full((9, 9), corner, np.int16)
    stored[2:7, 2:7] = np.arange(25).reshape(5, 5)
    return stored


def test_a_constant_below_air_in_all_corners_is_padding_even_if_not_declared() -> None:
    stored = _round_field(-1024)
    mask, ranges = padding_mask(stored, SHIFT, PaddingRange(-2000, -2000, -2000))
    np.testing.assert_array_equal(mask, stored == -1024)
    assert PaddingRange(-32768, -1024, -1024) in ranges  # what lies below would make the filler look measured


def test_air_in_the_corners_is_measured_and_no_padding() -> None:
    mask, ranges = padding_mask(_round_field(0), SHIFT, None)
    assert mask is None
    assert ranges == ()


def test_a_lower_value_elsewhere_shows_that_the_corners_were_measured() -> None:
    stored = _round_field(-100)
    stored[4, 4] = -150
    assert padding_mask(stored, SHIFT, None)[0] is None
