"""A slice that is not wholly there is never missing without a word; what is no slice does not stand in the way."""

from __future__ import annotations

import gzip
import os
import socket

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from napari_mits_gan.ct.read import list_series, read_ct
from napari_mits_gan.errors import ReadError

SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]


@pytest.mark.parametrize(
    ("syntax", "suffix", "lengths"),
    [
        (ExplicitVRLittleEndian, "", slice(None)),
        # Each length is tried with one of the endings: they matter little, and reading takes long.
        (ImplicitVRLittleEndian, ".dcm", slice(0, None, 2)),
        (ImplicitVRLittleEndian, "", slice(1, None, 2)),
    ],
)
def test_a_file_that_is_cut_off_anywhere_is_a_refusal_that_names_it(dicom_series, syntax, suffix, lengths) -> None:
    series = dicom_series(shape=(2, 6, 5), syntax=syntax, suffix=suffix)
    last = series.files[-1]
    whole = last.read_bytes()
    for length in range(len(whole))[lengths]:
        last.write_bytes(whole[:length])
        with pytest.raises(ReadError, match=last.name):
            read_ct(series.folder)


@pytest.mark.parametrize("content", [b"", bytes(100), bytes(5000)], ids=["empty", "short zeros", "zeros"])
def test_a_file_without_ending_of_which_nothing_is_there_yet_is_a_refusal(dicom_series, content) -> None:
    series = dicom_series(suffix="")
    (series.folder / "006").write_bytes(content)
    with pytest.raises(ReadError, match=r"1 file\(s\) beside the series cannot be read \(006: "):
        read_ct(series.folder)


@pytest.mark.parametrize("name", ["LOCKFILE", ".complete", "notes.txt", "deeper/007"])
def test_an_empty_file_that_is_named_otherwise_is_none_of_the_slices(dicom_series, name) -> None:
    series = dicom_series(suffix="")
    (series.folder / name).parent.mkdir(exist_ok=True)
    (series.folder / name).touch()
    assert read_ct(series.folder).shape[0] == 5


@pytest.mark.parametrize("content", [b"\x9c" * 3000, b"<html>404</html>"])
def test_what_is_named_as_the_slices_are_and_is_no_dicom_is_a_refusal(dicom_series, content) -> None:
    series = dicom_series(suffix="")
    for path in series.files:
        path.rename(path.with_name(f"IM{path.name}"))
    (series.folder / "IM006").write_bytes(content)
    with pytest.raises(
        ReadError, match=r"1 file\(s\) beside the series cannot be read \(IM006: it is not DICOM inside"
    ):
        read_ct(series.folder)
    (series.folder / "IM006").rename(series.folder / "VERSION2")
    assert read_ct(series.folder).shape[0] == 5


def test_a_slice_that_is_compressed_by_itself_is_a_refusal(dicom_series) -> None:
    series = dicom_series()
    packed = series.folder / f"{series.files[-1].name}.gz"
    packed.write_bytes(gzip.compress(series.files[-1].read_bytes()))
    series.files[-1].unlink()
    with pytest.raises(ReadError, match=r"005\.dcm\.gz: it is compressed with gzip; unpack it"):
        read_ct(series.folder)


def _report(syntax: str, sop_class: str | None, tail: bool) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    if sop_class is not None:
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = sop_class
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid(prefix=None)
    ds.PatientID = "1"
    if tail:
        inner = Dataset()
        inner.TextValue = "seen"
        ds.ContentSequence = [inner]
        ds["ContentSequence"].is_undefined_length = True
        ds.add_new(0x00431029, "UN", b"private")
    return ds


@pytest.mark.parametrize("syntax", [*SYNTAXES, ExplicitVRBigEndian], ids=lambda uid: uid.name)
@pytest.mark.parametrize(
    "sop_class", ["1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.481.5", "1.2.3.4.5", None]
)
def test_whole_files_without_an_image_do_not_block_the_series_beside_them(dicom_series, syntax, sop_class) -> None:
    series = dicom_series()
    ds = _report(syntax, sop_class, tail=True)
    pydicom.dcmwrite(
        series.folder / "report", ds, implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian, enforce_file_format=sop_class is not None,
    )  # fmt: skip
    if sop_class is None:
        data = (series.folder / "report").read_bytes()
        (series.folder / "report").write_bytes(bytes(128) + b"DICM" + data if b"DICM" not in data[:140] else data)
    assert read_ct(series.folder).shape[0] == 5


def test_devices_pipes_and_sockets_are_no_files(dicom_series, tmp_path) -> None:
    series = dicom_series()
    os.mkfifo(series.folder / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        os.chdir(series.folder)
        bound.bind("socket")
        assert read_ct(series.folder).shape[0] == 5
        assert read_ct(series.files[1]).shape[0] == 5
        assert len(list_series(series.folder)) == 1
        for name in ("pipe", "socket"):
            for ask in (read_ct, list_series):
                with pytest.raises(ReadError, match=f"{name} is neither a file nor a folder"):
                    ask(series.folder / name)
    with pytest.raises(ReadError, match="null is neither a file nor a folder"):
        read_ct("/dev/null")


def test_a_link_to_a_slice_that_is_gone_is_a_refusal(dicom_series) -> None:
    series = dicom_series()
    (series.folder / "006.dcm").symlink_to(series.folder / "annexed")
    with pytest.raises(ReadError, match=r"006\.dcm: it cannot be read"):
        read_ct(series.folder)


@pytest.mark.parametrize("size", [4, 48, 256])
@pytest.mark.parametrize("vr", [b"UN", b"OB", b"OW"])
def test_pixel_data_of_any_vr_is_read_from_where_it_begins(dicom_series, size, vr) -> None:
    series = dicom_series(shape=(3, size, size))
    for path in series.files:
        data = path.read_bytes()
        at = data.rindex(b"\xe0\x7f\x10\x00OW")
        path.write_bytes(data[: at + 4] + vr + data[at + 6 :])
    np.testing.assert_array_equal(read_ct(series.folder).hu, series.stored - 1024)


def test_the_length_of_implicit_pixel_data_may_look_like_a_vr(dicom_series) -> None:
    # 0x574F bytes: the length's first two bytes are the letters OW.
    series = dicom_series(shape=(2, 1, 11175), syntax=ImplicitVRLittleEndian)
    for path in series.files:
        data = path.read_bytes()
        at = data.rindex(b"\xe0\x7f\x10\x00") + 4
        path.write_bytes(data[:at] + 0x574F.to_bytes(4, "little") + data[at + 4 :][:0x574F] + b"\0")
    np.testing.assert_array_equal(read_ct(series.folder).hu, series.stored - 1024)
