"""Lists of nodules beside a scan: world coordinates become voxels, whatever way the scan lies."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_mits_gan.ct.annotations import nodules_beside, read_nodules
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ReadError

SCAN = CTVolume(np.zeros((20, 30, 40), np.int16), (2.5, 0.8, 0.7), origin=(-100.0, 50.0, -300.0))


def _json(*nodules: tuple[list[float], float]) -> str:
    return json.dumps({"nodules_ge_3mm": [{"world_mm_LPS": w, "mean_vol_equiv_diam_mm": d} for w, d in nodules]})


def _turned(degrees: float) -> CTVolume:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    direction = np.array([[0, -s, c], [0, c, s], [1.0, 0, 0]])
    return CTVolume(SCAN.hu, SCAN.spacing, origin=SCAN.origin, direction=direction)


@given(
    degrees=st.floats(0, 360),
    voxel=st.tuples(st.floats(0, 19), st.floats(0, 29), st.floats(0, 39)),
    diameter=st.floats(3, 40),
)
def test_world_coordinates_become_voxels(tmp_path_factory, degrees, voxel, diameter):
    scan = _turned(degrees)
    world = np.asarray(scan.origin) + scan.direction @ (np.asarray(voxel) * scan.spacing)
    path = tmp_path_factory.mktemp("list") / "a_nodules.json"
    path.write_text(_json((world.tolist(), diameter)))
    (nodule,) = read_nodules(path, scan)
    np.testing.assert_allclose(nodule.at, voxel, atol=1e-6)
    assert nodule.diameter_mm == pytest.approx(diameter)


def test_a_nodule_outside_the_scan_is_left_out(tmp_path):
    path = tmp_path / "a_nodules.json"
    path.write_text(_json(([-95.0, 60.0, -290.0], 8.0), ([-95.0, 60.0, -400.0], 8.0)))
    (nodule,) = read_nodules(path, SCAN)
    np.testing.assert_allclose(nodule.at, (4.0, 12.5, 50 / 7 - 0), atol=1e-6)


def test_the_list_of_the_luna_challenge_is_read(tmp_path):
    (tmp_path / "scan_nodules.csv").write_text(
        "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2.3,-93.0,58.0,-275.0,6.5\n"
    )
    (nodule,) = nodules_beside(tmp_path / "scan.nii.gz", SCAN)
    np.testing.assert_allclose(nodule.at, (10, 10, 10), atol=1e-6)
    assert nodule.diameter_mm == 6.5


@pytest.mark.parametrize("name", ["scan.nii.gz", "scan.mha", "scan", "scan.v2"])
def test_a_list_is_found_by_the_scans_name(tmp_path, name):
    stem = name.removesuffix(".nii.gz").removesuffix(".mha")
    (tmp_path / f"{stem}_nodules.json").write_text(_json(([-93.0, 58.0, -275.0], 6.5)))
    assert len(nodules_beside(tmp_path / name, SCAN)) == 1


def test_a_scan_without_a_list_has_no_known_nodules(tmp_path):
    assert nodules_beside(tmp_path / "scan.nii.gz", SCAN) == ()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"nodules_ge_3mm": [{}]}',
        _json(([1.0, 2.0], 3.0)),
        _json(([1.0, 2.0, 3.0], -1.0)),
        _json(([1.0, 2.0, float("nan")], 4.0)),
    ],
)
def test_a_damaged_list_is_refused(tmp_path, content):
    (tmp_path / "a_nodules.json").write_text(content)
    with pytest.raises(ReadError, match=r"a_nodules\.json"):
        read_nodules(tmp_path / "a_nodules.json", SCAN)


@pytest.mark.parametrize("content", ["coordX,coordY\n1,2\n", "coordX,coordY,coordZ,diameter_mm\n1,2,x,4\n"])
def test_a_damaged_table_is_refused(tmp_path, content):
    (tmp_path / "a_nodules.csv").write_text(content)
    with pytest.raises(ReadError, match=r"a_nodules\.csv"):
        read_nodules(tmp_path / "a_nodules.csv", SCAN)


def test_a_missing_list_is_refused(tmp_path):
    with pytest.raises(ReadError, match=r"gone\.json"):
        read_nodules(tmp_path / "gone.json", SCAN)
