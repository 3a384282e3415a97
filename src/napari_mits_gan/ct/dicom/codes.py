"""The codes of the DICOM controlled terminology that an export states, from pydicom's code dictionary."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

BASIC_CONFIDENTIALITY_PROFILE: Code = codes.DCM.BasicApplicationConfidentialityProfile
MODIFYING_EQUIPMENT: Code = codes.DCM.ModifyingEquipment
SOURCE_IMAGE_FOR_PROCESSING: Code = codes.DCM.SourceImageForImageProcessingOperation
PIXEL_BY_PIXEL_ADDITION: Code = codes.DCM.PixelByPixelAddition
SPATIAL_RESAMPLING: Code = codes.DCM.SpatialResampling


def coded(code: Code) -> Dataset:
    """The item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item
