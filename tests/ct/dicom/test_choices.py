"""A series that mixes several volumes offers them by number; each is read as if it lay alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enhanced_ct import enhanced_file, one
from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.dicom.survey import survey
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import SeveralSeriesError, list_series, read_ct
from napari_mits_gan.errors import ReadError, WriteError

EACH = settings(max_examples=10, suppress_health_check=list(HealthCheck), deadline=None)


def _kernels(ds, z) -> None:
    ds.ConvolutionKernel = ("B30f", "B70f")[z % 2]


def _mip(ds, z) -> None:
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"] if z % 2 else ["DERIVED", "SECONDARY", "AXIAL", "MAX_IP"]


def _patients(ds, z) -> None:
    ds.PatientID, ds.StudyInstanceUID = ("Zanzibar", "1.2.3") if z < 4 else ("Zoe", "1.2.4")


def _passes(ds, z) -> None:
    ds.AcquisitionNumber = 1 + z // 4
    ds.ImagePositionPatient = [0, 0, 2 * (z % 4) + 5 * (z // 4)]


def _interleaved(keyword, one, other):
    def edit(ds, z) -> None:
        setattr(ds, keyword, (one, other)[z % 2])

    return edit


def _planes(ds, z) -> None:
    if z >= 4:
        ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 0, -1], [0, 3 * z, 0]


@pytest.mark.parametrize(
    ("edit", "words", "which"),
    [
        (_kernels, ("kernel B30f", "kernel B70f"), lambda z: z % 2),
        (_mip, ("kind DERIVED MAX_IP", "kind ORIGINAL"), lambda z: z % 2),
        (_patients, ("patient 1, study 1", "patient 2, study 2"), lambda z: z // 4),
        (_passes, ("acquisition 1", "acquisition 2"), lambda z: z // 4),
        (_interleaved("KVP", "80", "140"), ("80 kV", "140 kV"), lambda z: z % 2),
        (_interleaved("SliceThickness", "1", "5"), ("1 mm", "5 mm"), lambda z: z % 2),
        (_interleaved("SeriesNumber", 2, 3), ("series number 2", "series number 3"), lambda z: z % 2),
        (_planes, ("axial, 12 x 16 pixels", "coronal, 12 x 16 pixels"), lambda z: z // 4),
    ],
)
def test_the_volumes_of_a_mixed_series_are_offered_and_read(dicom_series, edit, words, which) -> None:
    series = dicom_series(shape=(8, 16, 12), edit=edit)
    with pytest.raises(
        SeveralSeriesError, match=r"The series (mixes|holds).*choose one of them by its number or UID: 1: "
    ) as caught:
        read_ct(series.folder)
    assert "Zanzibar" not in str(caught.value)
    offered = caught.value.series
    assert offered == list_series(series.folder)
    assert [s.number_of_images for s in offered] == [4, 4]
    for number, (told, expected) in enumerate(zip(offered, words, strict=True), start=1):
        assert expected in told.description
        wanted = series.stored[[z for z in range(8) if which(z) == number - 1]] - 1024
        for choice in (told.uid, str(number)):
            volume = read_ct(series.folder, series=choice)
            stored = {hu.tobytes() for hu in volume.hu}
            assert stored == {hu.tobytes() for hu in wanted}
        assert f"{number} of 2" in volume.source.notes[0]
    named = series.files[5]
    volume = read_ct(named)  # the file says which volume is meant
    assert series.stored[5].astype(int).tobytes() in {(hu.astype(int) + 1024).tobytes() for hu in volume.hu}
    assert [(s.uid, s.refusal) for s in survey(series.folder)] == [(s.uid, "") for s in offered]


@EACH
@given(st.permutations(range(12)), st.integers(2, 3))
def test_a_choice_means_the_same_volume_in_whatever_order_files_lie(
    dicom_series, tmp_path_factory, order, kernels
) -> None:
    def edit(ds, z) -> None:
        ds.ConvolutionKernel = f"B{z % kernels}"

    series = dicom_series(tmp_path_factory.mktemp("order"), shape=(12, 6, 5), edit=edit, order=order)
    for number in range(kernels):
        volume = read_ct(series.folder, series=f"{list_series(series.folder)[number].uid}")
        np.testing.assert_array_equal(volume.hu, series.stored[number::kernels].astype(int) - 1024)


def test_two_stacks_of_an_enhanced_file_are_two_volumes(tmp_path) -> None:
    def edit(ds) -> None:
        for number, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
            group.FrameContentSequence = one(StackID=str(number % 2))

    stored = np.arange(6 * 120, dtype=np.uint16).reshape(6, 12, 10)
    path = enhanced_file(tmp_path / "in" / "a", stored, list(range(6)), edit=edit)
    assert [(s.refusal, s.export_refusal) for s in survey(path.parent)] == 2 * [
        ("", "it is a part of a multi-frame file")
    ]
    for number in (1, 2):
        volume = read_ct(path.parent, series=str(number))
        with pytest.raises(WriteError, match=r"Only some frames of a are part of the volume"):
            write_dicom(volume, tmp_path / "out")
        assert volume.shape == (3, 12, 10)
        assert volume.spacing[0] == pytest.approx(3)


@pytest.mark.parametrize("count", [1, 2])
def test_what_has_no_regular_parts_stays_refused(dicom_series, count) -> None:
    def edit(ds, z) -> None:
        ds.ConvolutionKernel = "B70f" if z in (1, 4)[:count] else "B30f"

    with pytest.raises(ReadError, match="put the slices of one volume into a folder of their own") as caught:
        read_ct(dicom_series(shape=(6, 8, 8), edit=edit).folder)
    assert not isinstance(caught.value, SeveralSeriesError)


def test_numbers_go_through_all_series_of_a_folder(dicom_series, tmp_path, capsys) -> None:
    dicom_series(tmp_path / "a", shape=(3, 8, 8), edit=lambda ds, z: setattr(ds, "SeriesDescription", "AAA"))
    mixed = dicom_series(tmp_path / "b", shape=(8, 8, 8), edit=_kernels)
    assert main(["info", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert [line.split()[0] for line in told.out.splitlines()] == ["1", "2", "3"]
    assert main(["info", str(tmp_path), "--series", "3"]) == 0
    told = capsys.readouterr()
    assert "kernel B70f" in told.out
    uid = read_ct(mixed.files[0]).source.series_uid
    with pytest.raises(SeveralSeriesError, match=f"2: CHEST.*3: CHEST.*{uid}#2"):
        read_ct(tmp_path, series=uid)
