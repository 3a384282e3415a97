"""Compressed slices: what is cut off is refused as damaged, soon; what is whole is read, 12-bit lossy JPEG too."""

from __future__ import annotations

import shutil
import subprocess
import time

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import JPEG2000Lossless, JPEGExtended12Bit, JPEGLSLossless, RLELossless

from napari_mits_gan.ct.dicom import pixels
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ReadError

MOST_SECONDS = 5


@pytest.mark.parametrize("syntax", [JPEGLSLossless, RLELossless, JPEG2000Lossless], ids=lambda uid: uid.name)
def test_a_stream_that_is_cut_off_anywhere_is_refused_soon(dicom_series, syntax) -> None:
    stored = np.random.default_rng(0).integers(0, 3000, (2, 40, 40)).astype(np.int16)
    series = dicom_series(stored=stored, syntax=syntax)
    ds = pydicom.dcmread(series.files[0])
    whole = get_frame(ds.PixelData, 0, number_of_frames=1).rstrip(b"\0")

    # Zeros mean values in RLE: so many of them as are missing make the stream a whole one.
    tails = [b"", b"\0"] if syntax == RLELossless else [b"", b"\0", bytes(50)]

    @settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.integers(2, len(whole) - 3), st.sampled_from(tails))
    def cut(length, tail) -> None:
        stream = whole[:length] + tail
        ds.PixelData = encapsulate([stream + b"\0" * (len(stream) % 2)])
        ds.save_as(series.files[0])
        began = time.process_time()
        with pytest.raises(ReadError, match=r"001\.dcm.*(damaged|another size)"):
            read_ct(series.folder)
        assert time.process_time() - began < MOST_SECONDS

    cut()


@pytest.mark.parametrize("missing", [1, 2, 5, 10, 17, 300])
def test_an_rle_stream_that_was_cut_off_and_filled_up_with_zeros_is_refused(dicom_series, missing) -> None:
    stored = np.random.default_rng(0).integers(0, 3000, (2, 40, 40)).astype(np.int16)
    series = dicom_series(stored=stored, syntax=RLELossless)
    assert read_ct(series.folder).shape == (2, 40, 40)
    ds = pydicom.dcmread(series.files[0])
    whole = get_frame(ds.PixelData, 0, number_of_frames=1).rstrip(b"\0")
    for zeros in (50 + missing, 4000):
        stream = whole[:-missing] + bytes(zeros)
        ds.PixelData = encapsulate([stream + b"\0" * (len(stream) % 2)])
        ds.save_as(series.files[0])
        with pytest.raises(ReadError, match=r"001\.dcm.*damaged"):
            read_ct(series.folder)


def test_an_rle_stream_that_is_padded_to_a_multiple_of_four_is_read(dicom_series) -> None:
    stored = np.random.default_rng(0).integers(0, 3000, (2, 40, 40)).astype(np.int16)
    series = dicom_series(stored=stored, syntax=RLELossless)
    before = read_ct(series.folder).hu
    ds = pydicom.dcmread(series.files[0])
    whole = get_frame(ds.PixelData, 0, number_of_frames=1)
    ds.PixelData = encapsulate([whole + bytes(2)])
    ds.save_as(series.files[0])
    np.testing.assert_array_equal(read_ct(series.folder).hu, before)


@pytest.fixture
def lossy(dicom_series):
    """A series as DCMTK compresses it with loss to 12 bits, and its HU before."""
    if shutil.which("dcmcjpeg") is None:
        pytest.skip("dcmcjpeg (DCMTK) is not installed")
    y, x = np.mgrid[:48, :40]
    stored = np.stack([1000 + 20 * y + 10 * x + 5 * z for z in range(3)]).astype(np.uint16)
    series = dicom_series(stored=stored, bits_stored=12, signed=False)
    for path in series.files:
        subprocess.run(["dcmcjpeg", "+ee", "+q", "95", str(path), str(path)], check=True, capture_output=True)
    return series


def test_lossy_jpeg_of_12_bits_is_read(lossy) -> None:
    pytest.importorskip("libjpeg", reason="the extra lossy-jpeg is not installed")
    assert pydicom.dcmread(lossy.files[0]).file_meta.TransferSyntaxUID == JPEGExtended12Bit
    hu = read_ct(lossy.folder).hu
    assert np.abs(hu - (lossy.stored.astype(int) - 1024)).max() <= 8


def test_without_its_decoder_lossy_jpeg_of_12_bits_is_refused_as_such(lossy, monkeypatch) -> None:
    real = pixels.get_decoder

    class WithoutLibjpeg:
        available_plugins = ("gdcm",)
        is_available = True

    monkeypatch.setattr(pixels, "get_decoder", lambda uid: WithoutLibjpeg if uid == JPEGExtended12Bit else real(uid))
    with pytest.raises(ReadError, match="whose 12 bits only libjpeg decodes; install"):
        read_ct(lossy.folder)
