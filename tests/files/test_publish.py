"""Exports are all there or not there at all: after kills, on full disks, against others who write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import WriteError
from napari_mits_gan.files import publish
from napari_mits_gan.files.publish import place_file, whole_folder

KILLED_EXPORT = """
import os, signal, sys
import numpy as np
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.ct.dicom.write import write_dicom

target, when = sys.argv[1], int(sys.argv[2])

def progress(done, total):
    if done == when:
        os.kill(os.getpid(), signal.SIGKILL)

write_dicom(CTVolume(np.zeros((6, 8, 8), np.int16), (1, 1, 1)), target, progress=progress)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
@pytest.mark.parametrize("when", [1, 4, 6, 7])
def test_a_killed_export_leaves_nothing_in_the_target(tmp_path, when) -> None:
    target = tmp_path / "out"
    target.mkdir()
    result = subprocess.run([sys.executable, "-c", KILLED_EXPORT, str(target), str(when)], check=False)
    if when <= 6:
        assert result.returncode == -signal.SIGKILL
        assert list(target.iterdir()) == []
    else:
        assert read_ct(target).shape == (6, 8, 8)


@pytest.fixture
def small_disk(tmp_path: Path):
    place = tmp_path / "disk"
    place.mkdir()
    if os.name == "nt" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], check=False).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)


LARGE = CTVolume(np.random.default_rng(0).integers(-1000, 1000, (40, 256, 256)).astype(np.int16), (1, 1, 1))


def test_a_disk_that_is_too_small_is_noticed_beforehand(small_disk) -> None:
    with pytest.raises(WriteError, match=r"has \d+ MB free and this needs about \d+ MB"):
        write_dicom(LARGE, small_disk / "out")
    with pytest.raises(WriteError, match="MB free"):
        write_image(LARGE, small_disk / "a.nii")
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".nrrd"])
def test_a_disk_that_fills_up_meanwhile_leaves_nothing(small_disk, monkeypatch, suffix) -> None:
    # Another program may take the space after it was checked.
    monkeypatch.setattr(publish, "_MARGIN_BYTES", -(10**12))
    with pytest.raises(WriteError, match="disk is full"):
        write_dicom(LARGE, small_disk / "out")
    with pytest.raises(WriteError, match=r"nothing was (left|written)"):
        write_image(LARGE, small_disk / f"a{suffix}")
    assert list(small_disk.iterdir()) == []


def test_a_folder_that_somebody_fills_meanwhile_is_left_alone(tmp_path) -> None:
    def fill() -> None:
        with whole_folder(tmp_path / "out") as temporary:
            (temporary / "a").touch()
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "theirs").touch()

    with pytest.raises(WriteError, match="meanwhile"):
        fill()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["theirs"]


def test_a_place_that_may_not_be_written_to_is_named_in_one_sentence(tmp_path) -> None:
    if os.name == "nt":
        pytest.skip("folders have no write permission on Windows")
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match=r"^[^/]*Nothing was written: .*[^/]*$"):
        write_dicom(CTVolume(np.zeros((1, 4, 4), np.int16), (1, 1, 1)), tmp_path / "file" / "out")


def test_the_permissions_are_those_of_other_new_files(tmp_path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain.txt").touch()
    write_dicom(CTVolume(np.zeros((1, 4, 4), np.int16), (1, 1, 1)), tmp_path / "out")
    path = write_image(CTVolume(np.zeros((1, 4, 4), np.int16), (1, 1, 1)), tmp_path / "a.nii")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert path.stat().st_mode == (tmp_path / "plain.txt").stat().st_mode


def test_a_name_that_appeared_meanwhile_is_not_overwritten(tmp_path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "theirs").write_text("theirs")
    with pytest.raises(FileExistsError):
        place_file(tmp_path / "new", tmp_path / "theirs")
    assert (tmp_path / "theirs").read_text() == "theirs"
