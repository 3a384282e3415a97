"""The sample scan as it lies in the repository."""

import json

import numpy as np
import pytest

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.phantom.chest import Phantom, write_phantom
from napari_mits_gan.phantom.lungs import Nodule


@pytest.fixture(scope="module")
def facts(sample_series):
    return json.loads(sample_series.with_suffix(".json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def scan(sample_series):
    return read_ct(sample_series)


def test_it_is_small_enough_for_git(sample_series):
    assert sum(file.stat().st_size for file in sample_series.iterdir()) < 8 * 2**20


def test_it_is_the_scan_that_its_json_tells_of(scan, facts):
    assert list(scan.shape) == facts["shape_zyx"]
    assert scan.spacing == pytest.approx(facts["spacing_mm_zyx"])


def test_the_nodule_is_where_the_json_says(scan, facts):
    z, y, x = facts["nodule"]["voxel_zyx"]
    assert scan.world_from_voxel((z, y, x)) == pytest.approx(facts["nodule"]["world_lps_mm"], abs=1e-2)
    assert scan.hu[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2].mean() == pytest.approx(facts["nodule"]["hu"], abs=25)
    reach = [round(facts["nodule"]["diameter_mm"] * 0.9 / s) for s in scan.spacing]
    assert all(scan.hu[p].item() < -600 for p in ((z, y - reach[1], x - reach[2]), (z, y + reach[1], x + reach[2])))


def test_it_says_that_no_person_was_scanned(sample_series, facts):
    import pydicom

    first = pydicom.dcmread(sorted(sample_series.iterdir())[0], stop_before_pixels=True)
    assert str(first.PatientName) == "Phantom^Chest"
    assert "no person" in facts["what"]


def test_a_phantom_written_is_the_phantom_read(tmp_path, scan):
    from dataclasses import replace

    part = replace(scan, hu=scan.hu[40:46].copy(), source=None, padding=None)
    phantom = Phantom(part, Nodule(voxel=(3, 100, 90), diameter_mm=12.0, hu=38.0))
    write_phantom(phantom, tmp_path / "series", seed=0)
    np.testing.assert_array_equal(read_ct(tmp_path / "series").hu, part.hu)
    assert json.loads((tmp_path / "series.json").read_text())["nodule"]["voxel_zyx"] == [3, 100, 90]
