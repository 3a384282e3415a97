"""Where the voxels of image files lie: as stated, or refused; never made up."""

from __future__ import annotations

import math
import shutil
import struct
import subprocess

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ReadError

HU = np.random.default_rng(0).integers(-1000, 900, (5, 7, 6)).astype(np.int16)  # (x, y, z)
EACH = settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)


def _as_nibabel_has_it(path, volume) -> None:
    """Every voxel has the HU and the place that nibabel gives it."""
    image = nibabel.load(path)
    values = np.rint(image.get_fdata())
    to_world = image.affine
    for voxel in np.argwhere(np.ones(values.shape, bool))[:: max(1, values.size // 200)]:
        world = to_world[:3, :3] @ voxel + to_world[:3, 3]
        z, y, x = (round(v) for v in volume.voxel_from_world((-world[0], -world[1], world[2])))
        assert volume.hu[z, y, x] == values[tuple(voxel)]
        back = volume.world_from_voxel((z, y, x))
        np.testing.assert_allclose((-back[0], -back[1], back[2]), world, atol=0.02)


@EACH
@given(
    st.tuples(*3 * (st.floats(-np.pi, np.pi),)),
    st.tuples(*3 * (st.floats(0.2, 8),)),
    st.tuples(*3 * (st.sampled_from([-1, 1]),)),
    st.sampled_from([(1, 0), (0, 1), (1, 1), (2, 1), (4, 2), (0, 4)]),
    st.sampled_from([(None, None), (1, -1024), (2, 3), (0.5, -1000), (0, 7), (1, 0)]),
    st.sampled_from([np.int16, np.uint16, np.float32, np.int32, ">i2"]),
    st.sampled_from([nibabel.Nifti1Image, nibabel.Nifti2Image]),
    st.sampled_from([".nii", ".nii.gz"]),
)
def test_a_nifti_is_read_as_nibabel_reads_it(
    tmp_path_factory, angles, spacing, signs, codes, scaling, dtype, kind, suffix
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles).as_matrix() * np.multiply(spacing, signs)
    affine[:3, 3] = (10, -20, 300)
    image = kind((HU - HU.min()).astype(dtype), affine, dtype=dtype)
    image.set_sform(affine, codes[0])
    image.set_qform(affine, codes[1])
    path = tmp_path_factory.mktemp("nifti") / f"a{suffix}"
    image.to_filename(path)
    if scaling[0] is not None:  # written behind nibabel's back, which would scale the values
        opener = nibabel.openers.Opener
        with opener(path) as stream:
            data = bytearray(stream.read())
        at, form = (112, "<2f") if kind is nibabel.Nifti1Image else (176, "<2d")
        data[at : at + struct.calcsize(form)] = struct.pack(form, *scaling)
        with opener(path, "wb") as stream:
            stream.write(bytes(data))
    volume = read_ct(path)
    np.testing.assert_allclose(sorted(volume.spacing), sorted(spacing), rtol=1e-3)
    _as_nibabel_has_it(path, volume)


def _header(spacing=(0.7, 0.8, 2.0), sform=None, codes=(0, 1), units=2, offset=(0, 0, 0)) -> bytes:
    head = bytearray(352)
    head[0:4] = struct.pack("<i", 348)
    head[40:56] = struct.pack("<8h", 3, 6, 7, 5, 1, 1, 1, 1)
    head[70:74] = struct.pack("<hh", 4, 16)
    head[76:108] = struct.pack("<8f", 1, *spacing, 0, 0, 0, 0)
    head[108:120] = struct.pack("<fff", 352, 1, 0)
    head[123] = units
    head[252:256] = struct.pack("<hh", *codes)
    head[256:280] = struct.pack("<6f", 0, 0, 0, *offset)
    matrix = np.c_[np.diag(spacing), np.zeros(3)] if sform is None else sform
    head[280:328] = struct.pack("<12f", *np.ravel(matrix))
    head[344:348] = b"n+1\0"
    return bytes(head) + np.arange(210, dtype="<i2").tobytes()


BAD = st.sampled_from([0.0, -0.7, float("nan"), float("inf"), 1e-6, 1e-30, 1e6, -float("inf")])


@EACH
@given(BAD, st.integers(0, 2), st.sampled_from([(0, 0), (1, 0), (0, 1), (1, 1)]))
def test_a_nifti_without_a_usable_spacing_is_refused(tmp_path, bad, axis, codes) -> None:
    spacing = [0.7, 0.8, 2.0]
    spacing[axis] = bad
    (tmp_path / "a.nii").write_bytes(_header(tuple(spacing), np.c_[np.diag([0.7, 0.8, 2]), np.zeros(3)], codes))
    with pytest.raises(ReadError, match="no usable distance"):
        read_ct(tmp_path / "a.nii")


@EACH
@given(st.floats(0.5, 40), st.sampled_from([(0, 1), (1, 1), (0, 2), (1, 2)]), st.permutations(range(2)))
def test_a_nifti_whose_slices_are_sheared_in_themselves_is_refused_as_such(tmp_path, degrees, codes, axes) -> None:
    matrix = np.diag([0.7, 0.8, 2.0])
    matrix[axes[0], axes[1]] = matrix[axes[1], axes[1]] * math.tan(math.radians(degrees))
    (tmp_path / "a.nii").write_bytes(_header(sform=np.c_[matrix, np.zeros(3)], codes=codes))
    with pytest.raises(ReadError, match="sheared by"):
        read_ct(tmp_path / "a.nii")


@EACH
@given(st.tuples(*3 * (st.floats(-60, 60),)).filter(lambda m: np.linalg.norm(m) > 0.1))
def test_two_transforms_that_disagree_are_refused(tmp_path, move) -> None:
    matrix = np.c_[np.diag([0.7, 0.8, 2.0]), np.array(move)]
    (tmp_path / "a.nii").write_bytes(_header(sform=matrix, codes=(1, 2)))
    with pytest.raises(ReadError, match="two transforms"):
        read_ct(tmp_path / "a.nii")
    (tmp_path / "a.nii").write_bytes(_header(sform=matrix, codes=(0, 2)))
    _as_nibabel_has_it(tmp_path / "a.nii", read_ct(tmp_path / "a.nii"))


@pytest.mark.parametrize(("units", "mm"), [(2, 1), (0, 1), (3, 1e-3), (1, 1e3)])
def test_a_spacing_in_other_units_becomes_mm(tmp_path, units, mm) -> None:
    (tmp_path / "a.nii").write_bytes(_header(tuple(v / mm for v in (0.7, 0.8, 2.0)), units=units))
    np.testing.assert_allclose(read_ct(tmp_path / "a.nii").spacing, (2, 0.8, 0.7), rtol=1e-5)


META = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n{more}DimSize = 6 7 5\n"
    "ElementType = MET_SHORT\nElementDataFile = LOCAL\n"
)
NRRD = "NRRD0004\ntype: short\ndimension: 3\nsizes: 6 7 5\nendian: little\nencoding: raw\n{more}\n"

FOUR_AXES = NRRD.replace("dimension: 3\nsizes: 6 7 5", "dimension: 4\nsizes: 6 7 5 1")


@pytest.mark.parametrize("spacing", ["0.7 0.8 2 nan", "0.7 0.8 2 1"])
def test_an_axis_of_one_voxel_need_not_say_how_far_the_next_lies(tmp_path, spacing) -> None:
    text = FOUR_AXES.format(more=f"spacings: {spacing}\n")
    (tmp_path / "a.nrrd").write_bytes(text.encode() + HU.astype("<i2").tobytes())
    assert read_ct(tmp_path / "a.nrrd").spacing == pytest.approx((2, 0.8, 0.7))


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("a.mha", META.format(more=""), "no usable distance"),
        ("a.mha", META.format(more="ElementSpacing = 0 0.8 2\n"), "no usable distance"),
        ("a.mha", META.format(more="ElementSpacing = nan 0.8 2\n"), "no usable distance"),
        ("a.mha", META.format(more="ElementSpacing = -1 0.8 2\n"), "no usable distance"),
        ("a.mha", META.format(more="ElementSpacing = 1 1 1\nTransformMatrix = 1 0 0 0 1 0 0.3 0 1\n"), "sheared by"),
        ("a.nrrd", NRRD.format(more=""), "no usable distance"),
        ("a.nrrd", NRRD.format(more="spacings: 0.7 0.8 NaN\n"), "no usable distance"),
        ("a.nrrd", NRRD.format(more="spacings: 0.7 0.8 0\n"), "no usable distance"),
        (
            "a.nrrd",
            NRRD.format(more='space: LPS\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nspace units: "m" "m" "m"\n'),
            "another unit than mm",
        ),
        ("a.nrrd", NRRD.format(more="space: LPS\nspace directions: (1,0,0) (0,1,0) (0,0.3,1)\n"), "sheared by"),
        ("a.nrrd", NRRD.format(more="space: LPS\nspace directions: (1,0,0) (0,1,0) none\n"), "no usable distance"),
        ("a.nrrd", FOUR_AXES.format(more=""), "no usable distance"),
        ("a.nrrd", FOUR_AXES.format(more="spacings: 0.7 0.8 nan 1\n"), "no usable distance"),
        ("a.nrrd", FOUR_AXES.format(more="spacings: 0.7 0 2 1\n"), "no usable distance"),
    ],
)
def test_what_states_no_place_for_its_voxels_is_refused(tmp_path, name, text, match) -> None:
    (tmp_path / name).write_bytes(text.encode() + HU.astype("<i2").tobytes())
    with pytest.raises(ReadError, match=match):
        read_ct(tmp_path / name)


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"row": (0, 1, 0), "column": (0, 0, -1)},
        {"row": (1, 0, 0), "column": (0, 0, -1)},
        {"row": (-1, 0, 0), "column": (0, -1, 0)},
        {"row": (0.8, 0.6, 0.0), "column": (-0.48, 0.64, -0.6)},
        {"signed": False, "bits_stored": 12},
        {"slope": 2, "intercept": -1000},
        {"slope": 0.5, "intercept": -1024},
        {"spacing": (0.6, 0.9765625, 0.48828125)},
        {"order": [4, 2, 0, 1, 3]},
    ],
    ids=str,
)
def test_a_series_converted_by_dcm2niix_is_the_same_scan(dicom_series, tmp_path, options) -> None:
    series = dicom_series(**options)
    command = ["dcm2niix", "-z", "y", "-b", "n", "-f", "scan", "-o", str(tmp_path), str(series.folder)]
    subprocess.run(command, check=True, capture_output=True)
    scan, converted = read_ct(series.folder), read_ct(tmp_path / "scan.nii.gz")
    _as_nibabel_has_it(tmp_path / "scan.nii.gz", converted)
    for z, y, x in np.argwhere(np.ones(scan.shape, bool))[::37]:
        at = tuple(round(v) for v in converted.voxel_from_world(scan.world_from_voxel((z, y, x))))
        assert converted.hu[at] == scan.hu[z, y, x]
        np.testing.assert_allclose(converted.world_from_voxel(at), scan.world_from_voxel((z, y, x)), atol=0.01)
