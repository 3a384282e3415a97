"""Enhanced (multi-frame) CT, in and out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest

from enhanced_ct import ORDER, enhanced_file, one
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import Step
from napari_mits_gan.errors import ReadError, WriteError

STEP = Step("protection", {"method": "mits-gan", "max_change_hu": 20})


@pytest.fixture
def stored() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 4000, (4, 40, 36)).astype(np.uint16)


def test_frames_are_placed_by_position_and_rescaled_one_byone(tmp_path, stored) -> None:
    volume = read_ct(enhanced_file(tmp_path / "in" / "a", stored, ORDER))
    assert volume.spacing == (1.5, 0.8, 0.7)
    assert volume.origin == (-20, 30, 7)
    np.testing.assert_allclose(volume.direction, np.array([[0, 1, 0], [0, 0, -1], [1, 0, 0]]).T, atol=1e-12)
    for frame, place in enumerate(ORDER):
        np.testing.assert_array_equal(volume.hu[place], stored[frame].astype(int) - 1000 - place)


@pytest.mark.parametrize("syntax", [None, "rle", "jpeg-ls", "jpeg-2000", "deflated"])
def test_a_derived_object_keeps_its_frames(tmp_path, stored, syntax) -> None:
    volume = read_ct(enhanced_file(tmp_path / "in" / "a", stored, ORDER))
    hu = volume.hu.copy()
    hu[1, 2, 3] = 55
    files = write_dicom(volume.with_hu(hu, STEP), tmp_path / "out", transfer_syntax=syntax)
    assert len(files) == 1
    np.testing.assert_array_equal(read_ct(tmp_path / "out").hu, hu)
    assert (pydicom.pixels.pixel_array(pydicom.dcmread(files[0]), raw=True) != stored).sum() == 1
    ds = pydicom.dcmread(files[0])
    assert list(ds.ImageType) == ["DERIVED", "PRIMARY", "VOLUME", "ADDITION"]
    derivation = ds.SharedFunctionalGroupsSequence[0].DerivationImageSequence[0]
    assert derivation.DerivationCodeSequence[0].CodeValue == "113042"


def test_an_unchanged_object_comes_back_bit_for_bit(tmp_path, stored) -> None:
    volume = read_ct(enhanced_file(tmp_path / "in" / "a", stored, ORDER))
    files = write_dicom(volume, tmp_path / "out")
    np.testing.assert_array_equal(pydicom.pixels.pixel_array(files[0], raw=True), stored)


def test_frames_at_one_place_are_refused(tmp_path, stored) -> None:
    with pytest.raises(ReadError, match=r"Two slices lie at the same place .frame 1 of a and frame 3"):
        read_ct(enhanced_file(tmp_path / "in" / "a", stored, [0, 1, 0, 2]))


def test_a_wrong_number_of_frames_is_refused(tmp_path, stored) -> None:
    def edit(ds) -> None:
        ds.NumberOfFrames = 7

    with pytest.raises(ReadError, match="another number of frames"):
        read_ct(enhanced_file(tmp_path / "in" / "a", stored, ORDER, edit=edit))


def test_a_frame_that_is_left_out_cannot_be_exported(tmp_path, stored) -> None:
    def edit(ds) -> None:
        shared = ds.SharedFunctionalGroupsSequence[0]
        for number, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
            group.PlaneOrientationSequence = one(
                ImageOrientationPatient=[0, 1, 0, 0, 0, -1] if number == 2 else [1, 0, 0, 0, 0, -1]
            )
        del shared.PlaneOrientationSequence

    volume = read_ct(enhanced_file(tmp_path / "in" / "a", stored, [0, 1, 9, 2], edit=edit))
    assert volume.shape[0] == 3
    with pytest.raises(WriteError, match="Only some frames of a"):
        write_dicom(volume, tmp_path / "out")


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed")
def test_a_derived_object_gains_no_error(tmp_path, stored) -> None:
    def errors(path: Path) -> set[str]:
        told = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace", check=False)
        return {line for line in told.stderr.splitlines() if line.startswith("Error")}

    source = enhanced_file(tmp_path / "in" / "a", stored, ORDER)
    volume = read_ct(source)
    for name, scan in (("copy", volume), ("protected", volume.with_hu(volume.hu, STEP))):
        assert errors(write_dicom(scan, tmp_path / name)[0]) - errors(source) == set()
