"""Nothing of the patient in errors, logs, warnings or texts that are shown."""

from __future__ import annotations

import logging
import traceback
import warnings

import pytest

from napari_mits_gan.ct.read import list_series, read_ct
from napari_mits_gan.ct.volume import Step
from napari_mits_gan.ct.write_dicom import write_dicom
from napari_mits_gan.errors import MitsGanError

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
            told.append(repr(volume.dicom) + volume.name)
        told += [record.getMessage() for record in caplog.records] + [str(w.message) for w in caught]
    assert not [(word, text) for word in PLANTED for text in told if word in text]


def test_a_volume_and_the_errors_of_an_export_do_not_name_the_patient(dicom_series, tmp_path, caplog) -> None:
    series = dicom_series(tmp_path / "Zanzibar_ZZ-4711", edit=_plant)
    volume = read_ct(series.folder)
    told = [repr(volume.dicom), volume.name]
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
