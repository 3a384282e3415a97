"""Slices as pictures: grey by the window, square pixels, outlines inside the mask."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_mits_gan.pages.picture import data_uri, diverging, outlined, png, scaled, windowed


def test_the_window_reaches_from_black_to_white():
    grey = windowed(np.array([[-2000, -1000, -500, 0, 900]]), (-1000, 0))
    assert grey[0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert (grey == grey[..., :1]).all()


def test_a_loss_is_blue_a_gain_red_and_nothing_white():
    loss, nothing, gain = diverging(np.array([[-500, 0, 500]]), 400.0)[0].astype(int)
    assert nothing.tolist() == [255, 255, 255]
    assert loss[2] > loss[0]
    assert gain[0] > gain[2]


@settings(max_examples=20, deadline=None)
@given(st.integers(8, 60), st.integers(8, 60), st.floats(0.4, 3), st.floats(0.4, 3), st.booleans())
def test_pixels_are_square_whatever_the_spacing(rows, columns, row_mm, column_mm, smooth):
    picture = scaled(np.zeros((rows, columns, 3), np.uint8), (row_mm, column_mm), 200, smooth=smooth)
    high, wide, _ = picture.shape
    assert max(high, wide) == 200
    assert high / wide == pytest.approx(rows * row_mm / (columns * column_mm), rel=0.02, abs=0.05)


def test_an_outline_stays_inside_the_mask_and_leaves_its_middle():
    mask = np.zeros((20, 20), bool)
    mask[5:15, 4:16] = True
    picture = outlined(np.zeros((20, 20, 3), np.uint8), mask)
    marked = picture.any(axis=2)
    assert not (marked & ~mask).any()
    assert marked[5, 4]
    assert marked[14, 15]
    assert not marked[10, 10]


def test_a_mask_that_reaches_the_border_is_outlined_there_as_well():
    picture = outlined(np.zeros((6, 6, 3), np.uint8), np.ones((6, 6), bool))
    assert picture[0].any(axis=1).all()


def test_a_png_holds_the_picture_to_the_bit():
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(picture)))), picture)
    assert data_uri(picture).startswith("data:image/png;base64,")
