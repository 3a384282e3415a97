"""NIfTI, MetaImage and NRRD, in and out."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import ReadError, TamperedVolumeError, WriteError

SUFFIXES = [".nii", ".nii.gz", ".mha", ".nrrd"]
ATTACK = Step("attack", {"action": "inject", "at": [1, 2, 3]})


def _volume(rotation: np.ndarray | None = None, spacing=(2.0, 0.8, 0.7)) -> CTVolume:
    hu = np.random.default_rng(0).integers(-1024, 3000, (4, 6, 5)).astype(np.int16)
    direction = (np.eye(3) if rotation is None else rotation)[:, ::-1]
    return CTVolume(hu, spacing, (-10.5, 22.0, 300.25), direction)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.tuples(*[st.floats(-np.pi, np.pi)] * 3), st.tuples(*[st.floats(0.3, 8)] * 3), st.sampled_from([".nii", ".mha"])
)
def test_any_geometry_comes_back(tmp_path_factory, angles, spacing, suffix) -> None:
    volume = _volume(Rotation.from_euler("xyz", angles).as_matrix(), spacing)
    back = read_ct(write_image(volume, tmp_path_factory.mktemp("image") / f"scan{suffix}"))
    np.testing.assert_array_equal(back.hu, volume.hu)
    np.testing.assert_allclose(back.spacing, volume.spacing, rtol=1e-5)
    np.testing.assert_allclose(back.direction, volume.direction, atol=1e-4)
    np.testing.assert_allclose(back.origin, volume.origin, atol=1e-3)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_kind_of_file_lies_where_simpleitk_sees_it(tmp_path, suffix) -> None:
    volume = _volume(Rotation.from_euler("xyz", (0.2, -0.1, 0.4)).as_matrix())
    image = sitk.ReadImage(str(write_image(volume, tmp_path / f"scan{suffix}")))
    for z, y, x in ((0, 0, 0), (3, 5, 4), (1, 4, 2)):
        world = image.TransformIndexToPhysicalPoint((x, y, z))
        np.testing.assert_allclose(world, volume.world_from_voxel((z, y, x)), atol=1e-3)
        assert image[x, y, z] == volume.hu[z, y, x]
    assert [p.name for p in tmp_path.iterdir()] == [f"scan{suffix}"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_tampered_scan_is_labelled_and_stays_known_as_one(tmp_path, suffix) -> None:
    tampered = _volume().with_hu(_volume().hu, ATTACK)
    path = write_image(tampered, tmp_path / f"scan{suffix}")
    sidecar = json.loads((tmp_path / "scan.json").read_text())
    assert "SIMULATED ATTACK" in sidecar["label"]
    assert sidecar["history"] == [{"kind": "attack", "parameters": {"action": "inject", "at": [1, 2, 3]}}]
    image = sitk.ReadImage(str(path))
    assert any("SIMULATED ATTACK" in image.GetMetaData(key) for key in image.GetMetaDataKeys())
    assert read_ct(path).history == (ATTACK,)
    (tmp_path / "scan.json").unlink()
    back = read_ct(path)
    assert back.is_tampered
    with pytest.raises(TamperedVolumeError):
        write_dicom(back, tmp_path / "out")


def test_images_of_others_are_turned_towards_head_back_and_left(tmp_path) -> None:
    hu = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    image = sitk.GetImageFromArray(hu)
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))  # the way NIfTI likes best: right, front, head
    image.SetSpacing((0.7, 0.8, 2.0))
    sitk.WriteImage(image, str(tmp_path / "ras.nii.gz"))
    volume = read_ct(tmp_path / "ras.nii.gz")
    np.testing.assert_array_equal(volume.hu, hu[:, ::-1, ::-1])
    np.testing.assert_allclose(volume.direction, np.eye(3)[:, ::-1])
    np.testing.assert_allclose(volume.origin, (-3 * 0.7, -2 * 0.8, 0), atol=1e-5)


def test_values_that_are_not_whole_hu_are_rounded(tmp_path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.full((2, 3, 4), 1.6, np.float32)), str(tmp_path / "a.nii"))
    assert (read_ct(tmp_path / "a.nii").hu == 2).all()


def test_a_fourth_axis_of_one_is_dropped(tmp_path) -> None:
    image = sitk.JoinSeries([sitk.GetImageFromArray(np.zeros((2, 3, 4), np.int16))])
    sitk.WriteImage(image, str(tmp_path / "a.nii"))
    assert read_ct(tmp_path / "a.nii").shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("image", "match"),
    [
        (sitk.JoinSeries([sitk.Image(4, 3, 2, sitk.sitkInt16)] * 2), "has 4 axes"),
        (sitk.Image(4, 3, sitk.sitkInt16), "has 2 axes"),
        (sitk.Image([4, 3, 2], sitk.sitkVectorUInt8, 3), "3 values per voxel"),
        (sitk.Image(4, 3, 2, sitk.sitkInt32) + 70000, "outside -32768"),
        (sitk.GetImageFromArray(np.full((2, 3, 4), np.nan, np.float32)), "outside -32768"),
        (sitk.Image(4, 3, 2, sitk.sitkComplexFloat32), "2 values per voxel"),
    ],
    ids=["4-D", "2-D", "RGB", "too large", "NaN", "complex"],
)
def test_images_that_are_no_ct_volume_are_refused(tmp_path, image, match) -> None:
    sitk.WriteImage(image, str(tmp_path / "a.nrrd"))
    with pytest.raises(ReadError, match=match):
        read_ct(tmp_path / "a.nrrd")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_files_are_refused(tmp_path, suffix, capfd) -> None:
    path = write_image(_volume(), tmp_path / f"scan{suffix}")
    data = path.read_bytes()
    for damaged in (b"", b"hello", data[: len(data) // 2], data[:60]):
        path.write_bytes(damaged)
        with pytest.raises(ReadError, match="scan") as caught:
            read_ct(path)
        assert str(tmp_path) not in str(caught.value)


def test_nothing_is_overwritten(tmp_path) -> None:
    tampered = _volume().with_hu(_volume().hu, ATTACK)
    (tmp_path / "a.nii").write_text("keep")
    (tmp_path / "b.json").write_text("keep")
    for name, culprit in (("a.nii", "a.nii"), ("b.nii", "b.json")):
        with pytest.raises(WriteError, match=f"{culprit} is there already"):
            write_image(tampered, tmp_path / name)
    assert sorted((p.name, p.read_text()) for p in tmp_path.iterdir()) == [("a.nii", "keep"), ("b.json", "keep")]


@pytest.mark.parametrize("name", ["scan.dcm", "scan", ".nii.gz", "scan.jpg"])
def test_names_of_no_known_kind_are_refused(tmp_path, name) -> None:
    with pytest.raises(WriteError, match="must end with"):
        write_image(_volume(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_not_made(tmp_path) -> None:
    with pytest.raises(WriteError, match="does not exist"):
        write_image(_volume(), tmp_path / "none" / "a.nii")


def test_real_nifti_scans_equal_simpleitk(shared_ct) -> None:
    for path in (shared_ct / "RIDER-Pilot-0117.nii.gz", *sorted((shared_ct / "TotalSeg_crops").iterdir())):
        volume, image = read_ct(path), sitk.ReadImage(str(path))
        np.testing.assert_array_equal(volume.hu, sitk.GetArrayViewFromImage(image))
        np.testing.assert_allclose(volume.origin, image.GetOrigin())
        np.testing.assert_allclose(volume.spacing[::-1], image.GetSpacing())
