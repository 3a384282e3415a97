"""What is refused: in one sentence that names the cause, and nothing of the patient."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.ct.read import list_series, read_ct
from napari_mits_gan.errors import ReadError

PLANTED = "Zanzibar"


def _sentence(path, match: str) -> None:
    with pytest.raises(ReadError, match=match) as caught:
        read_ct(path)
    text = str(caught.value)
    assert PLANTED not in text
    assert "/" not in text.replace("slope / ", "")
    assert text.endswith(".")
    assert caught.value.__cause__ is None  # a chained traceback would show the path


def test_an_empty_folder(tmp_path) -> None:
    _sentence(tmp_path, "folder is empty")
    assert list_series(tmp_path) == []


def test_what_is_not_there(tmp_path) -> None:
    _sentence(tmp_path / PLANTED.lower() / "scan", "no file or folder called scan")


def test_a_text_file(tmp_path) -> None:
    path = tmp_path / PLANTED / "notes.txt"
    path.parent.mkdir()
    path.write_text("not a scan")
    _sentence(path, "notes.txt is not a CT scan")
    _sentence(path.parent, "None of the 1 file")


def test_an_empty_file_with_a_dicom_ending(tmp_path) -> None:
    (tmp_path / "a.dcm").touch()
    _sentence(tmp_path, "a.dcm cannot be read as DICOM: it is empty")


def _with(tags):
    def edit(ds, z) -> None:
        ds.PatientName = PLANTED
        for keyword, value in tags.items():
            if value is None:
                delattr(ds, keyword)
            else:
                setattr(ds, keyword, value)

    return edit


@pytest.mark.parametrize(
    ("tags", "match"),
    [
        ({"ImagePositionPatient": None}, "does not say where it lies"),
        ({"ImageOrientationPatient": None}, "does not say where it lies"),
        ({"PixelSpacing": None}, "does not say where it lies"),
        ({"PixelSpacing": ["0", "1"]}, "does not say where it lies"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "right angles"),
        ({"RescaleIntercept": None}, "rescale slope or intercept is missing"),
        ({"RescaleSlope": 0}, "rescale slope or intercept is missing"),
        ({"RescaleType": "OD"}, "not in HU .rescale type OD"),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "PERFUSION"]}, "not in HU"),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "EFF_ATOMIC_NUM"]}, "not in HU"),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "MAT_FRACTIONAL"], "RescaleType": None}, "not in HU"),
        ({"Modality": "MR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "MR Image Storage"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "only 5 localizer"),
        ({"ImagePositionPatient": [0, 0, 0]}, "lie where another lies too"),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, "colour"),
        ({"PixelRepresentation": None}, "how its pixels are stored"),
        ({"BitsAllocated": 32}, "how its pixels are stored"),
        ({"PixelData": b"\0\0"}, "cut off"),
        ({"PixelData": None}, "damaged or missing|cut off"),
        ({"NumberOfFrames": 3}, "3 frames"),
        ({"RescaleIntercept": 32000}, "outside -32768 ... 32767"),
        ({"Rows": 0}, "no pixels"),
    ],
    ids=lambda v: "-".join(f"{k}={w}" for k, w in v.items())[:40] if isinstance(v, dict) else "",
)
def test_slices_that_leave_open_what_they_mean(dicom_series, tmp_path, tags, match) -> None:
    series = dicom_series(tmp_path / PLANTED / "scan", edit=_with(tags))
    _sentence(series.folder, match)


def test_a_missing_slice(dicom_series, tmp_path) -> None:
    series = dicom_series(tmp_path / PLANTED)
    series.files[2].unlink()
    _sentence(series.folder, r"1 slice\(s\) are missing: .* between 002.dcm and 004.dcm")


def test_a_truncated_file(dicom_series, tmp_path) -> None:
    series = dicom_series(tmp_path / PLANTED)
    data = series.files[4].read_bytes()
    series.files[4].write_bytes(data[:-40])
    _sentence(series.folder, "005.dcm is cut off")
    for end in (200, 400, 700, 1000):
        series.files[4].write_bytes(data[:end])
        _sentence(series.folder, "005.dcm")


def test_two_orientations(dicom_series, tmp_path) -> None:
    def turn(ds, z) -> None:
        if z > 2:
            ds.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]

    _sentence(
        dicom_series(tmp_path / PLANTED, edit=turn).folder, "mixes images of 2 sizes, pixel spacings or orientations"
    )


def test_two_versions_of_one_image(dicom_series, tmp_path) -> None:
    series = dicom_series(tmp_path / PLANTED)
    data = bytearray(series.files[0].read_bytes())
    data[-1] ^= 1
    (series.folder / "other.dcm").write_bytes(data)
    _sentence(series.folder, "001.dcm and other.dcm are different versions of the same image")
    assert read_ct(series.folder / "other.dcm").hu[0, -1, -1] != series.stored[0, -1, -1] - 1024


def test_an_unknown_series(dicom_series) -> None:
    with pytest.raises(ReadError, match=r"no series with the number or UID 1\.2\.3"):
        read_ct(dicom_series().folder, series="1.2.3")


def test_a_compressed_stream_that_is_damaged(dicom_series, tmp_path) -> None:
    series = dicom_series(tmp_path / PLANTED, syntax="1.2.840.10008.1.2.4.80")
    data = bytearray(series.files[1].read_bytes())
    start = data.rindex(b"\xff\xd8\xff")
    data[start : start + 40] = bytes(40)
    series.files[1].write_bytes(data)
    with pytest.raises(ReadError, match=r"002\.dcm"):
        read_ct(series.folder)


def test_a_transfer_syntax_without_decoder(dicom_series, tmp_path) -> None:
    series = dicom_series(tmp_path / PLANTED)
    for path in series.files:
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0", 1))
    _sentence(series.folder, "001.dcm")


def test_hu_beyond_int16_inside_the_field_of_view(dicom_series) -> None:
    stored = np.full((3, 8, 8), 65000, np.uint16)
    with pytest.raises(ReadError, match="outside -32768"):
        read_ct(dicom_series(stored=stored, signed=False).folder)
