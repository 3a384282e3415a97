"""Nothing of the patient in errors, logs, warnings or texts that are shown."""

from __future__ import annotations

import logging
import traceback
import warnings

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import Tag

from damaged_input import all_that_is_told
from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.dicom.transfer_syntax import SYNTAXES
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.read import list_series, read_ct
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import MitsGanError
from napari_mits_gan.files.quiet import quiet
from napari_mits_gan.protection.protect import protect

PLANTED = ["Zanzibar", "ZZ-4711", "19551231"]


def _plant(ds, z) -> None:
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = "Zanzibar^Zoe", "ZZ-4711", "19551231"
    ds.ReferringPhysicianName, ds.AccessionNumber = "Zanzibar^Doctor", "ZZ-4711"


def _broken(series) -> list:
    def drop(*numbers):
        return lambda: [series.files[n].unlink() for n in numbers]

    def cut(size):
        return lambda: series.files[1].write_bytes(series.files[1].read_bytes()[:size])

    return [drop(2), cut(-30), cut(900), drop(0, 1, 3, 4), lambda: series.files[0].write_bytes(b"")]


@pytest.mark.parametrize("damage", range(5))
def test_no_error_log_or_warning_names_the_patient(dicom_series, tmp_path, caplog, damage) -> None:
    series = dicom_series(tmp_path / "Zanzibar_ZZ-4711" / "scan19551231", edit=_plant)
    _broken(series)[damage]()
    told: list[str] = []
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        told.append(repr(list_series(series.folder)))
        try:
            volume = read_ct(series.folder)
        except MitsGanError as error:
            told.append("".join(traceback.format_exception_only(error)))
        else:
            told.append(repr(volume.source) + volume.name)
        told += [record.getMessage() for record in caplog.records] + [str(w.message) for w in caught]
    assert not [(word, text) for word in PLANTED for text in told if word in text]


def test_a_volume_and_the_errors_of_an_export_do_not_name_the_patient(dicom_series, tmp_path, caplog) -> None:
    series = dicom_series(tmp_path / "Zanzibar_ZZ-4711", edit=_plant)
    volume = read_ct(series.folder)
    told = [repr(volume.source), volume.name]
    (tmp_path / "Zanzibar").mkdir()
    (tmp_path / "Zanzibar" / "x").touch()
    tampered = volume.with_hu(volume.hu, Step("attack"))
    with caplog.at_level(logging.DEBUG):
        for scan, folder in ((volume, "Zanzibar"), (tampered, "out"), (volume, "Zanzibar/x/y")):
            with pytest.raises(MitsGanError) as caught:
                write_dicom(scan, tmp_path / folder)
            told.append(str(caught.value))
    told += [record.getMessage() for record in caplog.records]
    assert not [(word, text) for word in PLANTED for text in told if word in text]


def _invalid(ds, z) -> None:
    """Values that DICOM does not allow, of which pydicom warns by quoting them."""
    with pydicom.config.disable_value_validation():
        for keyword, vr, value in (
            ("PatientBirthDate", "DA", "19551231-Zanzibar"),
            ("PatientName", "PN", "Zanzibar^Zoe" * 20),
            ("PatientID", "LO", "ZZ-4711" * 20),
            ("StudyDate", "DA", "ZZ-4711"),
            ("PatientAge", "AS", "Zanzibar"),
            ("StudyInstanceUID", "UI", "Zanzibar"),
        ):
            ds[keyword] = DataElement(keyword, vr, value, validation_mode=pydicom.config.IGNORE)
        for keyword, vr, raw in (("PatientWeight", "DS", b"ZZ-4711 "), ("SeriesNumber", "IS", b"19551231.5Zanzibar")):
            tag = Tag(keyword)
            ds[tag] = RawDataElement(tag, vr, len(raw), raw, 0, False, True, True)
        ds.add(DataElement(0x00091001, "UN", b"Zanzibar"))
        ds.SpecificCharacterSet = "Zanzibar"


def _odd_encoding(ds, z) -> None:
    _plant(ds, z)
    ds.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    ds.add(DataElement(0x00100010, "PN", b"Zanzibar\x1b$Z\xff^\xff"))


