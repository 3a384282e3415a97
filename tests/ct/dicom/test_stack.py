"""Which images of a series form its volume, and what is refused because it does not belong together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import generate_uid

from enhanced_ct import enhanced_file, one
from napari_mits_gan.ct.read import list_series, read_ct
from napari_mits_gan.errors import ReadError

EACH = settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)


def _turned(degrees: float) -> list[str]:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [f"{v:.10f}" for v in (cosine, sine, 0, -sine, cosine, 0)]


@EACH
@given(st.lists(st.floats(-5e-4, 5e-4), min_size=6, max_size=6), st.floats(-89, 89))
def test_directions_that_differ_by_less_than_a_corner_shows_are_one_grid(
    dicom_series, tmp_path_factory, jitter, degrees
) -> None:
    # 5e-4 degrees turn the corner of a 16 x 12 image by far less than a tenth of a pixel, wherever rounding ends.
    def edit(ds, z) -> None:
        ds.ImageOrientationPatient = _turned(degrees + jitter[z])

    series = dicom_series(tmp_path_factory.mktemp("jitter"), shape=(6, 16, 12), edit=edit)
    volume = read_ct(series.folder)
    assert volume.shape == (6, 16, 12)
    assert volume.source.left_out == ()


@EACH
@given(st.floats(0.3, 44), st.sampled_from([1, 2, 3]), st.floats(-89, 89))
def test_a_turn_that_moves_a_corner_is_refused_however_many_slices_have_it(
    dicom_series, tmp_path_factory, turn, count, degrees
) -> None:
    def edit(ds, z) -> None:
        ds.ImageOrientationPatient = _turned(degrees + (turn if z < count else 0))

    series = dicom_series(tmp_path_factory.mktemp("turn"), shape=(6, 40, 48), edit=edit)
    with pytest.raises(ReadError, match="mixes images of 2 sizes, pixel spacings or orientations"):
        read_ct(series.folder)


@pytest.mark.parametrize(("spacing", "good"), [(0.7, True), (0.70001, True), (0.7045, False), (0.9, False)])
def test_pixel_spacings_are_compared_at_the_corner(dicom_series, spacing, good) -> None:
    def edit(ds, z) -> None:
        if z == 2:
            ds.PixelSpacing = ["0.8", str(spacing)]

    series = dicom_series(shape=(6, 40, 48), edit=edit)
    if good:
        assert read_ct(series.folder).shape == (6, 40, 48)
    else:
        with pytest.raises(ReadError, match="pixel spacings"):
            read_ct(series.folder)


@pytest.mark.parametrize("others", [1, 2, 5, 30])
def test_only_one_reference_image_is_left_out_and_the_user_is_told(dicom_series, others) -> None:
    series = dicom_series(shape=(6, 16, 12))
    uid = read_ct(series.folder).source.series_uid

    def stray(ds, z) -> None:
        ds.SeriesInstanceUID = uid
        ds.ImageOrientationPatient = ["1", "0", "0", "0", f"{math.sin(z / 20):.6f}", f"{-math.cos(z / 20):.6f}"]

    dicom_series(series.folder / "strays", shape=(others, 16, 12), edit=stray)
    if others == 1:
        volume = read_ct(series.folder)
        assert volume.shape == (6, 16, 12)
        (note,) = volume.source.notes
        assert "1 image(s)" in note
        assert "001.dcm" in note
    else:
        with pytest.raises(ReadError, match="mixes images"):
            read_ct(series.folder)


def _every(keyword: str, *values):
    def edit(ds, z) -> None:
        setattr(ds, keyword, values[z % len(values)])

    return edit


def test_frames_of_reference_that_differ_in_every_file_say_nothing(dicom_series) -> None:
    def edit(ds, z) -> None:
        ds.FrameOfReferenceUID = generate_uid(prefix=None)

    assert read_ct(dicom_series(edit=edit).folder).shape[0] == 5


def test_a_frame_of_reference_that_one_file_does_not_state_is_that_of_the_others(dicom_series) -> None:
    def edit(ds, z) -> None:
        if z == 4:
            del ds.FrameOfReferenceUID

    assert read_ct(dicom_series(edit=edit).folder).shape[0] == 5


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (_every("ConvolutionKernel", "B30f", "B70f"), "2 convolution kernels: B30f; B70f"),
        (_every("PatientID", "A", "A", "A", "Zanzibar", "Zanzibar"), "2 patients"),
        (_every("StudyInstanceUID", "1.2", "1.3", "1.3"), "2 studies"),
        (_every("FrameOfReferenceUID", "1.2", "1.2", "1.2", "1.2", "1.3"), "2 frames of reference"),
        (_every("ImageType", ["ORIGINAL", "PRIMARY", "AXIAL"], ["DERIVED", "SECONDARY", "AXIAL"]), "2 kinds of image"),
        (
            _every("ImageType", ["DERIVED", "SECONDARY", "AXIAL"], ["DERIVED", "SECONDARY", "AXIAL", "MIN_IP"]),
            "2 kinds of image: DERIVED; DERIVED MIN_IP",
        ),
        (_every("AcquisitionNumber", 1, 2), "2 acquisitions that lie over or between each other"),
    ],
)
def test_what_does_not_belong_together_is_refused(dicom_series, edit, match) -> None:
    with pytest.raises(ReadError, match=match) as caught:
        read_ct(dicom_series(edit=edit).folder)
    assert "Zanzibar" not in str(caught.value)


def test_acquisitions_that_continue_each_other_are_one_volume(dicom_series) -> None:
    volume = read_ct(
        dicom_series(shape=(6, 16, 12), edit=lambda ds, z: setattr(ds, "AcquisitionNumber", z // 3)).folder
    )
    assert volume.shape[0] == 6
    volume = read_ct(dicom_series(shape=(6, 16, 12), edit=lambda ds, z: setattr(ds, "AcquisitionNumber", z)).folder)
    assert volume.shape[0] == 6


@pytest.mark.parametrize(("keyword", "values"), [("KVP", ("80", "120")), ("SliceThickness", ("1", "1.5"))])
def test_voltages_and_thicknesses_that_change_once_along_a_scan_are_one_volume(dicom_series, keyword, values) -> None:
    edit = lambda ds, z: setattr(ds, keyword, values[z // 3])  # noqa: E731
    assert read_ct(dicom_series(shape=(6, 16, 12), edit=edit).folder).shape[0] == 6


def test_acquisitions_that_overlap_are_told_as_such(dicom_series) -> None:
    def edit(ds, z) -> None:
        ds.AcquisitionNumber = 1 + z // 4
        ds.ImagePositionPatient = [0, 0, 2 * (z % 4) + 5 * (z // 4)]

    with pytest.raises(
        ReadError, match=r"2 acquisitions .*4 slices of acquisition 1, 4 slices of acquisition 2; 001.dcm, 005"
    ):
        read_ct(dicom_series(shape=(8, 16, 12), edit=edit).folder)


@pytest.mark.parametrize(
    ("keyword", "values", "told"),
    [
        ("TemporalPositionIdentifier", ("1", "2"), "2 temporal positions .*3 slices of temporal position 1"),
        ("NominalPercentageOfCardiacPhase", (40.0, 75.0), "2 cardiac phases .*75 % of the cardiac cycle"),
        ("NominalPercentageOfRespiratoryPhase", (0.0, 50.0), "2 respiratory phases .*of 0 % of the respiratory cycle"),
        ("TriggerTime", ("0", "310.5"), "2 trigger times .*310.5 ms"),
        ("AcquisitionTime", ("101500", "101530.25"), "2 acquisition times .*acquisition time 101530.25"),
    ],
)
@pytest.mark.parametrize("ascending", [True, False])
def test_phases_at_the_same_places_are_offered_apart(dicom_series, keyword, values, told, ascending) -> None:
    def edit(ds, z) -> None:
        phase, place = (z % 2, z // 2) if ascending else (z // 3, z % 3)
        setattr(ds, keyword, values[phase])
        ds.ImagePositionPatient = [0, 0, 2 * place]

    folder = dicom_series(shape=(6, 16, 12), edit=edit).folder
    with pytest.raises(ReadError, match=told):
        read_ct(folder)
    offered = list_series(folder)
    assert len(offered) == 2
    volumes = [read_ct(folder, series=info.uid) for info in offered]
    assert [volume.shape[0] for volume in volumes] == [3, 3]
    assert not np.array_equal(volumes[0].hu, volumes[1].hu)


def test_acquisition_times_that_differ_along_a_volume_are_no_phases(dicom_series) -> None:
    """Two passes, each of every other slice: each place is there once."""
    edit = lambda ds, z: setattr(ds, "AcquisitionTime", ("101500", "101530")[z % 2])  # noqa: E731
    assert read_ct(dicom_series(shape=(6, 16, 12), edit=edit).folder).shape[0] == 6


def test_two_stacks_of_an_enhanced_object_are_refused(tmp_path) -> None:
    def edit(ds) -> None:
        for number, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
            group.FrameContentSequence = one(StackID=str(number // 2))

    stored = np.zeros((4, 12, 10), np.uint16)
    with pytest.raises(ReadError, match="2 stacks: 0; 1"):
        read_ct(enhanced_file(tmp_path / "in" / "a", stored, [0, 1, 2, 3], edit=edit))


def test_a_copy_of_a_file_with_many_frames_is_compared_once(tmp_path, monkeypatch) -> None:
    import filecmp
    import shutil

    stored = np.zeros((40, 12, 10), np.uint16)
    path = enhanced_file(tmp_path / "in" / "a", stored, list(range(40)))
    shutil.copy(path, path.with_name("b"))
    compared = []
    real = filecmp.cmp
    monkeypatch.setattr(filecmp, "cmp", lambda *files, **options: compared.append(files) or real(*files, **options))
    assert read_ct(path.parent).shape == (40, 12, 10)
    assert len(compared) == 1


@pytest.mark.parametrize(
    "words",
    [
        "EFF_ATOMIC_NUM", "ELECTRON_DENSITY", "MAT_FRACTIONAL", "MAT_SPECIFIC", "MAT_VALUE_BASED", "STD_DEVIATION",
        "UNCERTAINTY", "IODINE MAP", "RHO_Z", "SUBTRACTION", "PERFUSION", "Z_EFF MAP",
    ],
)  # fmt: skip
@pytest.mark.parametrize("rescale_type", ["HU", "US", None])
def test_computed_maps_are_refused_whatever_their_rescale_type_says(dicom_series, words, rescale_type) -> None:
    def edit(ds, z) -> None:
        ds.ImageType = ["DERIVED", "SECONDARY", "AXIAL", words]
        if rescale_type is None:
            del ds.RescaleType
        else:
            ds.RescaleType = rescale_type

    with pytest.raises(ReadError, match="not in HU"):
        read_ct(dicom_series(edit=edit).folder)


@pytest.mark.parametrize(
    "words", ["CT_SOM5 SPI", "VMI", "MAT_REMOVED", "HELIX", "AVERAGE", "MPR", "REFORMATTED", "MONO_E"]
)
def test_images_in_hu_are_read_whatever_else_their_type_says(dicom_series, words) -> None:
    edit = _every("ImageType", ["DERIVED", "SECONDARY", "AXIAL", words])
    assert read_ct(dicom_series(edit=edit).folder).shape[0] == 5


def test_an_unspecified_rescale_type_is_taken_for_hu(dicom_series) -> None:
    assert read_ct(dicom_series(edit=_every("RescaleType", "UNSPECIFIED")).folder).shape[0] == 5
