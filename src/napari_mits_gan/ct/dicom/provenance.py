"""What an exported DICOM object says about how it was made: derivation, equipment, new identity."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone, tzinfo

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID

from napari_mits_gan.ct.dicom.codes import MODIFYING_EQUIPMENT, SOURCE_IMAGE_FOR_PROCESSING, coded
from napari_mits_gan.ct.dicom.header import SliceHeader
from napari_mits_gan.ct.volume import Step

PRODUCT = "napari-mits-gan"
IMPLEMENTATION_CLASS_UID = UID("2.25.190527186395093472204816135021648953774")
"""Identifies this software in file meta information; a UUID drawn once."""
_PRIVATE_PARAMETERS = ("seed", "key", "secret", "token", "path", "file", "folder")


def version() -> str:
    """The version of this package, or "0" where it is not installed."""
    try:
        return importlib.metadata.version(PRODUCT)
    except importlib.metadata.PackageNotFoundError:
        return "0"


def describe(history: Sequence[Step]) -> str:
    """What was done, as a text of ASCII characters; nothing that would help to undo it, nothing that names a place."""
    if not history:
        return f"Copied by {PRODUCT} {version()}; no pixel value was changed on purpose."
    told = []
    for step in history:
        parameters = ", ".join(
            f"{name}={value}"
            for name, value in step.parameters.items()
            if isinstance(value, (str, int, float, bool)) and not any(p in name.lower() for p in _PRIVATE_PARAMETERS)
        )
        told.append(f"{step.kind} ({parameters})" if parameters else step.kind)
    text = f"Pixel values changed by {PRODUCT} {version()}: {'; '.join(told)}."
    return text.encode("ascii", "replace").decode()[:1024]


def modifying_equipment(history: Sequence[Step], now: datetime) -> Dataset:
    """The item of ContributingEquipmentSequence for this software."""
    item = Dataset()
    item.Manufacturer = PRODUCT
    item.ManufacturerModelName = PRODUCT
    item.SoftwareVersions = version()
    item.ContributionDateTime = now.strftime("%Y%m%d%H%M%S%z")
    item.ContributionDescription = describe(history)
    item.PurposeOfReferenceCodeSequence = DicomSequence([coded(MODIFYING_EQUIPMENT)])
    return item


def add_equipment(ds: Dataset, history: Sequence[Step], now: datetime) -> None:
    """Append this software to the equipment that contributed to `ds`."""
    before = list(ds.get("ContributingEquipmentSequence") or [])
    ds.ContributingEquipmentSequence = DicomSequence([*before, modifying_equipment(history, now)])


def source_image(sop_class: str, sop_uid: str) -> Dataset:
    """The item of SourceImageSequence for the image that was read."""
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class
    item.ReferencedSOPInstanceUID = sop_uid
    item.PurposeOfReferenceCodeSequence = DicomSequence([coded(SOURCE_IMAGE_FOR_PROCESSING)])
    return item


def source_evidence(ds: Dataset, header: SliceHeader) -> Dataset:
    """The item of SourceImageEvidenceSequence by which an enhanced object says in which series its source lies."""
    image = Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = header.sop_class, header.sop_uid
    series = Dataset()
    series.SeriesInstanceUID = header.series_uid
    series.ReferencedSOPSequence = DicomSequence([image])
    study = Dataset()
    study.StudyInstanceUID = ds.StudyInstanceUID
    study.ReferencedSeriesSequence = DicomSequence([series])
    return study


def new_identity(ds: Dataset, series_uid: str, sop_uid: str, now: datetime) -> None:
    """Give `ds` a SOP instance UID, a series and a creation time of its own, and file meta information of ours."""
    ds.SOPInstanceUID = sop_uid
    ds.SeriesInstanceUID = series_uid
    local = now.astimezone(_time_zone(ds))
    ds.InstanceCreationDate, ds.InstanceCreationTime = local.strftime("%Y%m%d"), local.strftime("%H%M%S")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = ds.file_meta.TransferSyntaxUID
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = f"MITSGAN_{version()}"[:16]
    ds.file_meta = meta
    ds.preamble = b"\0" * 128


def undate(ds: Dataset) -> None:
    """Leave out of an anonymous export when it was made."""
    del ds.InstanceCreationDate, ds.InstanceCreationTime
    for item in ds.ContributingEquipmentSequence:
        if "ContributionDateTime" in item:
            del item.ContributionDateTime


def _time_zone(ds: Dataset) -> tzinfo | None:
    """The time zone in which the dates and times of `ds` are; None, the local one, where it does not say."""
    found = re.fullmatch(r"([+-])(\d\d)(\d\d)", str(ds.get("TimezoneOffsetFromUTC") or "").strip())
    if found is None:
        return None
    minutes = 60 * int(found[2]) + int(found[3])
    return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes)) if minutes < 1440 else None
