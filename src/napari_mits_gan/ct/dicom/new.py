"""New CT Image objects for a volume that did not come from DICOM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from napari_mits_gan.ct.constants import LUNG_WINDOW_HU
from napari_mits_gan.ct.dicom.codes import PIXEL_BY_PIXEL_ADDITION, coded
from napari_mits_gan.ct.dicom.derive import NewSeries
from napari_mits_gan.ct.dicom.identity import Identity
from napari_mits_gan.ct.dicom.provenance import PRODUCT, add_equipment, describe, new_identity, version
from napari_mits_gan.ct.dicom.rescale import StoredFormat
from napari_mits_gan.ct.dicom.transfer_syntax import chosen_syntax, put_pixels
from napari_mits_gan.ct.volume import CTVolume


@dataclass(frozen=True)
class NewStudy:
    """Identifiers that the images of a new series share."""

    study_uid: str
    frame_of_reference_uid: str
    patient_name: str
    patient_id: str


def new_study(identity: Identity, patient_name: str | None, patient_id: str | None) -> NewStudy:
    """A study of its own, anonymous unless the patient is named."""
    anonymous = f"ANON-{int(identity.uid('patient').rpartition('.')[2]) % 16**12:012X}"
    return NewStudy(
        study_uid=identity.uid("study"),
        frame_of_reference_uid=identity.uid("frame of reference"),
        patient_name=patient_name or "Anonymous",
        patient_id=patient_id or anonymous,
    )


def padding_value(volume: CTVolume) -> int | None:
    """The HU that all padding voxels have and no other voxel has, or None."""
    if volume.padding is None or not volume.padding.any():
        return None
    values = np.unique(volume.hu[volume.padding])
    if values.size != 1 or (volume.hu == values[0])[~volume.padding].any():
        return None
    return int(values[0])


def new_object(volume: CTVolume, z: int, series: NewSeries, study: NewStudy, padding: int | None) -> Dataset:
    """The CT Image object of slice `z`, in HU as stored (slope 1, intercept 0)."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = CTImageStorage
    ds.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = study.patient_name, study.patient_id, "", ""
    ds.StudyInstanceUID, ds.StudyDate, ds.StudyTime, ds.StudyID = study.study_uid, "", "", "1"
    ds.AccessionNumber, ds.ReferringPhysicianName = "", ""
    ds.Modality, ds.SeriesNumber, ds.PatientPosition, ds.Laterality = "CT", 1, "", ""
    ds.SeriesDescription = series.description or ("CT, protected" if volume.is_protected else "CT")
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = PRODUCT, PRODUCT, version()
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = study.frame_of_reference_uid, ""
    ds.AcquisitionNumber, ds.InstanceNumber = 1, z + 1
    ds.ContentDate, ds.ContentTime = series.now.strftime("%Y%m%d"), series.now.strftime("%H%M%S")
    ds.AcquisitionDate, ds.AcquisitionTime, ds.KVP = "", "", None
    step, rows_mm, columns_mm = volume.spacing
    ds.ImagePositionPatient = _decimals(np.array(volume.world_from_voxel((z, 0, 0))))
    ds.ImageOrientationPatient = _decimals(np.concatenate([volume.direction[:, 2], volume.direction[:, 1]]))
    ds.PixelSpacing = _decimals(np.array([rows_mm, columns_mm]))
    ds.SliceThickness = _decimals(np.array([step]))[0]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = volume.shape[1:]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    if padding is not None:
        ds.add_new("PixelPaddingValue", "SS", padding)
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "HU"
    low, high = LUNG_WINDOW_HU
    ds.WindowCenter, ds.WindowWidth = round((low + high) / 2), round(high - low)
    ds.DerivationDescription = describe((*volume.earlier, *volume.history))
    if volume.history:
        ds.DerivationCodeSequence = DicomSequence([coded(PIXEL_BY_PIXEL_ADDITION)])
    add_equipment(ds, volume.history, series.now)
    new_identity(ds, series.uid, series.identity.uid("image", z), series.now)
    put_pixels(ds, volume.hu[z], StoredFormat(), chosen_syntax(series.transfer_syntax, ExplicitVRLittleEndian))
    return ds


def _decimals(values: NDArray[np.float64]) -> list[str]:
    return [format_number_as_ds(float(v)) for v in values]