EDITS = {"valid": _plant, "invalid": _invalid, "encoding": _odd_encoding}


def _tells_nothing(told: list[str]) -> None:
    assert not [(word, text) for word in PLANTED for text in told if word in text]


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.4.80"])
def test_nothing_that_reads_protects_or_exports_tells_of_the_patient(dicom_series, tmp_path, edit, syntax) -> None:
    with quiet():
        series = dicom_series(tmp_path / "Zanzibar_ZZ-4711" / "19551231", shape=(6, 48, 40), edit=edit, syntax=syntax)
    with all_that_is_told() as told:
        told.append(repr(list_series(series.folder)))
        volume = read_ct(series.folder)
        told += [volume.name, repr(volume.source), repr(volume.history)]
        protected = protect(volume, method="gaussian-noise", max_change_hu=20, without_lungs=True)
        told.append(repr(protected.history))
        for choice in (None, *SYNTAXES):
            try:
                write_dicom(protected, tmp_path / "Zanzibar" / str(choice), transfer_syntax=choice)
            except MitsGanError as error:
                told.append("".join(traceback.format_exception(error)).replace(__file__, ""))
        write_image(protected, tmp_path / "Zanzibar" / "a.nii.gz")
    _tells_nothing([text.replace(str(tmp_path), "") for text in told])


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_the_command_line_tells_nothing_of_the_patient(dicom_series, tmp_path, edit) -> None:
    with quiet():
        series = dicom_series(tmp_path / "Zanzibar_ZZ-4711" / "19551231", shape=(6, 48, 40), edit=edit)
    out = tmp_path / "out"
    protecting = [
        "protect",
        str(series.folder),
        str(out),
        "--method",
        "gaussian-noise",
        "--device",
        "cpu",
        "--without-lungs",
    ]
    with all_that_is_told() as told:
        told.append(str([main(["info", str(series.folder)]), main(protecting)]))
        series.files[2].unlink()
        told.append(str(main(["info", str(series.folder)])))
        series.files[3].write_bytes(series.files[3].read_bytes()[:700])
        told.append(str(main([*protecting[:2], str(tmp_path / "other"), *protecting[3:]])))
    assert told[:3] == ["[0, 0]", "1", "1"] or edit is not _plant
    _tells_nothing(told)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".nhdr"])
def test_a_damaged_image_file_tells_no_path(tmp_path, suffix) -> None:
    folder = tmp_path / "Zanzibar_ZZ-4711"
    folder.mkdir()
    path = folder / f"scan{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(6000, dtype=np.int16).reshape(10, 20, 30)), str(path))
    whole = path.read_bytes()
    with all_that_is_told() as told:
        for damaged in (whole[:400], whole[:-90], b"\0" * 500, whole[:40] + b"\xff" * 40 + whole[80:], b""):
            path.write_bytes(damaged)
            try:
                read_ct(path)
            except MitsGanError as error:
                told.append(str(error))
        for other in folder.glob("*.raw*"):  # what the header points to
            path.write_bytes(whole)
            other.unlink()
            with pytest.raises(MitsGanError) as caught:
                read_ct(path)
            told.append(str(caught.value))
        with pytest.raises(MitsGanError) as caught:
            write_image(CTVolume(np.zeros((2, 2, 2), np.int16), (1, 1, 1)), folder / "no such folder" / "a.nii")
        told.append(str(caught.value))
    _tells_nothing(told)


def test_a_decoder_tells_nothing_of_a_damaged_stream(dicom_series, tmp_path) -> None:
    with all_that_is_told() as told:
        for syntax in ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"):
            folder = tmp_path / "Zanzibar_ZZ-4711" / syntax
            series = dicom_series(folder, shape=(3, 40, 36), edit=_plant, syntax=syntax)
            data = bytearray(series.files[1].read_bytes())
            data[-300:-200] = bytes(100)
            series.files[1].write_bytes(data)
            try:
                read_ct(series.folder)
            except MitsGanError as error:
                told.append(str(error))
    _tells_nothing(told)
