"""What DICOM validators say of exports: nothing that they did not say of the source."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from napari_mits_gan.ct.dicom.transfer_syntax import SYNTAXES
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume, Step

pytestmark = pytest.mark.skipif(
    shutil.which("dciodvfy") is None or shutil.which("dcentvfy") is None,
    reason="dciodvfy and dcentvfy (Debian package dicom3tools) are not installed",
)
STEP = Step("protection", {"method": "gaussian-noise", "max_change_hu": 20, "seed": 3})


def _errors(path: Path) -> set[str]:
    ds = pydicom.dcmread(path)
    if ds.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:  # which dciodvfy cannot read
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = path.with_name(f"{path.name}.inflated")
        ds.save_as(path)
    result = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace", check=False)
    return {line for line in result.stderr.splitlines() if line.startswith("Error")}


def _inconsistencies(files: list[Path]) -> set[str]:
    result = subprocess.run(
        ["dcentvfy", *map(str, files)], capture_output=True, text=True, errors="replace", check=False
    )
    return {line for line in result.stderr.splitlines() if line.startswith("Error")}


def _protected(volume: CTVolume) -> CTVolume:
    return volume.with_hu(np.clip(volume.hu.astype(int) + 7, -32768, 32767).astype(np.int16), STEP)


@pytest.mark.parametrize("syntax", [None, "deflated", "rle", "jpeg-ls", "jpeg-2000"])
def test_a_synthetic_series_stays_valid(dicom_series, tmp_path, syntax) -> None:
    series = dicom_series(shape=(3, 40, 36))
    assert not any(_errors(p) for p in series.files)
    files = write_dicom(_protected(read_ct(series.folder)), tmp_path / "out", transfer_syntax=syntax)
    assert not any(_errors(p) for p in files)
    if syntax != "deflated":
        assert not _inconsistencies(files)


def test_a_new_series_is_valid(tmp_path) -> None:
    hu = np.random.default_rng(0).integers(-1024, 3000, (3, 40, 36)).astype(np.int16)
    padding = np.zeros(hu.shape, bool)
    padding[:, 0] = True
    hu[padding] = -2000
    volume = CTVolume(hu, (1.25, 0.7, 0.6), padding=padding)
    for name, scan in (("plain", volume), ("protected", volume.with_hu(hu, STEP))):
        files = write_dicom(scan, tmp_path / name)
        assert not any(_errors(p) for p in files)
        assert not _inconsistencies(files)
        np.testing.assert_array_equal(read_ct(tmp_path / name).padding, padding)


def test_a_third_of_a_real_scan_gains_no_error(real_scan, part_of_series, tmp_path) -> None:
    volume = part_of_series(real_scan("LIDC-IDRI-0001"), slice(40, 85))
    files = write_dicom(_protected(volume), tmp_path / "out")
    for z in range(0, len(files), 12):
        assert _errors(files[z]) <= _errors(volume.source.slices[z].header.path)
    assert _inconsistencies(files) <= _inconsistencies([s.header.path for s in volume.source.slices])


@pytest.mark.parametrize(
    "case", ["01_transfer_syntaxes", "06_oblique_slope0.001", "13_no_modality_tag", "14_jpeg_lossless_sagittal"]
)
def test_difficult_series_gain_no_error(shared_dir, tmp_path, case) -> None:
    folder = shared_dir / "nasty" / case
    for number, source in enumerate(sorted(folder.iterdir()) if case.startswith("01") else [folder]):
        volume = read_ct(source)
        files = write_dicom(_protected(volume), tmp_path / f"out{number}")
        for path, item in zip(files, volume.source.slices, strict=True):
            assert _errors(path) <= _errors(item.header.path)


@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="dcmdump (Debian package dcmtk) is not installed")
@pytest.mark.parametrize("syntax", [None, *SYNTAXES])
def test_other_programs_read_every_export(dicom_series, tmp_path, syntax) -> None:
    volume = _protected(read_ct(dicom_series(shape=(3, 40, 36), order=[2, 0, 1]).folder))
    files = write_dicom(volume, tmp_path / "out", transfer_syntax=syntax)
    for z, path in enumerate(files):
        told = subprocess.run(["dcmdump", str(path)], capture_output=True, text=True, errors="replace", check=False)
        assert told.returncode == 0
        assert not [line for line in told.stderr.splitlines() if line.startswith(("E:", "W:"))]
        assert "DERIVED\\SECONDARY" in told.stdout
        np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0], volume.hu[z])
