"""Codes mean what the standard says, and none is stated that is not true."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from enhanced_ct import enhanced_file
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume, Step

STEP = Step("protection", {"method": "mits-gan"})


def _coded(ds: pydicom.Dataset) -> list[tuple[str, str]]:
    """Value and meaning of every coded entry in a dataset."""
    return [
        (item.CodeValue, item.CodeMeaning)
        for element in ds.iterall()
        if element.VR == "SQ"
        for item in element.value
        if "CodeValue" in item
    ]


def _classic(dicom_series, tmp_path):
    return read_ct(dicom_series(shape=(3, 12, 10)).folder)


def _tilted(dicom_series, tmp_path):
    def edit(ds, z) -> None:
        ds.ImagePositionPatient = [0, z * 0.9, z * 2.5]

    return read_ct(dicom_series(shape=(4, 20, 18), edit=edit).folder)


def _enhanced(dicom_series, tmp_path):
    stored = np.random.default_rng(0).integers(0, 4096, (4, 12, 10)).astype(np.uint16)
    return read_ct(enhanced_file(tmp_path / "enhanced" / "a", stored, [2, 0, 3, 1]))


def _without_source(dicom_series, tmp_path):
    return CTVolume(np.zeros((2, 8, 8), np.int16), (1, 1, 1))


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("make", [_classic, _tilted, _enhanced, _without_source])
def test_every_code_has_the_meaning_of_the_standard(dicom_series, tmp_path, make, changed) -> None:
    volume = make(dicom_series, tmp_path)
    if changed:
        volume = volume.with_hu(volume.hu, STEP)
    meanings = {code.value: code.meaning for code in (getattr(codes.DCM, name) for name in codes.DCM.dir())}
    for path in write_dicom(volume, tmp_path / "out"):
        told = _coded(pydicom.dcmread(path))
        assert told
        for value, meaning in told:
            assert meaning == meanings[value]
        assert codes.DCM.LossyCompression.value not in dict(told)
        assert (codes.DCM.PixelByPixelAddition.value in dict(told)) == changed
        assert (codes.DCM.SpatialResampling.value in dict(told)) == (make is _tilted)


@pytest.mark.parametrize("make", [_classic, _enhanced])
def test_an_unchanged_copy_keeps_what_its_source_says_of_how_it_was_made(dicom_series, tmp_path, make) -> None:
    volume = make(dicom_series, tmp_path)
    for path, image in zip(write_dicom(volume, tmp_path / "out"), volume.source.slices, strict=False):
        before, after = pydicom.dcmread(image.header.path), pydicom.dcmread(path)
        assert list(after.ImageType) == list(before.ImageType)
        assert "DerivationCodeSequence" not in after
        assert before.SOPInstanceUID != after.SOPInstanceUID
