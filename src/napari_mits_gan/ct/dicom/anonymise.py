"""Taking the patient out of a dataset, by the Basic Application Level Confidentiality Profile (DICOM PS3.15, annex E).

What the profile says of each attribute comes from the table of `dicom-anonymizer`, which follows the standard's
editions. That package applies it to the outermost attributes only; here it goes through all sequences. Beyond the
profile, texts, names, dates and bytes that it does not list are taken out as well, unless a CT image needs them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from napari_mits_gan.ct.dicom.codes import BASIC_CONFIDENTIALITY_PROFILE, coded
from napari_mits_gan.ct.dicom.header import SliceHeader
from napari_mits_gan.errors import WriteError

EDITION = "dicomfields_2026c"
"""The table of PS3.15, edition 2026c."""
PATIENT_NAME = "Anonymous"
_DICOM_ROOT = "1.2.840.10008."
"""UIDs below it are the standard's own, and name nobody."""
_TEXTS = frozenset({"AE", "AS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT"})
_BYTES = frozenset({"OB", "OB or OW", "OD", "OF", "OL", "OV", "OW", "UN"})
_FORMS = {
    "CS": re.compile(r"[A-Z0-9_ ]{0,16}(\\[A-Z0-9_ ]{0,16})*"),
    "DS": re.compile(r"[-+0-9.,eE \\]*"),
    "IS": re.compile(r"[-+0-9 \\]*"),
}
_NEEDED = frozenset(
    {
        "Manufacturer", "ManufacturerModelName", "SoftwareVersions", "ConvolutionKernel", "FilterType", "RescaleType",
        "StackID", "CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning", "PixelData", "LUTData",
        "CodingSchemeUID", "ContextUID", "MappingResourceUID",
    }
)  # fmt: skip
"""Texts, bytes and UIDs beyond the profile's list that stay: what made the image, how its values are meant, codes."""
_EMPTIED = frozenset({"PositionReferenceIndicator"})
"""Texts beyond the list that a CT image has to have, and may have without a value."""


class Anonymiser:
    """Takes the patient out of the files of one export, in which each UID becomes the same new one everywhere."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self.patient_id = f"ANON-{secrets.token_hex(6).upper()}"

    def uid(self, old: str) -> str:
        """The new UID for an old one, from which the old one cannot be found; the standard's own stay."""
        if not old or old.startswith(_DICOM_ROOT):
            return old
        digest = hmac.digest(self._secret, old.encode("utf-8", "surrogateescape"), hashlib.sha256)
        return f"2.25.{int.from_bytes(digest[:16], 'big')}"

    def header(self, header: SliceHeader) -> SliceHeader:
        """The header of a source as an anonymous export may mention it."""
        return replace(
            header, sop_uid=self.uid(header.sop_uid), series_uid=self.uid(header.series_uid), series_description=""
        )

    def take_out_patient(self, ds: Dataset, header: SliceHeader) -> None:
        """Change a dataset in place.

        Parameters
        ----------
        ds : Dataset
            The whole dataset of a source file.
        header : SliceHeader
            What was read of it.

        Raises
        ------
        WriteError
            If it says that texts are drawn into its pixels.
        """
        if str(ds.get("BurnedInAnnotation", "")).strip().upper() == "YES":
            raise WriteError(
                f"{header.path.name} says that texts are drawn into its pixels, which may name the patient; such a "
                "series cannot be anonymised here."
            )
        self._clean(ds, enhanced=header.is_enhanced)
        ds.PatientName, ds.PatientID = PATIENT_NAME, self.patient_id
        ds.PatientIdentityRemoved, ds.LongitudinalTemporalInformationModified = "YES", "REMOVED"
        ds.DeidentificationMethod = "DICOM PS3.15 Basic Application Confidentiality Profile 2026c"
        ds.DeidentificationMethodCodeSequence = DicomSequence([coded(BASIC_CONFIDENTIALITY_PROFILE)])

    def _clean(self, ds: Dataset, *, enhanced: bool) -> None:
        for tag in list(ds.keys()):
            keyword = keyword_for_tag(tag)
            vr = _vr(ds, tag)
            action = _what_becomes_of(tag, vr, keyword, enhanced)
            if action == "remove" or (action == "keep" and not _is_what_it_says(ds, tag, vr)):
                del ds[tag]
            elif action == "clean":
                element = _sequence(ds, tag)
                if element is None:
                    del ds[tag]
                    continue
                for item in element.value or []:
                    self._clean(item, enhanced=enhanced)
            elif action == "uid":
                ds[tag].value = self._uids(ds[tag].value)
            elif action == "empty":
                ds[tag] = DataElement(tag, vr, [] if vr == "SQ" else None)
            elif action == "dummy":
                from dicomanonymizer.simpledicomanonymizer import replace_element

                element = DataElement(tag, dictionary_VR(tag), "")
                replace_element(element)
                ds[tag] = element

    def _uids(self, stated: object) -> str | list[str]:
        """The new UIDs for one, several or none."""
        if isinstance(stated, Sequence) and not isinstance(stated, str):
            return [self.uid(str(value)) for value in stated]
        return self.uid(str(stated or ""))


