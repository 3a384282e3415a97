"""Series of a tilted gantry: straightened when they are read, valid when they are exported."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.valuerep import format_number_as_ds
from scipy.spatial.transform import Rotation

from napari_mits_gan.ct.dicom.transfer_syntax import SYNTAXES
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import Step

STEP = Step("protection", {"method": "mits-gan", "max_change_hu": 20})
SHAPE, SPACING, ORIGIN = (6, 40, 36), (2.5, 0.8, 0.7), np.array((-12.0, 7.0, 300.0))


def _tilted(dicom_series, folder, degrees: float, rotation: np.ndarray, sideways: float = 0.0, **options):
    """A series whose HU are a ramp through the patient, so that every place has its HU whatever the grid."""
    row, column = rotation[:, 0], rotation[:, 1]
    normal = np.cross(row, column)
    z, y, x = np.indices(SHAPE)
    along = SPACING[0] * (normal + np.tan(np.radians(degrees)) * column) + sideways * row
    world = ORIGIN + z[..., None] * along + y[..., None] * SPACING[1] * column + x[..., None] * SPACING[2] * row
    stored = np.rint(_ramp(world) + 1024).astype(np.uint16)

    def edit(ds, z: int) -> None:
        ds.ImagePositionPatient = [format_number_as_ds(float(v)) for v in ORIGIN + z * along]
        ds.GantryDetectorTilt, ds.SliceLocation, ds.SpacingBetweenSlices = degrees, 17 * z, 9

    return dicom_series(
        folder,
        stored=stored,
        spacing=SPACING,
        row=row,
        column=column,
        signed=False,
        bits_stored=12,
        edit=edit,
        **options,
    )


def _ramp(world: np.ndarray) -> np.ndarray:
    return 500 + (world - ORIGIN) @ (6.0, -5.0, 4.0)


@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    st.one_of(st.floats(-30, -3), st.floats(3, 30)),
    st.tuples(*[st.floats(-np.pi, np.pi)] * 3),
    st.sampled_from([0.0, 0.4, -0.9]),
)
def test_every_place_keeps_its_hu(dicom_series, tmp_path_factory, degrees, angles, sideways) -> None:
    rotation = Rotation.from_euler("xyz", angles).as_matrix()
    series = _tilted(
        dicom_series, tmp_path_factory.mktemp("tilt"), degrees, rotation, sideways, order=[3, 1, 0, 5, 4, 2]
    )
    volume = read_ct(series.folder)
    places = np.argwhere(~volume.padding)
    world = np.array(volume.origin) + (places * volume.spacing) @ volume.direction.T
    # Stored values and mixed ones are both rounded.
    assert np.abs(volume.hu[tuple(places.T)] - _ramp(world)).max() < 1.02
    # At most a border of one pixel, of those that would need a neighbour outside, is lost on each axis.
    for z in range(SHAPE[0]):
        assert (~volume.padding[z]).sum() >= (SHAPE[1] - 1) * (SHAPE[2] - 1)
    first = volume.hu[0][~volume.padding[0]].reshape(SHAPE[1:])
    np.testing.assert_array_equal(first, series.stored[0].astype(int) - 1024)


@pytest.mark.parametrize("syntax", [None, *SYNTAXES])
@pytest.mark.parametrize("protected", [False, True])
def test_an_export_comes_back_with_the_new_geometry(dicom_series, tmp_path, syntax, protected) -> None:
    volume = read_ct(_tilted(dicom_series, tmp_path / "in", 14, np.eye(3)).folder)
    if protected:
        volume = volume.with_hu(np.where(volume.padding, volume.hu, volume.hu + 7).astype(np.int16), STEP)
    files = write_dicom(volume, tmp_path / "out", transfer_syntax=syntax)
    back = read_ct(tmp_path / "out")
    np.testing.assert_array_equal(back.hu, volume.hu)
    np.testing.assert_array_equal(back.padding, volume.padding)
    np.testing.assert_allclose(back.spacing, volume.spacing)
    np.testing.assert_allclose(back.origin, volume.origin, atol=1e-6)
    np.testing.assert_allclose(back.direction, volume.direction, atol=1e-9)
    assert back.source.tilt_degrees == 0
    for path in files:
        ds = pydicom.dcmread(path)
        assert not {"GantryDetectorTilt", "SliceLocation", "SpacingBetweenSlices"} & set(ds.dir())
        assert "Gantry tilt of 14.0 degrees removed" in ds.DerivationDescription
        assert (
            f"grid of {volume.shape[2]} x {volume.shape[1]} pixels, spacing 0.7 x 0.8 x 2.5 mm"
            in ds.DerivationDescription
        )
        codes = [item.CodeValue for item in ds.DerivationCodeSequence]
        assert codes == (["113085", "113042"] if protected else ["113085"])


def test_padding_grows_by_what_is_not_covered(dicom_series, tmp_path) -> None:
    series = _tilted(dicom_series, tmp_path / "in", 14, np.eye(3))
    for path in series.files:
        ds = pydicom.dcmread(path)
        ds.add_new("PixelPaddingValue", "US", 0)
        pixels = ds.pixel_array.copy()
        pixels[:4] = 0
        ds.PixelData = pixels.tobytes()
        ds.save_as(path)
    volume = read_ct(series.folder)
    assert (volume.hu[volume.padding] == -1024).all()
    assert (~volume.padding).sum(axis=(1, 2)).max() == (SHAPE[1] - 4) * SHAPE[2]
    write_dicom(volume, tmp_path / "out")
    np.testing.assert_array_equal(read_ct(tmp_path / "out").padding, volume.padding)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed")
@pytest.mark.parametrize("real", [False, True])
def test_an_export_gains_no_error(dicom_series, tmp_path, request, real) -> None:
    def errors(path: Path) -> set[str]:
        told = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace", check=False)
        return {line for line in told.stderr.splitlines() if line.startswith("Error")}

    if real:
        folder = request.getfixturevalue("shared_dir") / "nasty" / "03_gantry_tilt"
    else:
        folder = _tilted(dicom_series, tmp_path / "in", 14, np.eye(3)).folder
    volume = read_ct(folder)
    for number, scan in enumerate((volume, volume.with_hu(volume.hu, STEP))):
        for path, item in zip(write_dicom(scan, tmp_path / str(number)), volume.source.slices, strict=True):
            assert errors(path) <= errors(item.header.path)
