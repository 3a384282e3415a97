"""A zip or tar file is read as the folder that was packed, and can be exported, listed and checked like it."""

from __future__ import annotations

import gc
import pickle
import tarfile
import tempfile
import zipfile

import numpy as np
import pytest
import SimpleITK as sitk

from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import SeveralSeriesError, list_series, read_ct
from napari_mits_gan.ct.suffixes import ARCHIVE_SUFFIXES
from napari_mits_gan.ct.volume import Step
from napari_mits_gan.errors import ReadError


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def pack(path, folder):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
            for file in sorted(folder.rglob("*")):
                made.write(file, file.relative_to(folder.parent))
        return path
    kind = {".gz": "gz", ".tgz": "gz", ".bz2": "bz2", ".xz": "xz"}.get(path.suffix, "")
    with tarfile.open(path, f"w:{kind}") as made:
        made.add(folder, folder.name)
    return path


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_a_packed_series_is_read_and_exported_and_leaves_nothing(dicom_series, tmp_path, temporary, suffix) -> None:
    series = dicom_series()
    path = pack(tmp_path / f"scan{suffix}", series.folder)
    volume = read_ct(path)
    np.testing.assert_array_equal(volume.hu, series.stored.astype(int) - 1024)
    changed = volume.with_hu(volume.hu, Step("protection", {"method": "mits-gan"}))
    del volume
    copy = pickle.loads(pickle.dumps(changed))  # noqa: S301
    write_dicom(copy, tmp_path / "out")
    np.testing.assert_array_equal(read_ct(tmp_path / "out").hu, changed.hu)
    del copy, changed
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_several_series_in_an_archive_are_offered(dicom_series, tmp_path, temporary, capsys) -> None:
    dicom_series(tmp_path / "disc" / "a", shape=(3, 8, 8))
    dicom_series(tmp_path / "disc" / "b", shape=(4, 8, 8))
    path = pack(tmp_path / "disc.zip", tmp_path / "disc")
    assert len(list_series(path)) == 2
    with pytest.raises(SeveralSeriesError):
        read_ct(path)
    assert list(temporary.iterdir()) == []
    assert {read_ct(path, series=str(number)).shape[0] for number in (1, 2)} == {3, 4}
    assert main(["info", "--recursive", str(path)]) == 0
    assert capsys.readouterr().out.count("can be read and exported") == 2


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha", ".mhd", ".nrrd"])
def test_a_packed_image_file_is_read(tmp_path, temporary, suffix) -> None:
    hu = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    (tmp_path / "in").mkdir()
    sitk.WriteImage(sitk.GetImageFromArray(hu), str(tmp_path / "in" / f"scan{suffix}"))
    volume = read_ct(pack(tmp_path / "a.zip", tmp_path / "in"))
    np.testing.assert_array_equal(volume.hu, hu)
    assert list(temporary.iterdir()) == []
    (tmp_path / "in" / "other.nii").write_bytes(b"")
    with pytest.raises(ReadError, match="2 image files"):
        read_ct(pack(tmp_path / "b.zip", tmp_path / "in"))


def test_an_archive_without_a_scan_says_so(tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("none")
    with pytest.raises(ReadError, match=r"None of the 1 file\(s\) here is a DICOM image"):
        read_ct(pack(tmp_path / "a.tar.gz", tmp_path / "in"))


def test_a_slice_that_is_cut_off_in_an_archive_is_a_refusal(dicom_series, tmp_path) -> None:
    series = dicom_series()
    series.files[-1].write_bytes(series.files[-1].read_bytes()[:300])
    with pytest.raises(ReadError, match=series.files[-1].name):
        read_ct(pack(tmp_path / "a.zip", series.folder))
