"""NIfTI of a tilted gantry, whose transform shifts slices against each other: straightened as DICOM is, or refused."""

from __future__ import annotations

import math
import shutil
import subprocess

import nibabel
import nibabel.processing
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ReadError

EACH = settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
SHAPE, SPACING = (13, 17, 8), np.array((0.7, 0.8, 2.0))  # (x, y, z)
HU = np.random.default_rng(0).integers(-1000, 900, SHAPE).astype(np.int16)


def _sheared(degrees: float, towards: float = 90, angles=(0.0, 0.0, 0.0), flip: int = 1) -> np.ndarray:
    """A transform whose slices, `SPACING[2]` apart, are shifted by a tilt towards a direction in their plane."""
    sideways = SPACING[2] * math.tan(math.radians(degrees))
    axes = np.diag(SPACING * (1, 1, flip))
    axes[:2, 2] = sideways * math.cos(math.radians(towards)), sideways * math.sin(math.radians(towards))
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles).as_matrix() @ axes
    affine[:3, 3] = (10, -20, 300)
    return affine


def _written(path, affine, qform=None, hu=HU):
    image = nibabel.Nifti1Image(hu, affine)
    image.set_sform(affine, 1)
    if qform is None:
        image.header["qform_code"] = 0
    else:
        image.set_qform(qform, 1)
    image.header["pixdim"][1:4] = SPACING
    image.to_filename(path)
    return path


def _grid(volume) -> np.ndarray:
    """The transform of a volume from voxels (x, y, z) to RAS."""
    affine = np.eye(4)
    affine[:3, :3] = (volume.direction * volume.spacing)[:, ::-1]
    affine[:3, 3] = volume.origin
    return np.diag((-1.0, -1.0, 1.0, 1.0)) @ affine


@EACH
@given(
    st.one_of(st.floats(-38, -2), st.floats(2, 38)),
    st.floats(0, 360),
    st.tuples(*3 * (st.floats(-np.pi, np.pi),)),
    st.sampled_from([-1, 1]),
)
def test_every_voxel_is_what_nibabel_resamples_there(tmp_path, degrees, towards, angles, flip) -> None:
    path = _written(tmp_path / "a.nii", _sheared(degrees, towards, angles, flip))
    volume = read_ct(path)
    assert sorted(volume.spacing) == pytest.approx(sorted(SPACING), abs=1e-5)
    image = nibabel.Nifti1Image(HU.astype(np.float32), nibabel.load(path).affine)
    wanted = nibabel.processing.resample_from_to(
        image, (volume.shape[::-1], _grid(volume)), order=1, mode="nearest"
    ).get_fdata()
    measured = ~volume.padding
    # HU are rounded, and where a voxel lies is stated in single precision; “nearest” is for what that puts outside.
    off = np.abs(volume.hu - wanted.T)[measured]
    assert off.max() < 0.5 + 1900 * 5e-4
    # At most a border of one pixel, of those that would need a neighbour outside, is lost on each axis.
    assert measured.sum() >= (SHAPE[0] - 1) * (SHAPE[1] - 1) * SHAPE[2]
    assert (volume.hu[volume.padding] == -2048).all()
    (note,) = volume.notes
    assert f"tilted by {abs(degrees):.1f} degrees" in note


def test_simpleitk_resamples_to_the_same() -> None:
    """SimpleITK refuses to read a sheared NIfTI; its transform takes a sheared grid all the same."""
    from napari_mits_gan.ct.image.sheared import straightened

    affine = _sheared(14)
    hu, grid, padding, _ = straightened(np.ascontiguousarray(HU.T), affine, "a.nii")
    source = sitk.GetImageFromArray(HU.T.astype(np.float32))  # in voxels; the transform brings world to voxels
    to_voxels = np.linalg.inv(affine)
    transform = sitk.AffineTransform(to_voxels[:3, :3].ravel().tolist(), to_voxels[:3, 3].tolist())
    wanted = sitk.GetImageFromArray(np.zeros(hu.shape, np.float32))
    wanted.SetSpacing(np.linalg.norm(grid[:3, :3], axis=0).tolist())
    wanted.SetOrigin(grid[:3, 3].tolist())
    found = sitk.GetArrayFromImage(sitk.Resample(source, wanted, transform, sitk.sitkLinear, -2048))
    assert np.abs(found - hu)[~padding].max() < 0.51


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
@pytest.mark.parametrize("degrees", [20, -14, 7.5])
def test_a_tilted_series_converted_by_dcm2niix_is_the_scan_that_its_dicom_is(dicom_series, tmp_path, degrees) -> None:
    step = math.tan(math.radians(degrees))

    def edit(ds, z) -> None:
        ds.ImagePositionPatient = [0, f"{2.5 * z * step:.6f}", z * 2.5]
        ds.GantryDetectorTilt = degrees

    series = dicom_series(shape=(6, 30, 28), edit=edit)
    command = ["dcm2niix", "-z", "n", "-b", "n", "-f", "scan", "-o", str(tmp_path), str(series.folder)]
    subprocess.run(command, check=True, capture_output=True)
    scan, converted = read_ct(series.folder), read_ct(tmp_path / "scan.nii")
    assert converted.shape == scan.shape
    np.testing.assert_array_equal(converted.padding, scan.padding)
    assert np.abs(converted.hu.astype(int) - scan.hu)[~scan.padding].max() <= 1
    np.testing.assert_allclose(converted.world_from_voxel((3, 4, 5)), scan.world_from_voxel((3, 4, 5)), atol=1e-3)


@pytest.mark.parametrize("kind", ["none", "nearest rotation", "first slice"])
def test_a_qform_that_cannot_state_the_shear_does_not_disagree(tmp_path, kind) -> None:
    affine = _sheared(15)
    rotation = {"none": None, "nearest rotation": affine, "first slice": np.diag([*SPACING, 1])}[kind]
    if kind == "first slice":
        rotation[:3, 3] = affine[:3, 3]
    volume = read_ct(_written(tmp_path / "a.nii", affine, rotation))
    assert volume.notes


def test_a_qform_that_says_something_else_is_refused(tmp_path) -> None:
    affine = _sheared(15)
    other = affine.copy()
    other[:3, 3] += (5, 0, 0)
    with pytest.raises(ReadError, match="two transforms"):
        read_ct(_written(tmp_path / "a.nii", affine, other))


def test_more_than_a_gantry_tilts_is_refused(tmp_path) -> None:
    with pytest.raises(ReadError, match=r"sheared by 45\.0 degrees, which is more than a gantry tilts"):
        read_ct(_written(tmp_path / "a.nii", _sheared(45)))


def test_less_than_a_gantry_tilts_keeps_the_stored_hu_and_says_so(tmp_path) -> None:
    volume = read_ct(_written(tmp_path / "a.nii", _sheared(0.3)))
    assert volume.padding is None
    assert sorted(volume.hu.ravel()) == sorted(HU.ravel())
    assert "kept as they are stored" in volume.notes[0]


def test_a_header_does_not_ask_for_more_memory_than_slices_can_fill(tmp_path) -> None:
    affine = np.diag([0.002, 0.002, 90.0, 1.0])
    affine[1, 2] = 60
    image = nibabel.Nifti1Image(np.zeros((6, 6, 60), np.int16), affine)
    image.set_sform(affine, 1)
    image.header["qform_code"] = 0
    image.header["pixdim"][1:4] = (0.002, 0.002, 90)
    image.to_filename(tmp_path / "a.nii")
    with pytest.raises(ReadError, match="hardly one lies above another"):
        read_ct(tmp_path / "a.nii")