def _vr(ds: Dataset, tag: int) -> str:
    """The kind of an element: as the file states it, or, where it leaves that open, as the dictionary has it."""
    element = ds.get_item(tag)
    stated = None if element is None else element.VR
    if stated in (None, "UN") and dictionary_has_tag(tag):
        return str(dictionary_VR(tag))
    return str(stated or "UN")


def _is_what_it_says(ds: Dataset, tag: int, vr: str) -> bool:
    """Whether a coded string or a number that stays is one, and no text."""
    form = _FORMS.get(vr)
    if form is None:
        return True
    value: Any = getattr(ds.get_item(tag), "value", None)
    if isinstance(value, bytes):
        text = value.decode("latin-1")
    else:
        several = isinstance(value, Sequence) and not isinstance(value, str)
        text = "\\".join(str(v) for v in value) if several else str(value or "")
    return form.fullmatch(text.rstrip(" \0")) is not None


def _sequence(ds: Dataset, tag: int) -> DataElement | None:
    """A sequence; None where what is called one cannot be read as one."""
    try:
        element = ds[tag]
        return element if element.VR == "SQ" else None
    except Exception:  # whatever a damaged item leads to
        return None


def _what_becomes_of(tag: int, vr: str, keyword: str, enhanced: bool) -> str:
    """Whether to "keep", "remove", "empty" it, to give it a "dummy" or another "uid", or to "clean" its items."""
    group, element = tag >> 16, tag & 0xFFFF
    if group % 2 or not keyword or element == 0:  # private, unknown, retired lengths of groups
        return "remove"
    if group & 0xFF00 in (0x5000, 0x6000):  # a curve or overlay without its data is none
        return "remove"
    rule = _rules().get((group, element))
    if rule is None:
        return _beyond_the_profile(vr, keyword)
    if rule == "U":
        return "uid"
    if rule == "X/Z/U*":
        return "clean"
    # Of several, the first that the kind of image allows: what enhanced images must have is optional in others.
    if rule.startswith("X") and not (enhanced and len(rule) > 1 and vr != "SQ"):
        return "empty" if enhanced and rule == "X/Z" else "remove"
    if rule == "D" or (enhanced and rule.endswith("D")):
        return "remove" if vr == "SQ" else "dummy"
    return "empty"


def _beyond_the_profile(vr: str, keyword: str) -> str:
    """What becomes of an attribute that the profile does not list, which lets it stay."""
    if vr == "SQ":
        return "clean"
    if keyword in _NEEDED:
        return "keep"
    if keyword in _EMPTIED:
        return "empty"
    if vr == "UI":
        return "uid"
    return "remove" if vr in _TEXTS or vr in _BYTES else "keep"


@cache
def _rules() -> dict[tuple[int, int], str]:
    """What the profile says of each attribute: X removed, Z emptied, D a dummy, U another UID; or one of several."""
    from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector

    kinds = {
        "D_TAGS": "D", "Z_TAGS": "Z", "X_TAGS": "X", "U_TAGS": "U", "Z_D_TAGS": "Z/D", "X_Z_TAGS": "X/Z",
        "X_D_TAGS": "X/D", "X_Z_D_TAGS": "X/Z/D", "X_Z_U_STAR_TAGS": "X/Z/U*",
    }  # fmt: skip
    table = dicom_anonymization_database_selector(EDITION)
    return {(tag[0], tag[1]): rule for kind, rule in kinds.items() for tag in table[kind] if len(tag) == 2}
