"""UIDs of an export: drawn at random, or from what is written, so that the same scan gives the same files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import UID

from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume, Step

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(params=["derived", "new"])
def volume(request, dicom_series):
    scan = read_ct(dicom_series(shape=(4, 16, 12)).folder)
    return scan if request.param == "derived" else replace(scan, source=None)


@pytest.fixture
def written(tmp_path):
    count = iter(range(100))

    def write(volume: CTVolume, **options) -> list[bytes]:
        return [path.read_bytes() for path in write_dicom(volume, tmp_path / f"out{next(count)}", **options)]

    return write


def changed(volume: CTVolume, seed: int = 0) -> CTVolume:
    hu = volume.hu.copy()
    hu[1, 3, 4] += 1
    return volume.with_hu(hu, Step("protection", {"method": "test", "seed": seed}))


def test_the_same_scan_at_the_same_time_gives_the_same_bytes(volume, written) -> None:
    first = written(changed(volume), reproducible_at=MOMENT)
    assert first == written(changed(volume), reproducible_at=MOMENT)
    assert b"20260102" in first[0]


def test_the_seed_cannot_be_found_out_from_the_uids(volume, written) -> None:
    assert written(changed(volume, 1), reproducible_at=MOMENT) == written(changed(volume, 2), reproducible_at=MOMENT)


def test_another_scan_time_or_setting_gives_another_series(volume, tmp_path, written) -> None:
    def uids(volume, **options):
        folder = tmp_path / f"uids{len(list(tmp_path.iterdir()))}"
        read = [dcmread(path) for path in write_dicom(volume, folder, **{"reproducible_at": MOMENT, **options})]
        assert len({ds.SeriesInstanceUID for ds in read}) == 1
        return {read[0].SeriesInstanceUID, *(ds.SOPInstanceUID for ds in read)}

    found = [
        uids(volume),
        uids(changed(volume)),
        uids(volume, reproducible_at=MOMENT.replace(year=2027)),
        uids(volume, transfer_syntax="rle"),
        uids(replace(volume, spacing=(3.0, 0.8, 0.7)), series_description="elsewhere"),
        uids(volume, reproducible_at=None),
        uids(volume, reproducible_at=None),
    ]
    assert all(len(each) == 5 for each in found)
    assert len(set().union(*found)) == 5 * len(found)
    assert all(UID(uid).is_valid and uid.startswith("2.25.") for uid in set().union(*found))
    assert np.all([len(uid) <= 64 for uid in set().union(*found)])
