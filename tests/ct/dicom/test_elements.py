"""Numbers and texts of a header, as files really write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from napari_mits_gan.ct.dicom.elements import TAG, numbers, printable, text, whole
from napari_mits_gan.ct.read import read_ct


def _raw(keyword: str, vr: str, value: bytes) -> Dataset:
    ds = Dataset()
    ds[TAG[keyword]] = RawDataElement(TAG[keyword], vr, len(value), value, 0, False, True)
    return ds


@given(st.lists(st.floats(-9e4, 9e4), min_size=3, max_size=3), st.sampled_from([".", ","]), st.booleans())
def test_decimals_are_read_with_a_point_or_a_comma(values, sign, blanks) -> None:
    words = [f"{value:.5f}".replace(".", sign) for value in values]
    stated = "\\".join(f" {word} " if blanks else word for word in words).encode()
    found = numbers([_raw("ImagePositionPatient", "DS", stated)], "ImagePositionPatient", 3)
    assert found == pytest.approx([float(f"{value:.5f}") for value in values])


@pytest.mark.parametrize("stated", [b"1.234,5", b"1,2,3", b"nan", b"inf", b"", b"1\\2", b"one", b"\xff"])
def test_what_is_no_number_is_none(stated) -> None:
    assert numbers([_raw("SliceThickness", "DS", stated)], "SliceThickness", 1) is None


@given(st.text(max_size=40))
def test_no_text_commands_a_terminal(words) -> None:
    assert printable(words).isprintable()
    assert text(_raw("SeriesDescription", "LO", words.encode("utf-8", "replace")), "SeriesDescription").isprintable()


@given(st.binary(max_size=12))
def test_any_bytes_are_a_whole_number_or_none(value) -> None:
    found = whole(_raw("SeriesNumber", "IS", value), "SeriesNumber")
    assert found is None or math.isfinite(found)


def test_commas_everywhere_give_the_same_scan(dicom_series) -> None:
    series = dicom_series(spacing=(2.5, 0.8, 0.7))
    volume = read_ct(series.folder)
    for path in series.files:
        data = path.read_bytes()
        for words in (b"0.8\\0.7", b"-120.5\\-99.25\\-"):
            assert words in data
            data = data.replace(words, words.replace(b".", b","))
        path.write_bytes(data)
    other = read_ct(series.folder)
    assert other.same_grid(volume)
    assert (other.hu == volume.hu).all()
