"""What an export says of itself is true of its own pixels, and where it lies is what the user chose."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from datetime import UTC, datetime, timedelta

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from enhanced_ct import enhanced_file
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import ReadError, WriteError

STEP = Step("protection", {"method": "mits-gan"})
EACH = settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
POSIX = pytest.mark.skipif(os.name == "nt", reason="permissions of this kind are those of POSIX")


def _export(series, tmp_path, **options) -> Dataset:
    volume = read_ct(series.folder)
    return pydicom.dcmread(write_dicom(volume.with_hu(volume.hu, STEP), tmp_path / "out", **options)[0])


STALE = {
    "SOPInstanceStatus": "AO", "SOPAuthorizationDateTime": "20200101120000", "SOPAuthorizationComment": "seen",
    "AuthorizationEquipmentCertificationNumber": "X1", "InstanceCreatorUID": "1.2.3", "InstanceAvailability": "ONLINE",
    "RetrieveAETitle": "PACS", "RetrieveURL": "http://x", "PixelDataProviderURL": "http://x",
    "ConcatenationUID": "1.2.3",
    "InConcatenationNumber": 1, "SmallestValidPixelValue": 7, "LargestValidPixelValue": 7,
    "SmallestImagePixelValueInPlane": 7, "LargestImagePixelValueInPlane": 7, "SmallestImagePixelValue": 7,
    "LargestPixelValueInSeries": 7,
}  # fmt: skip


def test_claims_about_the_source_do_not_outlive_its_pixels(dicom_series, tmp_path) -> None:
    def edit(ds, z) -> None:
        for keyword, value in STALE.items():
            if "Pixel" in keyword and "URL" not in keyword:
                ds.add_new(keyword, "SS", value)
            else:
                setattr(ds, keyword, value)
        ds.InstanceCoercionDateTime, ds.InstanceOriginStatus = "20200101120000", "LOCAL"
        for element, vr, value in (
            (0x10, "US", 8), (0x11, "US", 8), (0x40, "CS", "R"), (0x50, "SS", [1, 1]), (0x100, "US", 1),
            (0x102, "US", 0), (0x1301, "IS", 8), (0x1302, "DS", "40"), (0x1303, "DS", "5"), (0x3000, "OW", b"\xff" * 8),
        ):  # fmt: skip
            ds.add_new((0x6000, element), vr, value)
        bins = Dataset()
        bins.HistogramNumberOfBins, bins.HistogramData = 2, [5, 6]
        ds.HistogramSequence = [bins]

    told = _export(dicom_series(edit=edit), tmp_path)
    stale = set(STALE) | {"HistogramSequence", "InstanceCoercionDateTime", "InstanceOriginStatus"}
    assert not stale & set(told.dir())
    assert told[0x6000, 0x3000].value == b"\xff" * 8
    assert (0x6000, 0x1302) not in told
    assert (0x6000, 0x1303) not in told


@pytest.mark.parametrize("offset", ["+0900", "-0330", "+0000"])
def test_the_time_of_creation_is_that_of_the_stated_time_zone(dicom_series, tmp_path, offset) -> None:
    told = _export(dicom_series(edit=lambda ds, z: setattr(ds, "TimezoneOffsetFromUTC", offset)), tmp_path)
    sign = -1 if offset[0] == "-" else 1
    there = datetime.now(UTC) + sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
    made = datetime.strptime(told.InstanceCreationDate + told.InstanceCreationTime, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    assert abs(there - made) < timedelta(minutes=2)
    contributed = told.ContributingEquipmentSequence[-1].ContributionDateTime
    assert abs(datetime.strptime(str(contributed), "%Y%m%d%H%M%S%z") - datetime.now(UTC)) < timedelta(minutes=2)


@pytest.mark.parametrize(("bits", "high", "position"), [(12, 11, 12), (12, 11, 15), (12, 15, 0), (12, 13, 1)])
def test_an_overlay_in_bits_beside_the_image_becomes_one_of_its_own(
    dicom_series, tmp_path, bits, high, position
) -> None:
    drawn = np.zeros((16, 12), np.uint16)
    drawn[3:7, 2:9] = 1
    stored = np.random.default_rng(0).integers(0, 4096, (3, 16, 12)).astype(np.uint16)

    def edit(ds, z) -> None:
        ds.BitsStored, ds.HighBit = bits, high
        ds.PixelData = ((stored[z] << (high + 1 - bits)) | (drawn << position)).astype("<u2").tobytes()
        for element, vr, value in (
            (0x10, "US", 16), (0x11, "US", 12), (0x40, "CS", "G"), (0x50, "SS", [1, 1]), (0x100, "US", 16),
            (0x102, "US", position),
        ):  # fmt: skip
            ds.add_new((0x6000, element), vr, value)

    told = _export(dicom_series(stored=stored, signed=False, edit=edit), tmp_path)
    np.testing.assert_array_equal(told.overlay_array(0x6000), drawn)
    assert (told[0x6000, 0x0100].value, told[0x6000, 0x0102].value) == (1, 0)
    np.testing.assert_array_equal(told.pixel_array, stored[0])


@pytest.mark.parametrize(
    "values", [[], ["ORIGINAL"], ["ORIGINAL", "SECONDARY"], ["DERIVED", "PRIMARY", "VOLUME", "MEAN"]]
)
def test_an_enhanced_image_type_of_any_number_of_values_becomes_four(tmp_path, values) -> None:
    def edit(ds) -> None:
        ds.ImageType = values
        ds.SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence[0].FrameType = values

    stored = np.zeros((4, 12, 10), np.uint16)
    volume = read_ct(enhanced_file(tmp_path / "in" / "a", stored, [0, 1, 2, 3], edit=edit))
    told = pydicom.dcmread(write_dicom(volume.with_hu(volume.hu, STEP), tmp_path / "out")[0])
    for found in (told.ImageType, told.SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence[0].FrameType):
        assert len(found) == 4
        assert found[0] == "DERIVED"
        assert list(found[1 : len(values)]) == values[1:3] + (["MEAN"] if len(values) == 4 else [])


@EACH
@given(st.binary(min_size=1, max_size=20).filter(lambda b: not set(b) & set(b"\\^=\0\x1b\r\n\t\f ")), st.data())
def test_a_name_keeps_its_bytes_whatever_character_set_it_is_in(dicom_series, tmp_path_factory, name, data) -> None:
    source = data.draw(st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]))
    syntax = data.draw(st.sampled_from([None, "explicit-le", "rle", "deflated"]))
    charset = data.draw(st.sampled_from(["ISO_IR 192", "ISO_IR 100", "ISO_IR 6"]))
    series = dicom_series(tmp_path_factory.mktemp("names"), shape=(2, 8, 8))
    planted = b"@" * (len(name) + len(name) % 2)
    name = name + b" " * (len(name) % 2)
    for path in series.files:
        ds = pydicom.dcmread(path)
        ds.SpecificCharacterSet = charset
        ds.PatientName = planted.decode()
        inner = Dataset()
        inner.RequestedProcedureDescription = planted.decode()
        ds.RequestAttributesSequence = [inner]
        if source == ExplicitVRBigEndian:
            ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
        ds.file_meta.TransferSyntaxUID = source
        pydicom.dcmwrite(
            path, ds, implicit_vr=source == ImplicitVRLittleEndian, little_endian=source != ExplicitVRBigEndian
        )
        path.write_bytes(path.read_bytes().replace(planted, name))
    volume = read_ct(series.folder)
    np.testing.assert_array_equal(volume.hu, series.stored - 1024)
    out = tmp_path_factory.mktemp("out") / "o"
    for path in write_dicom(volume, out, transfer_syntax=syntax):
        ds = pydicom.dcmread(path)
        assert ds.get_item("PatientName").value == name
        assert ds.RequestAttributesSequence[0].get_item("RequestedProcedureDescription").value == name


@pytest.mark.skipif(shutil.which("dcmcjpls") is None, reason="dcmcjpls (DCMTK) is not installed")
@pytest.mark.parametrize(("options", "lossy"), [(["+en", "+md", "3"], True), (["+el"], False)])
def test_a_source_that_lost_something_says_so_in_its_export(dicom_series, tmp_path, options, lossy) -> None:
    series = dicom_series(shape=(2, 32, 32), bits_stored=12, signed=False)
    for path in series.files:
        subprocess.run(["dcmcjpls", *options, str(path), str(path)], check=True, capture_output=True)
        ds = pydicom.dcmread(path)
        for keyword in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
            if keyword in ds:
                delattr(ds, keyword)
        ds.save_as(path)
    told = _export(series, tmp_path)
    assert (told.get("LossyImageCompression") == "01") == lossy
    assert told.get("LossyImageCompressionMethod", "ISO_14495_1") == "ISO_14495_1"


@POSIX
@settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from([0o700, 0o750, 0o755, 0o2770, 0o2750, 0o777]), st.sampled_from([0o022, 0o027, 0o077, 0o002]))
def test_a_folder_keeps_its_permissions_and_files_obey_the_umask(tmp_path_factory, mode, umask) -> None:
    place = tmp_path_factory.mktemp("export")
    volume = CTVolume(np.zeros((2, 5, 5), np.int16), (1, 1, 1))
    (place / "kept").mkdir()
    (place / "kept").chmod(mode)
    before = os.umask(umask)
    try:
        files = write_dicom(volume, place / "kept") + write_dicom(volume, place / "new")
        image = write_image(volume, place / "a.nii")
    finally:
        os.umask(before)
    assert stat.S_IMODE((place / "kept").stat().st_mode) == mode
    assert stat.S_IMODE((place / "new").stat().st_mode) == 0o777 & ~umask
    assert {stat.S_IMODE(p.stat().st_mode) for p in (*files, image)} == {0o666 & ~umask}


@pytest.mark.parametrize("damage", ["remove", "shorten"])
def test_a_file_that_vanishes_while_others_are_written_is_no_success(dicom_series, tmp_path, damage) -> None:
    volume = read_ct(dicom_series().folder)
    (tmp_path / "place").mkdir()

    def interfere(done: int, total: int) -> None:
        if done == total:
            (hidden,) = (tmp_path / "place").iterdir()
            if damage == "remove":
                (hidden / "000003.dcm").unlink()
            else:
                (hidden / "000003.dcm").write_bytes(b"")

    with pytest.raises(WriteError, match=r"000003\.dcm vanished or was changed"):
        write_dicom(volume, tmp_path / "place" / "out", progress=interfere)
    assert list((tmp_path / "place").iterdir()) == []


def test_names_that_no_folder_can_have_are_refused(tmp_path, monkeypatch) -> None:
    volume = CTVolume(np.zeros((2, 5, 5), np.int16), (1, 1, 1))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(WriteError, match="current folder"):
        write_dicom(volume, ".")
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(WriteError, match="current folder"):
        write_dicom(volume, tmp_path / "link" / "here")
    (tmp_path / "link").unlink()
    for write, name in ((write_dicom, "a\0b"), (write_image, "a\0b.nii")):
        with pytest.raises(WriteError, match="no name can have"):
            write(volume, tmp_path / name)
    with pytest.raises(ReadError, match="no file or folder"):
        read_ct(tmp_path / "a\0b")
    assert list(tmp_path.iterdir()) == [tmp_path / "here"]


def test_nothing_from_a_header_commands_the_terminal(dicom_series) -> None:
    def edit(ds, z) -> None:
        ds.SeriesDescription = "CHEST \x1b[2J\x1b]0;title\x07"
        ds.ConvolutionKernel = f"B\x1b[3{z}m"

    with pytest.raises(ReadError) as caught:
        read_ct(dicom_series(edit=edit).folder)
    assert str(caught.value).isprintable()
    named = read_ct(dicom_series(edit=lambda ds, z: setattr(ds, "SeriesDescription", "A\x1b[2J")).folder)
    assert named.name.isprintable()
