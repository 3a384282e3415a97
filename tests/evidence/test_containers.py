"""A seal goes through every lossless container, whatever the stored values are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from enhanced_ct import enhanced_file
from evidence.sealed_scans import KEY, body, nonce, with_hu
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.check import verify
from napari_mits_gan.evidence.lattice import SealError
from napari_mits_gan.evidence.seal import seal
from napari_mits_gan.evidence.verdict import Kind, State

SHAPE = (6, 64, 80)
_FORMATS: list[dict[str, Any]] = [
    {"bits_stored": 12, "signed": False, "slope": 1, "intercept": -1024},
    {"bits_stored": 12, "signed": True, "slope": 1, "intercept": 0},
    {"bits_stored": 16, "signed": True, "slope": 1, "intercept": -1024},
    {"bits_stored": 16, "signed": False, "slope": 0.5, "intercept": -1024},
    {"bits_stored": 16, "signed": False, "slope": 0.25, "intercept": -1000.5},
    {"bits_stored": 12, "signed": False, "slope": 2, "intercept": -1024},
    {"bits_stored": 12, "signed": False, "slope": 1.2207, "intercept": -1024},
    {"bits_stored": 12, "signed": False, "slope": 3, "intercept": -1025},
]


def _stored(slope: float, intercept: float, bits_stored: int, signed: bool) -> np.ndarray:
    hu = body(SHAPE).hu.astype(float)
    values = np.rint((hu - intercept) / slope)
    low, high = (-(1 << (bits_stored - 1)), (1 << (bits_stored - 1)) - 1) if signed else (0, (1 << bits_stored) - 1)
    return np.clip(values, low, high).astype(np.int16 if signed else np.uint16)


@pytest.mark.parametrize("number", range(len(_FORMATS)))
@pytest.mark.parametrize("bits", [1, 2])
def test_a_sealed_series_is_intact_after_writing_and_reading(
    dicom_series: Callable[..., Any], tmp_path: Path, number: int, bits: int
) -> None:
    source = read_ct(dicom_series(stored=_stored(**_FORMATS[number]), **_FORMATS[number]).folder)
    slope = _FORMATS[number]["slope"]

    sealed = seal(source, KEY, bits=bits, with_copy=False, nonce=nonce(number))
    write_dicom(sealed, tmp_path / "sealed")
    again = read_ct(tmp_path / "sealed")

    assert np.array_equal(again.hu, sealed.hu)
    assert np.abs(sealed.hu.astype(int) - source.hu).max() <= np.ceil((1 if bits == 1 else 3) * max(1, slope))
    assert verify(again, KEY).is_intact
    bare = CTVolume(again.hu, again.spacing, again.origin, again.direction)
    assert verify(bare, KEY).is_intact, verify(bare, KEY).text()


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "a.mha", "a.nrrd"])
def test_image_files_carry_the_seal(tmp_path: Path, name: str) -> None:
    sealed = seal(body(padding=True), KEY, with_copy=False, nonce=nonce(1))

    write_image(sealed, tmp_path / name)
    for side in tmp_path.glob("*.json"):
        side.unlink()

    assert verify(read_ct(tmp_path / name), KEY).is_intact


@pytest.mark.parametrize("syntax", ["explicit-le", "deflated", "rle", "jpeg-ls", "jpeg-2000"])
def test_lossless_transfer_syntaxes_carry_the_seal(
    dicom_series: Callable[..., Any], tmp_path: Path, syntax: str
) -> None:
    source = read_ct(dicom_series(stored=_stored(1, -1024, 16, True)).folder)
    sealed = seal(source, KEY, with_copy=False, nonce=nonce(1))

    write_dicom(sealed, tmp_path / "sealed", transfer_syntax=syntax)

    assert verify(read_ct(tmp_path / "sealed"), KEY).is_intact


def test_new_identifiers_names_and_order_of_files_do_not_matter(
    dicom_series: Callable[..., Any], tmp_path: Path
) -> None:
    source = read_ct(dicom_series(stored=_stored(1, -1024, 16, True)).folder)
    files = write_dicom(seal(source, KEY, with_copy=False, nonce=nonce(1)), tmp_path / "sealed")
    (tmp_path / "shared").mkdir()
    series = pydicom.uid.generate_uid(prefix=None)
    for number, path in enumerate(reversed(files)):
        ds = pydicom.dcmread(path)
        ds.PatientName, ds.PatientID, ds.SeriesInstanceUID = "Anon", "0", series
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid(prefix=None)
        del ds.DerivationDescription
        del ds.ContributingEquipmentSequence
        ds.save_as(tmp_path / "shared" / f"{number:03d}")

    verdict = verify(read_ct(tmp_path / "shared"), KEY)

    assert verdict.is_intact, verdict.text()


def test_slices_with_other_steps_than_each_other_are_refused(dicom_series: Callable[..., Any]) -> None:
    slopes = [2.0, 2.0, 3.0, 2.0, 2.0, 2.0]
    source = read_ct(dicom_series(stored=_stored(2, -1024, 12, False), slope=slopes, signed=False).folder)

    with pytest.raises(SealError, match="no common steps"):
        seal(source, KEY)


def test_a_value_between_the_steps_of_the_file_is_found(dicom_series: Callable[..., Any]) -> None:
    source = read_ct(dicom_series(stored=_stored(2, -1024, 12, False), slope=2, signed=False).folder)
    sealed = seal(source, KEY, with_copy=False, nonce=nonce(1))
    hu = sealed.hu.copy()
    hu[2, 20, 20] += 1

    verdict = verify(with_hu(sealed, hu, source=None), KEY)

    assert verdict.changed_blocks == 1
    assert verdict.changed_voxels()[2, 20, 20]


def test_a_value_between_the_steps_is_found_wherever_in_a_block_it_lies(dicom_series: Callable[..., Any]) -> None:
    source = read_ct(dicom_series(stored=_stored(2, -1024, 12, False), slope=2, signed=False).folder)
    sealed = seal(source, KEY, with_copy=False, nonce=nonce(1))
    for cell in range(0, 256, 11):
        hu = sealed.hu.copy()
        hu[2, 16 + cell // 16, 16 + cell % 16] += 1

        verdict = verify(with_hu(sealed, hu, source=None), KEY)

        assert verdict.changed_blocks == 1, cell
        assert verdict.changed_voxels()[2, 20, 20], cell


@pytest.mark.parametrize("slope", [2, 1.2207, 3])
@pytest.mark.parametrize("share", [0.02, 0.05])
def test_many_values_between_the_steps_do_not_hide_the_seal(
    dicom_series: Callable[..., Any], slope: float, share: float
) -> None:
    stored = _stored(slope, -1024, 12, False)
    source = read_ct(dicom_series(stored=stored, slope=slope, signed=False, bits_stored=12).folder)
    sealed = seal(source, KEY, with_copy=False, nonce=nonce(1))
    hu = sealed.hu.copy()
    changed = np.zeros(hu.shape, bool)
    changed[1:4, 16:48] = np.random.default_rng(0).random((3, 32, 80)) < share * 4  # of the whole scan: `share`
    hu[changed] += 1

    verdict = verify(with_hu(sealed, hu, source=None), KEY)

    assert [f.kind for f in verdict.findings] == [Kind.CHANGED]
    assert verdict.changed_voxels()[hu != sealed.hu].all()


def test_a_slice_turned_on_its_own_is_known_though_values_lie_between_the_steps(
    dicom_series: Callable[..., Any],
) -> None:
    source = read_ct(dicom_series(stored=_stored(2, -1024, 12, False), slope=2, signed=False).folder)
    sealed = seal(source, KEY, with_copy=False, nonce=nonce(1))
    hu = sealed.hu.copy()
    hu[2, 40, 70] += 1
    hu[2] = hu[2, :, ::-1]

    verdict = verify(with_hu(sealed, hu, source=None), KEY)

    assert [f.kind for f in verdict.findings] == [Kind.TURNED_SLICE, Kind.CHANGED], verdict.text()
    assert verdict.findings[1].box == ((2, 3), (32, 48), (0, 16))
    assert verdict.changed_voxels()[2, 40, 9]


def test_the_few_slices_that_are_left_of_a_series_in_steps_are_known(dicom_series: Callable[..., Any]) -> None:
    source = read_ct(dicom_series(stored=_stored(2, -1024, 12, False), slope=2, signed=False).folder)
    sealed = seal(source, KEY, with_copy=False, nonce=nonce(1))
    hu = body((60, *SHAPE[1:]), seed=3).hu // 2 * 2
    hu[31] = sealed.hu[3]

    verdict = verify(with_hu(sealed, hu, source=None), KEY)

    assert verdict.state is State.TAMPERED
    assert np.array_equal(np.flatnonzero(~verdict.changed_voxels().any(axis=(1, 2))), [31])


def test_a_series_in_steps_of_2_hu_that_was_never_sealed_is_not_said_to_be_wiped(
    dicom_series: Callable[..., Any],
) -> None:
    source = read_ct(dicom_series(stored=_stored(2, -1024, 12, False), slope=2, signed=False).folder)
    wiped = source.hu // 4 * 4

    said = [verify(scan, KEY).findings[0].sentence for scan in (source, with_hu(source, source.hu, source=None))]
    said_of_wiped = verify(with_hu(source, wiped), KEY).findings[0].sentence

    assert "never sealed" in said[0]
    assert "wiped" not in said[0]
    assert "either its values are stored 2 HU or more apart" in said[1]
    assert "the bits that carry a seal were wiped" in said_of_wiped


def test_an_enhanced_object_carries_the_seal(tmp_path: Path) -> None:
    stored = _stored(1, -1200, 12, False)  # 200 HU above what all frames can store
    source = read_ct(enhanced_file(tmp_path / "enhanced.dcm", stored, [0, 3, 1, 2, 5, 4]))
    sealed = seal(source, KEY, with_copy=False, nonce=nonce(1))

    write_dicom(sealed, tmp_path / "sealed")
    again = read_ct(tmp_path / "sealed")

    assert np.array_equal(again.hu, sealed.hu)
    assert verify(again, KEY).is_intact


def test_a_straightened_series_of_a_tilted_gantry_carries_the_seal(
    dicom_series: Callable[..., Any], tmp_path: Path
) -> None:
    tilt = np.deg2rad(14)

    def tilted(ds: Any, z: int) -> None:
        ds.GantryDetectorTilt = 14
        x, y, at = (float(v) for v in ds.ImagePositionPatient)
        ds.ImagePositionPatient = [x, round(y + np.tan(tilt) * 2.5 * z, 4), at]

    source = read_ct(dicom_series(stored=_stored(1, -1024, 16, True), edit=tilted).folder)
    assert source.source is not None
    assert source.shape[1] > SHAPE[1]
    sealed = seal(source, KEY, with_copy=False, nonce=nonce(1))

    write_dicom(sealed, tmp_path / "sealed")
    again = read_ct(tmp_path / "sealed")

    assert np.array_equal(again.hu, sealed.hu)
    assert verify(again, KEY).is_intact


def test_nine_hundred_slices_carry_the_seal() -> None:
    sealed = seal(body((900, 48, 64)), KEY, with_copy=False, nonce=nonce(1))
    hu = np.delete(sealed.hu, 700, axis=0)

    verdict = verify(with_hu(sealed, hu), KEY)

    assert verify(sealed, KEY).is_intact
    assert [f.sentence for f in verdict.findings] == [
        "Slice 700 of the sealed scan is missing (beside slice 699 and slice 700 of this scan)."
    ]
