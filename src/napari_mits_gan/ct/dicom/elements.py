"""Reading single elements of a header: texts, whole numbers and decimals, whatever the file made of them."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID

_KEYWORDS = [
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "Modality", "SeriesDescription",
    "SliceThickness", "SpacingBetweenSlices", "StudyInstanceUID", "PatientID", "SeriesInstanceUID", "AcquisitionNumber",
    "ConvolutionKernel", "SeriesNumber", "StudyDate", "KVP", "ImagePositionPatient", "AcquisitionTime", "TriggerTime",
    "TemporalPositionIdentifier", "NominalPercentageOfCardiacPhase", "NominalPercentageOfRespiratoryPhase",
    "ImageOrientationPatient", "FrameOfReferenceUID", "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames",
    "Rows", "Columns", "PixelSpacing", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleIntercept", "RescaleSlope", "RescaleType",
    "ModalityLUTSequence", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
]  # fmt: skip
_NESTED = [
    "FrameType", "StackID", "MediaStorageSOPClassUID", "TemporalPositionIndex", "NominalCardiacTriggerDelayTime",
]  # fmt: skip
TAG = {keyword: BaseTag(tag_for_keyword(keyword) or 0) for keyword in [*_KEYWORDS, *_NESTED]}
TAGS: list[BaseTag | int] = [TAG[keyword] for keyword in _KEYWORDS]
"""The elements that are read of a file."""


def first_of(group: list[Dataset], *keywords: str) -> list[Any]:
    """The first values that any dataset of `group` has for any of `keywords`; empty if there are none."""
    for keyword in keywords:
        for ds in group:
            values = _values(ds, keyword)
            if values:
                return values
    return []


def text(ds: Dataset, keyword: str) -> str:
    """A text attribute without padding; several values joined by a backslash."""
    try:
        return printable("\\".join(str(v) for v in _values(ds, keyword))).strip()
    except Exception:  # a value in a broken encoding counts as absent
        return ""


def printable(text: str) -> str:
    """`text` without characters that would command a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def whole(ds: Dataset, keyword: str) -> int | None:
    """A whole number, or None."""
    try:
        return int(_values(ds, keyword)[0])
    except Exception:
        return None


def raw_whole(ds: Dataset, keyword: str) -> int | None:
    """A US or SS number whose representation the file may have left open."""
    value = ds.get(TAG[keyword])
    if value is not None and isinstance(value.value, bytes):
        return int.from_bytes(value.value[:2], "little")
    return whole(ds, keyword)


def _values(ds: Dataset, keyword: str) -> list[Any]:
    """The values of an attribute; plain text and numbers straight from their bytes, which is twice as fast."""
    tag = TAG[keyword]
    if tag not in ds:
        return []
    raw = ds.get_item(tag)
    if isinstance(raw, RawDataElement) and isinstance(raw.value, bytes):
        vr = raw.VR or dictionary_VR(tag)
        if vr in ("DS", "IS", "CS", "UI"):
            words = [word.strip(" \0") for word in raw.value.decode("ascii").split("\\")]
            return words if any(words) else []
        if vr in ("US", "SS") and len(raw.value) == 2:
            order: Literal["little", "big"] = "little" if raw.is_little_endian else "big"
            return [int.from_bytes(raw.value, order, signed=vr == "SS")]
    value = ds[tag].value
    if value is None or value == "":
        return []
    return [value] if isinstance(value, (str, bytes, int, float, UID)) else list(value)


def numbers(group: list[Dataset], keyword: str, count: int) -> tuple[float, ...] | None:
    """`count` finite numbers, or None."""
    try:
        # Some programs write numbers as their users' language does, with a decimal comma.
        found = tuple(float(str(v).replace(",", ".")) for v in first_of(group, keyword))
    except Exception:
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None
