"""DICOM series that are read."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.fileset import FileSet
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from scipy.spatial.transform import Rotation

from napari_mits_gan.ct.read import SeveralSeriesError, list_series, read_ct
from napari_mits_gan.errors import Cancelled


def _second_reader(folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def test_hu_and_geometry_are_those_of_simpleitk(dicom_series) -> None:
    series = dicom_series(order=[3, 0, 4, 2, 1])
    volume = read_ct(series.folder)
    image = _second_reader(series.folder)
    np.testing.assert_array_equal(volume.hu, sitk.GetArrayFromImage(image))
    np.testing.assert_allclose(volume.spacing[::-1], image.GetSpacing())
    np.testing.assert_allclose(volume.origin, image.GetOrigin())
    np.testing.assert_allclose(volume.direction[:, ::-1].ravel(), image.GetDirection(), atol=1e-9)
    assert volume.name == "CHEST 2.5"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.tuples(*[st.floats(-np.pi, np.pi)] * 3),
    st.permutations(range(4)),
    st.tuples(st.floats(0.5, 6), st.floats(0.3, 3), st.floats(0.3, 3)),
)
def test_every_voxel_lies_where_its_slice_says_in_any_orientation(dicom_series, angles, order, spacing) -> None:
    rotation = Rotation.from_euler("xyz", angles).as_matrix()
    series = dicom_series(shape=(4, 6, 5), row=rotation[:, 0], column=rotation[:, 1], order=order, spacing=spacing)
    volume = read_ct(series.folder)
    np.testing.assert_array_equal(volume.hu, series.stored - 1024)
    for z, y, x in ((0, 0, 0), (3, 5, 4), (2, 1, 3)):
        slice_origin = np.array((-120.5, -99.25, -300.0)) + z * spacing[0] * np.cross(rotation[:, 0], rotation[:, 1])
        expected = slice_origin + y * spacing[1] * rotation[:, 1] + x * spacing[2] * rotation[:, 0]
        np.testing.assert_allclose(volume.world_from_voxel((z, y, x)), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("row", "column"),
    [((1, 0, 0), (0, 0, -1)), ((0, 1, 0), (0, 0, -1)), ((-1, 0, 0), (0, -1, 0)), ((-1, 0, 0), (0, 1, 0))],
    ids=["coronal", "sagittal", "prone", "seen from above"],
)
def test_other_planes_equal_simpleitk(dicom_series, row, column) -> None:
    series = dicom_series(row=row, column=column, order=[4, 3, 2, 1, 0])
    volume = read_ct(series.folder)
    image = _second_reader(series.folder)
    array = sitk.GetArrayFromImage(image)
    for voxel in ((0, 0, 0), (4, 15, 11), (1, 2, 3)):
        world = volume.world_from_voxel(voxel)
        x, y, z = image.TransformPhysicalPointToIndex(world)
        assert array[z, y, x] == volume.hu[voxel]


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
    ],
    ids=lambda uid: uid.name,
)
@pytest.mark.parametrize(("signed", "bits"), [(True, 16), (False, 12), (False, 16), (True, 13)])
def test_transfer_syntaxes_and_bits_do_not_change_hu(dicom_series, syntax, signed, bits) -> None:
    series = dicom_series(shape=(2, 40, 36), syntax=syntax, signed=signed, bits_stored=bits)
    np.testing.assert_array_equal(read_ct(series.folder).hu, series.stored.astype(int) - 1024)


def test_each_slice_is_rescaled_by_its_own_slope_and_intercept(dicom_series) -> None:
    slope, intercept = np.array([1, 2, 0.5, 1, 0.001]), np.array([-1024, -1000, 0, -5, 0.25])
    series = dicom_series(slope=slope, intercept=intercept)
    expected = np.rint(series.stored * slope[:, None, None] + intercept[:, None, None])
    np.testing.assert_array_equal(read_ct(series.folder).hu, expected)


def test_padding_is_marked_and_may_lie_outside_the_range_of_hu(dicom_series) -> None:
    stored = np.full((3, 8, 8), 100, np.int16)
    stored[:, :2] = -32768

    def declare(ds, z) -> None:
        ds.add_new("PixelPaddingValue", "SS", -32768)

    volume = read_ct(dicom_series(stored=stored, edit=declare).folder)
    np.testing.assert_array_equal(volume.padding, stored == -32768)
    assert volume.hu.min() == -32768


def test_a_range_of_padding_values_is_marked(dicom_series) -> None:
    def declare(ds, z) -> None:
        ds.add_new("PixelPaddingValue", "SS", 0)
        ds.add_new("PixelPaddingRangeLimit", "SS", 500)

    series = dicom_series(edit=declare)
    np.testing.assert_array_equal(read_ct(series.folder).padding, series.stored <= 500)


def test_files_without_ending_and_junk_beside_them_do_not_matter(dicom_series) -> None:
    series = dicom_series(suffix="")
    (series.folder / "notes.xml").write_text("<a/>")
    (series.folder / "DIRFILE").write_bytes(b"\0" * 300)
    (series.folder / "._001").write_bytes(b"\0\5\x16\7")
    (series.folder / "empty").touch()
    assert read_ct(series.folder).shape == (5, 16, 12)


def test_what_macos_puts_beside_each_file_does_not_matter(dicom_series) -> None:
    series = dicom_series()
    for path in series.files:
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(4000))
    volume = read_ct(series.folder)
    np.testing.assert_array_equal(volume.hu, series.stored - 1024)
    assert volume.source is not None
    assert volume.source.left_out == ()


def test_files_without_preamble_and_file_meta_are_read(dicom_series) -> None:
    series = dicom_series(syntax=ImplicitVRLittleEndian)
    for path in series.files:
        data = path.read_bytes()
        length = int.from_bytes(data[140:144], "little")
        path.write_bytes(data[144 + length :])
    np.testing.assert_array_equal(read_ct(series.folder).hu, series.stored - 1024)


def test_one_file_means_its_whole_series(dicom_series) -> None:
    series = dicom_series()
    other = dicom_series(series.folder / "deeper", shape=(3, 16, 12))
    assert read_ct(series.files[2]).shape == (5, 16, 12)
    assert read_ct(other.folder).shape == (3, 16, 12)


def test_several_series_are_offered_and_the_chosen_one_is_read(dicom_series, tmp_path) -> None:
    dicom_series(tmp_path / "disc" / "a", edit=lambda ds, z: setattr(ds, "SeriesDescription", "LUNG"))
    dicom_series(tmp_path / "disc" / "b", shape=(3, 16, 12))
    with pytest.raises(SeveralSeriesError) as caught:
        read_ct(tmp_path / "disc")
    assert [s.description for s in caught.value.series] == ["CHEST 2.5", "LUNG"]
    assert all(s.uid in str(caught.value) for s in caught.value.series)
    assert read_ct(tmp_path / "disc", series=caught.value.series[0].uid).shape == (3, 16, 12)
    assert [s.number_of_images for s in list_series(tmp_path / "disc")] == [3, 5]


def test_patients_of_a_folder_are_told_apart_without_their_names(dicom_series, tmp_path) -> None:
    def of(patient: str, description: str):
        def edit(ds, z) -> None:
            ds.PatientID, ds.PatientName, ds.SeriesDescription = patient, f"{patient}^Name", description

        return edit

    for number, (patient, description) in enumerate((("Q-77", "A"), ("Z-12", "B"), ("Q-77", "C"))):
        dicom_series(tmp_path / "disc" / str(number), shape=(2, 9, 9), edit=of(patient, description))
    with pytest.raises(SeveralSeriesError) as caught:
        read_ct(tmp_path / "disc")
    assert [s.patient_words for s in caught.value.series] == ["patient 1 of 2", "patient 2 of 2", "patient 1 of 2"]
    assert "patient 2 of 2" in str(caught.value)
    for name in ("Q-77", "Z-12", "Name"):
        assert name not in str(caught.value) + repr(caught.value.series)


def test_localizers_captures_and_other_modalities_are_left_out(dicom_series) -> None:
    series = dicom_series(shape=(6, 16, 12))
    uid = read_ct(series.folder).source.series_uid

    def stray(ds, z) -> None:
        ds.SeriesInstanceUID = uid
        if z == 0:
            ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        else:
            ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"

    dicom_series(series.folder / "strays", shape=(2, 9, 9), edit=stray)
    volume = read_ct(series.folder)
    assert volume.shape == (6, 16, 12)
    assert len(volume.source.left_out) == 2


def test_a_second_copy_of_a_file_is_taken_once(dicom_series) -> None:
    series = dicom_series()
    (series.folder / "copy.dcm").write_bytes(series.files[1].read_bytes())
    assert read_ct(series.folder).shape == (5, 16, 12)


def test_instance_numbers_and_thickness_are_not_believed(dicom_series) -> None:
    def lie(ds, z) -> None:
        ds.InstanceNumber, ds.SliceThickness, ds.SliceLocation = 7, 0.1, 5.0

    series = dicom_series(edit=lie, order=[2, 4, 0, 1, 3])
    volume = read_ct(series.folder)
    assert volume.spacing[0] == pytest.approx(2.5)
    np.testing.assert_array_equal(volume.hu, series.stored - 1024)


def test_cancelling_stops_the_reading(dicom_series) -> None:
    def stop(done: int, total: int) -> None:
        if done >= 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        read_ct(dicom_series().folder, progress=stop)


def test_progress_ascends_to_its_total(dicom_series) -> None:
    told: list[tuple[int, int]] = []
    read_ct(dicom_series().folder, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (10, 10)


def test_the_real_scan_equals_simpleitk(shared_ct) -> None:
    volume = read_ct(shared_ct / "LIDC-IDRI-0001")
    image = _second_reader(shared_ct / "LIDC-IDRI-0001")
    np.testing.assert_array_equal(volume.hu, sitk.GetArrayViewFromImage(image))
    np.testing.assert_allclose(volume.spacing[::-1], image.GetSpacing())
    np.testing.assert_allclose(volume.origin, image.GetOrigin())
    assert (volume.hu[volume.padding] == -2048).all()
    assert volume.padding.mean() == pytest.approx(0.213, abs=0.01)


def test_a_dicomdir_means_its_folder(dicom_series, tmp_path) -> None:
    series = dicom_series()
    media = FileSet()
    for path in series.files:
        media.add(path)
    media.write(tmp_path / "disc")
    for place in (tmp_path / "disc", tmp_path / "disc" / "DICOMDIR"):
        np.testing.assert_array_equal(read_ct(place).hu, series.stored - 1024)


def test_slices_keep_their_own_bits_and_sign(dicom_series) -> None:
    def mix(ds, z) -> None:
        if z % 2:
            ds.PixelRepresentation, ds.BitsStored, ds.HighBit = 0, 12, 11

    series = dicom_series(edit=mix)
    np.testing.assert_array_equal(read_ct(series.folder).hu, series.stored - 1024)


@pytest.mark.parametrize("padding", ["none", "the same in all slices", "each slice its own"])
def test_memory_stays_near_that_of_the_volume(dicom_series, padding) -> None:
    stored = np.random.default_rng(0).integers(0, 3000, (48, 256, 256)).astype(np.int16)
    if padding != "none":
        y, x = np.indices(stored.shape[1:])
        for z, slab in enumerate(stored):
            radius = 120 if padding.startswith("the same") else 100 + z % 20
            slab[np.hypot(y - 127.5, x - 127.5) > radius] = -1024
    series = dicom_series(stored=stored)
    read_ct(series.folder)  # what is imported and cached once is not counted
    tracemalloc.start()
    volume = read_ct(series.folder)
    held, peak = (size / volume.hu.nbytes for size in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    assert (volume.padding is None) == (padding == "none")
    if volume.padding is not None:
        np.testing.assert_array_equal(volume.padding, stored == -1024)
    # A padding of its own for each slice takes a byte for each voxel of two.
    assert held < (1.6 if padding == "each slice its own" else 1.1)
    assert peak < (1.75 if padding == "each slice its own" else 1.5)
    print(f"padding {padding}: {held:.2f} times the volume held, {peak:.2f} at most")
