"""DICOM series that are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import Cancelled, TamperedVolumeError, WriteError

PROTECTION = Step("protection", {"method": "mits-gan", "max_change_hu": 20, "seed": 4711})
SYNTAXES = ["explicit-le", "deflated", "rle", "jpeg-ls", "jpeg-2000"]


def _stored(folder: Path) -> np.ndarray:
    datasets = sorted((pydicom.dcmread(p) for p in folder.iterdir()), key=lambda ds: ds.ImagePositionPatient[2])
    return np.stack([pydicom.pixels.pixel_array(ds, raw=True) for ds in datasets])


def _noisy(volume: CTVolume, most: int = 20) -> CTVolume:
    noise = np.random.default_rng(1).integers(-most, most + 1, volume.shape)
    if volume.padding is not None:
        noise[volume.padding] = 0
    return volume.with_hu((volume.hu + noise).astype(np.int16), PROTECTION)


@pytest.mark.parametrize("syntax", [None, *SYNTAXES])
@pytest.mark.parametrize(("signed", "bits"), [(True, 16), (False, 12), (False, 16), (True, 12)])
def test_an_unchanged_scan_comes_back_bit_for_bit(dicom_series, tmp_path, syntax, signed, bits) -> None:
    stored = np.random.default_rng(0).integers(0, 2000, (3, 40, 36)).astype(np.int16 if signed else np.uint16)
    series = dicom_series(stored=stored, signed=signed, bits_stored=bits, order=[1, 2, 0])
    volume = read_ct(series.folder)
    write_dicom(volume, tmp_path / "out", transfer_syntax=syntax)
    np.testing.assert_array_equal(_stored(tmp_path / "out"), stored)
    back = read_ct(tmp_path / "out")
    np.testing.assert_array_equal(back.hu, volume.hu)
    assert (back.spacing, back.origin) == (volume.spacing, volume.origin)
    np.testing.assert_array_equal(back.direction, volume.direction)


@pytest.mark.parametrize(
    "syntax",
    ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80"],
)
def test_the_source_transfer_syntax_is_kept_where_it_is_lossless(dicom_series, tmp_path, syntax) -> None:
    series = dicom_series(shape=(2, 40, 36), syntax=syntax)
    files = write_dicom(_noisy(read_ct(series.folder)), tmp_path / "out")
    assert {pydicom.dcmread(p).file_meta.TransferSyntaxUID for p in files} == {syntax}
    assert read_ct(tmp_path / "out").shape == (2, 40, 36)


def test_values_that_whole_hu_cannot_hold_survive_where_nothing_changed(dicom_series, tmp_path) -> None:
    stored = np.random.default_rng(0).integers(-30000, 30000, (3, 9, 8)).astype(np.int16)
    series = dicom_series(stored=stored, slope=0.001, intercept=0.5)
    volume = read_ct(series.folder)
    hu = volume.hu.copy()
    hu[1, 2, 3] += 5
    write_dicom(volume.with_hu(hu, PROTECTION), tmp_path / "out")
    after = _stored(tmp_path / "out")
    changed = after != stored
    assert changed.sum() == 1
    assert read_ct(tmp_path / "out").hu[1, 2, 3] == hu[1, 2, 3]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(slopes=st.lists(st.sampled_from([0.25, 0.5, 1.0]), min_size=3, max_size=3), seed=st.integers(0, 99))
def test_changed_hu_come_back_through_each_slice_s_own_rescale(dicom_series, tmp_path_factory, slopes, seed) -> None:
    rng = np.random.default_rng(seed)
    stored = rng.integers(0, 4000, (3, 6, 5)).astype(np.uint16)
    series = dicom_series(stored=stored, signed=False, slope=slopes, intercept=[-1024, -1000, -1024])
    volume = read_ct(series.folder)
    hu = np.clip(volume.hu + rng.integers(-20, 21, volume.shape), -1000, None).astype(np.int16)
    folder = tmp_path_factory.mktemp("out")
    write_dicom(volume.with_hu(hu, PROTECTION), folder)
    np.testing.assert_array_equal(read_ct(folder).hu, hu)


def test_padding_is_never_touched_and_nothing_turns_into_it(dicom_series, tmp_path) -> None:
    stored = np.full((3, 8, 8), 12, np.uint16)
    stored[:, 0] = 0

    def declare(ds, z) -> None:
        ds.add_new("PixelPaddingValue", "US", 0)

    series = dicom_series(stored=stored, signed=False, bits_stored=12, edit=declare)
    volume = read_ct(series.folder)
    darker = volume.with_hu(np.full(volume.shape, -1200, np.int16), PROTECTION)
    write_dicom(darker, tmp_path / "out")
    after = _stored(tmp_path / "out")
    assert (after[:, 0] == 0).all()
    assert (after[:, 1:] == 1).all()  # clipped to the bits, and off the padding value
    np.testing.assert_array_equal(read_ct(tmp_path / "out").padding, volume.padding)


def test_what_a_derived_series_says(dicom_series, tmp_path) -> None:
    def details(ds, z) -> None:
        ds.add_new("SmallestImagePixelValue", "SS", 0)
        ds.LossyImageCompression = "01"

    series = dicom_series(edit=details)
    volume = read_ct(series.folder)
    files = write_dicom(_noisy(volume), tmp_path / "out")
    new = [pydicom.dcmread(p) for p in files]
    old = [pydicom.dcmread(p) for p in series.files]
    for ds, source in zip(new, old, strict=True):
        for kept in (
            "PatientName", "PatientID", "StudyInstanceUID", "FrameOfReferenceUID", "ImagePositionPatient",
            "ImageOrientationPatient", "PixelSpacing", "Manufacturer", "RescaleSlope", "RescaleIntercept",
            "LossyImageCompression", "InstanceNumber",
        ):  # fmt: skip
            assert ds[kept].value == source[kept].value
        assert ds.SOPInstanceUID != source.SOPInstanceUID
        assert ds.SOPInstanceUID == ds.file_meta.MediaStorageSOPInstanceUID
        assert ds.file_meta.ImplementationClassUID != source.file_meta.ImplementationClassUID
        assert ds.SeriesNumber != source.SeriesNumber
        assert "protected" in ds.SeriesDescription
        assert list(ds.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
        assert ds.DerivationCodeSequence[0].CodeValue == "113042"
        reference = ds.SourceImageSequence[0]
        assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert reference.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
        equipment = ds.ContributingEquipmentSequence[-1]
        assert equipment.PurposeOfReferenceCodeSequence[0].CodeValue == "109103"
        for text in (ds.DerivationDescription, equipment.ContributionDescription):
            assert "mits-gan" in text
            assert "max_change_hu=20" in text
            assert "4711" not in text  # the seed would help to undo the protection
        assert "SmallestImagePixelValue" not in ds
        assert ds.InstanceCreationDate
    assert len({ds.SeriesInstanceUID for ds in new} | {old[0].SeriesInstanceUID}) == 2
    assert len({ds.SOPInstanceUID for ds in new}) == len(new)


def test_a_tampered_volume_is_refused_before_anything_else(dicom_series, tmp_path) -> None:
    volume = read_ct(dicom_series().folder)
    tampered = volume.with_hu(volume.hu, Step("attack", {"action": "inject"}))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(TamperedVolumeError, match=r"^This scan carries a simulated attack.*\.$"):
        write_dicom(tampered, tmp_path / "full", transfer_syntax="nonsense")
    with pytest.raises(TamperedVolumeError):
        write_dicom(tampered.with_hu(volume.hu, PROTECTION), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_taken_only_if_empty(dicom_series, tmp_path) -> None:
    volume = read_ct(dicom_series().folder)
    (tmp_path / "empty").mkdir()
    assert len(write_dicom(volume, tmp_path / "empty")) == 5
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("keep")
    with pytest.raises(WriteError, match="not empty"):
        write_dicom(volume, tmp_path / "full")
    (tmp_path / "file").write_text("keep")
    with pytest.raises(WriteError, match="file or a link"):
        write_dicom(volume, tmp_path / "file")
    assert [p.read_text() for p in (tmp_path / "full" / "mine", tmp_path / "file")] == ["keep", "keep"]


def test_cancelling_leaves_nothing(dicom_series, tmp_path) -> None:
    def stop(done: int, total: int) -> None:
        assert total == 5
        if done == 2:
            raise Cancelled("stopped")

    place = tmp_path / "place"
    place.mkdir()
    with pytest.raises(Cancelled):
        write_dicom(read_ct(dicom_series().folder), place / "a" / "b", progress=stop)
    assert list(place.iterdir()) == []


def test_a_source_that_is_gone_or_changed_is_noticed(dicom_series, tmp_path) -> None:
    series = dicom_series()
    volume = read_ct(series.folder)
    data = series.files[1].read_bytes()
    series.files[1].write_bytes(data + b"\0\0")
    with pytest.raises(WriteError, match=r"002.dcm was changed since"):
        write_dicom(volume, tmp_path / "out")
    series.files[1].unlink()
    with pytest.raises(WriteError, match=r"002.dcm, .* no longer there"):
        write_dicom(volume, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"transfer_syntax": "jpeg"}, "choose one of explicit-le"),
        ({"series_description": "x" * 65}, "at most 64"),
        ({"series_description": "a\\b"}, "backslash"),
        ({"series_description": "肺"}, "character set"),
        ({"patient_name": "Doe"}, "keeps the patient of its source"),
    ],
)
def test_options_that_dicom_cannot_hold(dicom_series, tmp_path, options, match) -> None:
    with pytest.raises(WriteError, match=match):
        write_dicom(read_ct(dicom_series().folder), tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("syntax", ["jpeg-ls", "jpeg-2000"])
def test_codecs_survive_many_slices_at_once(tmp_path, syntax) -> None:
    # pylibjpeg-openjpeg crashes the interpreter when several threads are inside it.
    hu = np.random.default_rng(0).integers(-1024, 3000, (40, 128, 128)).astype(np.int16)
    write_dicom(CTVolume(hu, (1, 1, 1)), tmp_path / "out", transfer_syntax=syntax)
    np.testing.assert_array_equal(read_ct(tmp_path / "out").hu, hu)


@pytest.mark.parametrize("syntax", [None, *SYNTAXES])
def test_a_volume_without_dicom_becomes_a_new_anonymous_series(tmp_path, syntax) -> None:
    hu = np.random.default_rng(0).integers(-1024, 3000, (4, 40, 36)).astype(np.int16)
    volume = CTVolume(hu, (1.25, 0.7, 0.6), (-10.0, 20.5, 1000.0625), name="Doe")
    files = write_dicom(volume, tmp_path / "out", transfer_syntax=syntax)
    back = read_ct(tmp_path / "out")
    np.testing.assert_array_equal(back.hu, hu)
    np.testing.assert_allclose(back.spacing, volume.spacing)
    np.testing.assert_allclose(back.origin, volume.origin)
    ds = pydicom.dcmread(files[0])
    assert ds.PatientName == "Anonymous"
    assert "Doe" not in str(ds)


def test_a_new_series_takes_the_patient_that_is_given(tmp_path) -> None:
    volume = CTVolume(np.zeros((2, 5, 5), np.int16), (1, 1, 1))
    files = write_dicom(volume, tmp_path / "out", patient_name="Müller^Ä", patient_id="P 7")
    ds = pydicom.dcmread(files[1])
    assert (str(ds.PatientName), ds.PatientID) == ("Müller^Ä", "P 7")


def test_a_series_of_another_size_than_its_source_is_refused(dicom_series, tmp_path) -> None:
    volume = read_ct(dicom_series().folder)
    cropped = CTVolume(volume.hu[1:], volume.spacing, source=volume.source)
    with pytest.raises(WriteError, match="another size"):
        write_dicom(cropped, tmp_path / "out")


def test_the_real_scan_opens_in_simpleitk_with_the_protected_hu(shared_ct, tmp_path) -> None:
    volume = _noisy(read_ct(shared_ct / "LIDC-IDRI-0001"))
    write_dicom(volume, tmp_path / "out")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "out")))
    image = reader.Execute()
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(image), volume.hu)
    np.testing.assert_allclose(image.GetSpacing(), volume.spacing[::-1])
    np.testing.assert_allclose(image.GetOrigin(), volume.origin)
    np.testing.assert_array_equal(read_ct(tmp_path / "out").padding, volume.padding)


@pytest.mark.parametrize(
    "case", ["01_transfer_syntaxes", "06_oblique_slope0.001", "13_no_modality_tag", "14_jpeg_lossless_sagittal"]
)
def test_difficult_series_come_back_bit_for_bit(shared_dir, tmp_path, case) -> None:
    folder = shared_dir / "nasty" / case
    sources = sorted(folder.iterdir()) if case.startswith("01") else [folder]
    for number, source in enumerate(sources):
        volume = read_ct(source)
        files = write_dicom(volume, tmp_path / f"out{number}")
        back = read_ct(tmp_path / f"out{number}")
        np.testing.assert_array_equal(back.hu, volume.hu)
        np.testing.assert_allclose(back.direction, volume.direction)
        for path, item in zip(files, volume.source.slices, strict=True):
            before = pydicom.dcmread(item.header.path)
            np.testing.assert_array_equal(
                pydicom.pixels.pixel_array(path, raw=True), pydicom.pixels.pixel_array(before, raw=True)
            )
