"""Texts of a source that an export copies byte by byte, whatever character set they are really in."""

from __future__ import annotations

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filewriter import correct_ambiguous_vr

_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})


def keep_text_bytes(ds: Dataset) -> None:
    """Make the elements of `ds` those of Explicit VR Little Endian, and leave its texts the bytes that they are.

    Many files hold names in another character set than they state. To decode and encode them, as pydicom does where the
    transfer syntax changes, would put replacement characters into a patient's name.
    """
    implicit, little = ds.original_encoding
    if not implicit and little:
        return
    correct_ambiguous_vr(ds, bool(little))
    for element in list(ds.elements()):
        vr = element.VR
        if vr is None and dictionary_has_tag(element.tag):
            vr = dictionary_VR(element.tag)
        if not isinstance(element, RawDataElement):
            pass
        elif vr in _TEXT and isinstance(element.value, bytes):
            value = element.value + b" " * (len(element.value) % 2)
            ds[element.tag] = element._replace(VR=vr, value=value, length=len(value))
        else:
            element = ds[element.tag]  # this converts it
        if element.VR == "SQ":
            for item in ds[element.tag].value or []:
                keep_text_bytes(item)
    ds.set_original_encoding(False, True, ds._character_set)
