"""GDCM in a process of its own: the same values, and its end is not ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_mits_gan.ct.dicom import isolated_decoder, pixels
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ReadError


@pytest.fixture(autouse=True)
def _only_gdcm(monkeypatch):
    """As where the extra `lossy-jpeg` is not installed."""
    monkeypatch.setattr(pixels, "_decoder", lambda syntax: isolated_decoder.PLUGIN)
    yield
    isolated_decoder._decoder.end()


@pytest.fixture
def jpeg_lossless(shared_dir: Path) -> Path:
    (path,) = (shared_dir / "nasty" / "01_transfer_syntaxes").glob("*.4.70.dcm")
    return path


def test_the_values_are_those_of_the_same_image_uncompressed(jpeg_lossless) -> None:
    hu = read_ct(jpeg_lossless).hu
    np.testing.assert_array_equal(hu, read_ct(jpeg_lossless.with_name("CTImage.dcm")).hu)


def test_the_end_of_the_decoder_is_a_refusal_and_the_next_series_is_read(jpeg_lossless, monkeypatch) -> None:
    read_ct(jpeg_lossless)
    process = isolated_decoder._decoder._child.process
    # What a crash of the decoder looks like from here: it takes the question and ends.
    process.kill()
    monkeypatch.setattr(process, "poll", lambda: None)
    with pytest.raises(ReadError, match=r"CTImage.*\.4\.70\.dcm .* damaged"):
        read_ct(jpeg_lossless)
    assert read_ct(jpeg_lossless).shape == (1, 512, 512)
    assert isolated_decoder._decoder._child.process is not process


def test_what_it_cannot_decode_is_a_refusal(dicom_series) -> None:
    series = dicom_series(shape=(2, 16, 12), syntax="1.2.840.10008.1.2.4.80")
    data = bytearray(series.files[1].read_bytes())
    start = data.rindex(b"\xff\xda")
    data[start : start + 30] = bytes(30)
    series.files[1].write_bytes(data)
    with pytest.raises(ReadError, match=r"002\.dcm"):
        read_ct(series.folder)


def test_a_program_that_cannot_start_another_decodes_itself(jpeg_lossless, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(isolated_decoder, "_decoder", isolated_decoder._Decoder())
    monkeypatch.setattr("sys.executable", str(tmp_path / "none"))
    assert read_ct(jpeg_lossless).shape == (1, 512, 512)
