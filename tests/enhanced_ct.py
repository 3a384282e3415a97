"""An enhanced (multi-frame) CT object, made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

ORDER = [2, 0, 3, 1]
"""Where the frames of an object lie, in the order in which they are stored."""


def item(**values) -> Dataset:
    """An item that holds these elements."""
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def one(**values) -> Sequence:
    """A sequence with one item that holds these elements."""
    return Sequence([item(**values)])


def enhanced_file(path: Path, stored: np.ndarray, order: list[int], *, edit=None) -> Path:
    """Write a coronal object whose frame i lies at place `order[i]`, 1.5 mm apart, with a rescale of its own."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = EnhancedCTImageStorage, generate_uid(prefix=None)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Doe^Test", "T1", "", ""
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(prefix=None), generate_uid(prefix=None)
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = generate_uid(prefix=None), ""
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber, ds.SeriesDescription = "CT", 1, 1, "ENHANCED"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.NumberOfFrames, ds.Rows, ds.Columns = stored.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.SharedFunctionalGroupsSequence = one(
        PixelMeasuresSequence=one(PixelSpacing=[0.8, 0.7], SliceThickness=9),
        PlaneOrientationSequence=one(ImageOrientationPatient=[1, 0, 0, 0, 0, -1]),
        CTImageFrameTypeSequence=one(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]),
    )
    ds.PerFrameFunctionalGroupsSequence = Sequence(
        item(
            PlanePositionSequence=one(ImagePositionPatient=[-20, 30 + 1.5 * place, 7]),
            PixelValueTransformationSequence=one(RescaleIntercept=-1000 - place, RescaleSlope=1, RescaleType="HU"),
        )
        for place in order
    )
    ds.PixelData = np.ascontiguousarray(stored).tobytes()
    ds["PixelData"].VR = "OW"
    if edit is not None:
        edit(ds)
    path.parent.mkdir(exist_ok=True)
    pydicom.dcmwrite(path, ds, enforce_file_format=True)
    return path
