"""The sidecar: originals given back bit for bit, and refused in a sentence where that cannot be."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import JPEGLSLossless

import napari_mits_gan as mg
from enhanced_ct import ORDER, enhanced_file
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import SidecarError, WriteError
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.sidecar import restore, write_sidecar
from napari_mits_gan.evidence.sidecar_records import added, difference_of

KEY = SealKey(bytes(range(32)))
OTHER = SealKey(bytes(32))


def changed_by_low_bits(volume: CTVolume) -> CTVolume:
    hu = volume.hu ^ np.random.default_rng(0).integers(0, 2, volume.shape).astype(np.int16)
    return volume.with_hu(hu, Step("protection", {"method": "test"}))


def digests(files) -> dict[str, str]:
    return {Path(f).name: hashlib.sha256(Path(f).read_bytes()).hexdigest() for f in files}


@pytest.fixture
def case(dicom_series, tmp_path):
    series = dicom_series(tmp_path / "source")
    volume = mg.read_ct(series.folder)
    changed = changed_by_low_bits(volume)
    sidecar = write_sidecar(volume, changed, KEY, tmp_path / "scan.restore")
    return series, changed, sidecar


def test_every_file_comes_back_bit_for_bit(case, tmp_path):
    series, changed, sidecar = case
    assert digests(restore(changed, sidecar, KEY, tmp_path / "back")) == digests(series.files)


def test_it_works_from_the_exported_series_in_any_order(case, tmp_path):
    series, changed, sidecar = case
    mg.write_dicom(changed, tmp_path / "export")
    read = mg.read_ct(tmp_path / "export")
    turned = dataclasses.replace(read, hu=read.hu[::-1].copy())
    assert digests(restore(turned, sidecar, KEY, tmp_path / "back")) == digests(series.files)


def test_slope_other_than_one_and_overlay_bits_come_back(dicom_series, tmp_path):
    def edit(ds, z):
        ds.RescaleSlope, ds.RescaleIntercept = "2", "-1024"

    series = dicom_series(tmp_path / "source", edit=edit)
    volume = mg.read_ct(series.folder)
    changed = changed_by_low_bits(volume)
    sidecar = write_sidecar(volume, changed, KEY, tmp_path / "scan.restore")
    assert digests(restore(changed, sidecar, KEY, tmp_path / "back")) == digests(series.files)


def test_compressed_files_come_back_whole(dicom_series, tmp_path):
    series = dicom_series(tmp_path / "source")
    for path in series.files:
        ds = pydicom.dcmread(path)
        ds.compress(JPEGLSLossless, generate_instance_uid=False)
        ds.save_as(path)
    volume = mg.read_ct(series.folder)
    changed = changed_by_low_bits(volume)
    sidecar = write_sidecar(volume, changed, KEY, tmp_path / "scan.restore")
    assert digests(restore(changed, sidecar, KEY, tmp_path / "back")) == digests(series.files)


def test_frames_of_one_file_come_back(tmp_path):
    stored = np.random.default_rng(2).integers(0, 4000, (4, 12, 10)).astype(np.int16)
    file = enhanced_file(tmp_path / "source" / "enhanced.dcm", stored, ORDER)
    volume = mg.read_ct(file)
    changed = changed_by_low_bits(volume)
    sidecar = write_sidecar(volume, changed, KEY, tmp_path / "scan.restore")
    assert digests(restore(changed, sidecar, KEY, tmp_path / "back")) == digests([file])
    assert sidecar.stat().st_size < 0.8 * file.stat().st_size


def test_files_of_one_name_in_several_folders_come_back(dicom_series, tmp_path):
    series = dicom_series(tmp_path / "source")
    moved = []
    for number, path in enumerate(series.files):
        folder = tmp_path / "tree" / str(number)
        folder.mkdir(parents=True)
        moved.append(path.rename(folder / "slice.dcm"))
    volume = mg.read_ct(tmp_path / "tree")
    changed = changed_by_low_bits(volume)
    sidecar = write_sidecar(volume, changed, KEY, tmp_path / "scan.restore")
    back = restore(changed, sidecar, KEY, tmp_path / "back")
    assert {p.parent.name: p.read_bytes() for p in back} == {p.parent.name: p.read_bytes() for p in moved}


def test_localizers_of_the_series_come_back(dicom_series, tmp_path):
    series = dicom_series(tmp_path / "source")
    uid = mg.read_ct(series.folder).source.series_uid

    def localizer(ds, z):
        ds.SeriesInstanceUID, ds.ImageType = uid, ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    strays = dicom_series(series.folder / "scouts", shape=(2, 9, 9), edit=localizer)
    volume = mg.read_ct(series.folder)
    changed = changed_by_low_bits(volume)
    sidecar = write_sidecar(volume, changed, KEY, tmp_path / "scan.restore")

    back = restore(changed, sidecar, KEY, tmp_path / "back")

    wanted = [*series.files, *strays.files]
    for file in wanted:
        assert (tmp_path / "back" / file.relative_to(series.folder)).read_bytes() == file.read_bytes()
    assert len(back) == len(wanted)


def test_a_scan_that_is_no_dicom_comes_back(tmp_path):
    volume = CTVolume(np.random.default_rng(1).integers(-1000, 500, (5, 8, 9)).astype(np.int16), (2.0, 1.0, 1.0))
    path = tmp_path / "scan.nii.gz"
    write_image(volume, path)
    changed = changed_by_low_bits(volume)
    with pytest.raises(SidecarError, match="name them"):
        write_sidecar(volume, changed, KEY, tmp_path / "scan.restore")
    sidecar = write_sidecar(volume, changed, KEY, tmp_path / "scan.restore", files=[path])
    assert digests(restore(changed, sidecar, KEY, tmp_path / "back")) == digests([path])


def test_another_key_another_scan_and_changed_slices_are_refused_and_nothing_is_written(case, tmp_path):
    _, changed, sidecar = case
    with pytest.raises(SidecarError, match="another key"):
        restore(changed, sidecar, OTHER, tmp_path / "back")
    with pytest.raises(SidecarError, match="another scan"):
        restore(dataclasses.replace(changed, hu=changed.hu + np.int16(5)), sidecar, KEY, tmp_path / "back")
    hu = changed.hu.copy()
    hu[2, 1, 1] += 1
    with pytest.raises(SidecarError, match="slice 3 of"):
        restore(dataclasses.replace(changed, hu=hu), sidecar, KEY, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_sidecar_is_never_overwritten(case, tmp_path):
    series, changed, sidecar = case
    before = sidecar.read_bytes()
    with pytest.raises(WriteError, match="not overwritten"):
        write_sidecar(mg.read_ct(series.folder), changed, KEY, sidecar)
    assert sidecar.read_bytes() == before


def test_it_holds_nothing_of_the_scan_in_the_clear(dicom_series, tmp_path):
    series = dicom_series(tmp_path / "source", edit=lambda ds, z: setattr(ds, "PatientID", "PATIENT-4711"))
    volume = mg.read_ct(series.folder)
    write_sidecar(volume, changed_by_low_bits(volume), KEY, tmp_path / "sidecar")
    data = (tmp_path / "sidecar").read_bytes()
    for path in series.files:
        assert path.name.encode() not in data
    # Fewer letters would be in random bytes by chance now and then.
    assert b"PATIENT-4711" not in data


def test_every_damage_and_truncation_is_refused(case, tmp_path):
    _, changed, sidecar = case
    whole = sidecar.read_bytes()
    rng = np.random.default_rng(3)
    damaged = tmp_path / "damaged.restore"
    for cut in [0, 1, 8, 9, 24, 40, 41, 48, 49, len(whole) - 1, *rng.integers(0, len(whole), 40)]:
        damaged.write_bytes(whole[:cut])
        with pytest.raises(SidecarError):
            restore(changed, damaged, KEY, tmp_path / "back")
    for at in rng.integers(0, len(whole), 60):
        data = bytearray(whole)
        data[at] ^= 1 << int(rng.integers(8))
        damaged.write_bytes(bytes(data))
        with pytest.raises(SidecarError):
            restore(changed, damaged, KEY, tmp_path / "back")
    damaged.write_bytes(whole + b"x")
    with pytest.raises(SidecarError):
        restore(changed, damaged, KEY, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_records_cannot_be_exchanged(case, tmp_path):
    _, changed, sidecar = case
    whole = sidecar.read_bytes()
    records, at = [], 41
    while at < len(whole):
        n = int.from_bytes(whole[at : at + 8], "big")
        records.append(whole[at : at + 8 + n])
        at += 8 + n
    for order in (
        [0, 2, 1, *range(3, len(records))],
        [0, *range(1, len(records) - 1)],
        [0, 1, 1, *range(3, len(records))],
    ):
        damaged = tmp_path / "damaged.restore"
        damaged.write_bytes(whole[:41] + b"".join(records[i] for i in order))
        with pytest.raises(SidecarError):
            restore(changed, damaged, KEY, tmp_path / "back")


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_is_refused_in_a_sentence(tmp_path, data):
    volume = CTVolume(np.zeros((2, 2, 2), np.int16), (1.0, 1.0, 1.0))
    path = tmp_path / "garbage.restore"
    for start in (b"", b"MGANSIDE\x01"):
        path.write_bytes(start + data)
        with pytest.raises(SidecarError):
            restore(volume, path, KEY, tmp_path / "back")


@given(st.data(), st.sampled_from([8, 16]))
def test_differences_add_up(data, bits):
    n = data.draw(st.integers(1, 20)) * bits // 8
    a, b = (data.draw(st.binary(min_size=n, max_size=n)) for _ in range(2))
    assert added(b, difference_of(a, b, bits), bits) == a
