"""Real DICOM that breaks careless readers; `docs/dicom-cases.md` tells what becomes of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dicom_cases import READ, REAL_CASES
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ReadError


@pytest.fixture(scope="session")
def nasty(shared_dir: Path) -> Path:
    folder = shared_dir / "nasty"
    if not folder.is_dir():
        pytest.skip("no difficult DICOM beside the real scans")
    return folder


def _image(files: list[Path]) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(f) for f in files])
    return reader.Execute()


@pytest.mark.parametrize("number", range(5))
def test_every_transfer_syntax_gives_the_hu_of_simpleitk(nasty, number) -> None:
    path = sorted((nasty / "01_transfer_syntaxes").iterdir())[number]
    volume = read_ct(path)
    second = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0]
    # Decoders of lossy JPEG may differ by one stored step (2 HU here), those of anything else by nothing.
    lossy = path.name.endswith(".51.dcm")
    np.testing.assert_allclose(volume.hu[0], second, rtol=0, atol=2.51 if lossy else 0)


@pytest.mark.parametrize("case", REAL_CASES, ids=lambda case: case.case)
def test_what_the_table_says_happens(nasty, case) -> None:
    for place in sorted(nasty.glob(case.folder)):
        if case.happens == READ:
            assert read_ct(place).hu.ndim == 3
            continue
        with pytest.raises(ReadError) as caught:
            read_ct(place)
        assert case.says in str(caught.value)
    assert list(nasty.glob(case.folder))


def test_an_oblique_series_with_tiny_slope_is_read(nasty) -> None:
    files = sorted((nasty / "06_oblique_slope0.001").glob("*.dcm"))
    volume = read_ct(files[0].parent)
    image = _image(files)
    np.testing.assert_array_equal(volume.hu, np.rint(sitk.GetArrayFromImage(image)))
    np.testing.assert_allclose(volume.spacing[::-1], image.GetSpacing(), rtol=1e-6)
    np.testing.assert_allclose(volume.direction[:, ::-1].ravel(), image.GetDirection(), atol=1e-5)


def test_a_series_without_modality_patient_and_manufacturer_is_read(nasty) -> None:
    files = sorted((nasty / "13_no_modality_tag").glob("*.dcm"))
    volume = read_ct(files[0].parent)
    np.testing.assert_array_equal(volume.hu, sitk.GetArrayFromImage(_image(files)))
    assert volume.spacing == (1.0, 0.625, 0.625)


def test_a_sagittal_series_is_read_without_its_reference_image(nasty) -> None:
    files = sorted((nasty / "14_jpeg_lossless_sagittal" / "x").glob("*.dcm"))
    volume = read_ct(files[0].parent)
    assert volume.source.left_out == ("1-001.dcm",)
    image = _image(files[1:])
    hu = sitk.GetArrayFromImage(image)
    for voxel in np.random.default_rng(0).integers(0, volume.shape, (200, 3)):
        x, y, z = image.TransformPhysicalPointToIndex(volume.world_from_voxel(tuple(voxel)))
        assert volume.hu[tuple(voxel)] == hu[z, y, x]


def test_a_tilted_series_is_straightened_as_simpleitk_does_slice_by_slice(nasty) -> None:
    volume = read_ct(nasty / "03_gantry_tilt")
    assert volume.source.tilt_degrees == pytest.approx(14, abs=0.01)
    assert volume.spacing[0] == pytest.approx(5 * np.cos(np.radians(14)), abs=1e-3)
    for z, item in enumerate(volume.source.slices):
        wanted = sitk.Image([volume.shape[2], volume.shape[1], 1], sitk.sitkFloat32)
        wanted.SetSpacing(volume.spacing[::-1])
        wanted.SetOrigin(volume.world_from_voxel((z, 0, 0)))
        wanted.SetDirection(volume.direction[:, ::-1].ravel().tolist())
        source = sitk.Cast(sitk.ReadImage(str(item.header.path)), sitk.sitkFloat32)
        second = sitk.GetArrayFromImage(sitk.Resample(source, wanted, sitk.Transform(), sitk.sitkLinear, -9999.0))[0]
        measured = ~volume.padding[z]
        assert measured.mean() > 0.9
        assert np.abs(second[measured] - volume.hu[z][measured]).max() <= 0.51
