"""A disc with a DICOMDIR is read as its folder is; what the DICOMDIR lists and is not there is no volume."""

from __future__ import annotations

import shutil
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from pydicom.fileset import FileSet

from damaged_input import byte_edits, damaged_bytes
from napari_mits_gan.ct.dicom.directory import missing_of
from napari_mits_gan.ct.dicom.survey import survey
from napari_mits_gan.ct.read import list_series, read_ct
from napari_mits_gan.errors import ReadError
from napari_mits_gan.files.quiet import quiet


@pytest.fixture
def disc(dicom_series, tmp_path):
    """A disc with two series, and the images of each by SeriesInstanceUID."""
    made = FileSet()
    for count in (3, 5):
        for path in dicom_series(shape=(count, 8, 8)).files:
            made.add(path)
    made.write(tmp_path / "disc")
    return tmp_path / "disc"


def _files(disc) -> list:
    return sorted(p for p in disc.rglob("*") if p.is_file() and p.name != "DICOMDIR")


@pytest.mark.parametrize("name", ["DICOMDIR", "."])
def test_a_whole_disc_is_read(disc, name) -> None:
    assert missing_of(disc / "DICOMDIR") == {}
    assert {read_ct(disc / name, series=s.uid).shape[0] for s in list_series(disc)} == {3, 5}


def test_an_image_at_the_end_that_is_not_there_is_a_refusal(disc, tmp_path) -> None:
    shape = {s.uid: s.number_of_images for s in list_series(disc)}
    by_series = {uid: sorted(_paths_of(disc, uid)) for uid in shape}
    uid = next(uid for uid, n in shape.items() if n == 5)
    other = next(uid for uid, n in shape.items() if n == 3)
    gone = by_series[uid][-1]
    gone.unlink()
    with pytest.raises(ReadError, match=rf"1 image\(s\) of the series that the DICOMDIR lists .*{gone.name}"):
        read_ct(disc, series=uid)
    assert read_ct(disc, series=other).shape[0] == 3
    with zipfile.ZipFile(tmp_path / "disc.zip", "w") as packed:
        for path in disc.rglob("*"):
            packed.write(path, path.relative_to(disc))
    with pytest.raises(ReadError, match="the DICOMDIR lists"):
        read_ct(tmp_path / "disc.zip", series=uid)


def _paths_of(disc, uid) -> list:
    return [item.header.path for item in read_ct(disc, series=uid).source.slices]


@pytest.mark.parametrize("change", [str.lower, lambda name: f"{name};1", lambda name: f"{name}."])
def test_names_as_systems_show_them_are_those_of_the_disc(disc, change) -> None:
    for path in sorted(disc.rglob("*"), key=lambda p: -len(p.parts)):
        if path.name != "DICOMDIR" and path.is_file():
            path.rename(path.with_name(change(path.name)))
    assert missing_of(disc / "DICOMDIR") == {}


def test_a_folder_of_the_disc_alone_is_told_by_what_it_holds(disc, tmp_path) -> None:
    place = _files(disc)[0].parent
    shutil.copytree(place, tmp_path / "alone")
    assert [s.refusal for s in survey(tmp_path / "alone")] == [""]


@settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
@given(byte_edits)
def test_a_damaged_dicomdir_says_nothing_and_does_no_harm(disc, changes) -> None:
    path = disc / "DICOMDIR"
    whole = path.read_bytes()
    path.write_bytes(damaged_bytes(whole, changes))
    try:
        with quiet():
            assert all(isinstance(name, str) for names in missing_of(path).values() for name in names)
    finally:
        path.write_bytes(whole)
