"""A CT slice of which is known how its values become HU and where it lies."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from napari_mits_gan.ct.dicom.geometry import Plane
from napari_mits_gan.ct.dicom.header import SliceHeader
from napari_mits_gan.ct.dicom.padding import PaddingRange
from napari_mits_gan.ct.dicom.rescale import Rescale, StoredFormat
from napari_mits_gan.ct.dicom.storage import Storage, storage_of
from napari_mits_gan.errors import ReadError

_PERFUSION = frozenset({"PERFUSION", "RCBF", "RCBV", "CBF", "CBV", "MTT", "TTP", "TMAX", "PERMEABILITY", "PBV"})
_MULTI_ENERGY = frozenset(
    {"ATOMIC", "ZEFF", "EFFZ", "RHO", "DENSITY", "FRACTIONAL", "FRACTION", "IODINE", "SPECIFIC", "VALUE", "URIC"}
)
_STATISTICS = frozenset(
    {"STD", "STDDEV", "STDEV", "DEVIATION", "SD", "UNCERTAINTY", "VARIANCE", "ENTROPY", "CONFIDENCE", "PROBABILITY"}
)
_ARITHMETIC = frozenset({"SUBTRACTION", "DIVISION", "MULTIPLICATION", "RATIO", "MASK", "MAP"})
_MAPS = _PERFUSION | _MULTI_ENERGY | _STATISTICS | _ARITHMETIC
"""Words in the values of ImageType that name a computed map, whose values are no HU, whatever the rescale type says."""
_UNSPECIFIED = ("", "US", "UNSPECIFIED")


def _words(image_type: tuple[str, ...]) -> set[str]:
    """What the values of ImageType from the third on are put together from: EFF_ATOMIC_NUM holds ATOMIC."""
    return {word for value in image_type[2:] for word in re.split(r"[^A-Z0-9]+", value.upper())}


@dataclass(frozen=True)
class CTSlice:
    """A slice whose header leaves nothing open that a volume needs.

    Parameters
    ----------
    header : SliceHeader
        Its file (and frame), as it was when the volume was read.
    plane : Plane
        Where it lies.
    rescale : Rescale
        How its stored values become HU.
    stored_format : StoredFormat
        The bits of its stored values.
    padding : tuple of PaddingRange
        Stored values that mean padding in this slice; known once it is decoded.
    """

    header: SliceHeader = field(repr=False)
    plane: Plane
    rescale: Rescale
    stored_format: StoredFormat
    padding: tuple[PaddingRange, ...] = ()

    @property
    def name(self) -> str:
        """How an error calls this slice."""
        return self.header.name

    @property
    def storage(self) -> Storage:
        """The HU that it can store, and as what."""
        return storage_of(self.rescale, self.stored_format, self.padding)


def checked(header: SliceHeader) -> CTSlice:
    """The slice behind a header.

    Raises
    ------
    ReadError
        If the header leaves open what the pixels mean or where they lie.
    """
    if header.samples != 1 or header.photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ReadError(f"{header.name} is a colour image ({header.photometric or 'unknown'}), not a CT slice in HU.")
    if header.rows < 1 or header.columns < 1:
        raise ReadError(f"{header.name} has no pixels ({header.rows} rows, {header.columns} columns).")
    if header.stored_format is None:
        raise ReadError(f"{header.name} does not say in a usable way how its pixels are stored (8 or 16 bits).")
    if header.frames > 1 and header.plane is None:
        raise ReadError(f"{header.path.name} holds {header.frames} frames and does not say where each lies.")
    if header.plane is None:
        raise ReadError(
            f"{header.name} does not say where it lies (position, orientation and pixel spacing are needed); open a "
            "series that does."
        )
    if header.rescale is None:
        raise ReadError(f"{header.name} does not say how its values become HU: rescale slope or intercept is missing.")
    # "HU", "HU_MOD", and misspellings of Hounsfield; unspecified and nothing are what CT images in HU often say.
    in_hu = header.rescale_type.upper().startswith("H") or header.rescale_type.upper() in _UNSPECIFIED
    if not in_hu or _MAPS & _words(header.image_type):
        kind = "\\".join(header.image_type[2:]) or "derived image"
        stated = f"rescale type {header.rescale_type}, " if header.rescale_type else ""
        raise ReadError(f"{header.name} is not in HU ({stated}{kind}); open a CT in HU.")
    return CTSlice(header, header.plane, header.rescale, header.stored_format)
