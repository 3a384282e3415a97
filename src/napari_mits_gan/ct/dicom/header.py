"""What the reader has to know of one CT slice before it decodes a pixel."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    UID_dictionary,
)

from napari_mits_gan.ct.dicom.complete import last_tag
from napari_mits_gan.ct.dicom.elements import TAG, TAGS, first_of, numbers, printable, raw_whole, text, whole
from napari_mits_gan.ct.dicom.geometry import Plane
from napari_mits_gan.ct.dicom.rescale import Rescale, StoredFormat
from napari_mits_gan.ct.suffixes import DICOM_SUFFIXES

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
CT_CLASSES = frozenset(
    {
        CT_IMAGE,
        "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT Image Storage
        "1.2.840.10008.5.1.4.1.1.2.2",  # Legacy Converted Enhanced CT Image Storage
    }
)
_PROJECTIONS = frozenset({"MAX_IP", "MIN_IP", "MIP", "MINIP", "AVERAGE", "MEAN", "MAXIMUM", "MINIMUM", "PROJECTION"})
_GZIP = b"\x1f\x8b"
_APPLE_DOUBLE = b"\x00\x05\x16\x07"
"""How the files begin ("._001.dcm" beside "001.dcm") in which macOS keeps what a foreign disk has no place for."""


class DamagedFile(Exception):
    """A file says that it is DICOM, and cannot be understood; its text is a short cause without identifiers."""


class DoubtfulFile(Exception):
    """A file does not say what it is, and may be a slice of which nothing (or only the beginning) is there yet."""


class OtherFile(Exception):
    """A file holds something else than DICOM; its text says so."""


@dataclass(frozen=True)
class Shared:
    """What the slices of one volume have in common; empty where the file does not state it."""

    patient: str = field(repr=False)
    study: str
    frame_of_reference: str
    kernel: str
    kind: str
    """Original or derived, and the projection (a maximum over a slab, for instance) that the image type names."""
    stack: str


@dataclass(frozen=True)
class Phase:
    """When a slice was taken, as far as the file states it: in which phase of the heart, of the breath, of contrast."""

    temporal_position: float | None
    cardiac_percent: float | None
    respiratory_percent: float | None
    trigger_ms: float | None
    acquisition_time: str


@dataclass(frozen=True)
class SliceHeader:
    """One slice: a file, or one frame of a multi-frame file.

    Values that the file does not state, or states in a way that cannot be understood, are None.
    """

    path: Path = field(repr=False)
    file_size: int
    file_time_ns: int
    transfer_syntax: str
    pixel_offset: int | None
    """Where the uncompressed little-endian values start in the file; None if they have to be decoded."""
    pixel_bytes: int
    frame: int
    frames: int
    sop_class: str
    sop_uid: str
    series_uid: str
    series_description: str
    series_number: int | None
    study_date: str
    shared: Shared = field(repr=False)
    acquisition: int | None
    phase: Phase
    character_set: str
    modality: str
    image_type: tuple[str, ...]
    rows: int
    columns: int
    samples: int
    photometric: str
    stored_format: StoredFormat | None
    plane: Plane | None
    thickness_mm: float | None
    """Distance of the slices, or their thickness, as far as the header tells."""
    nominal_thickness_mm: float | None
    kilovolts: float | None
    rescale: Rescale | None
    rescale_type: str
    padding_value: int | None
    padding_limit: int | None

    @property
    def name(self) -> str:
        """How an error calls this slice: the file's name without its folders."""
        return self.path.name if self.frames == 1 else f"frame {self.frame + 1} of {self.path.name}"

    @property
    def is_ct(self) -> bool:
        """Whether it is a CT image by its class; screen captures with Modality CT are not."""
        return self.sop_class in CT_CLASSES or (not self.sop_class and self.modality == "CT")

    @property
    def is_enhanced(self) -> bool:
        """Whether it is a frame of an enhanced (multi-frame) object, even of one that has a single frame."""
        return self.sop_class in CT_CLASSES and self.sop_class != CT_IMAGE

    @property
    def is_localizer(self) -> bool:
        """Whether it is a projection for planning, no slice."""
        return "LOCALIZER" in self.image_type


def looks_like_dicom(start: bytes) -> bool:
    """Whether the first 140 bytes of a file are those of a DICOM file, with or without its preamble."""
    if start[128:132] == b"DICM":
        return True
    # Old files lack preamble and file meta; they begin with a low group whose first element has a small number.
    return len(start) >= 8 and (
        (start[0] in (2, 8) and start[1] == 0 and start[3] == 0)
        or (start[0] == 0 and start[1] in (2, 8) and start[2] == 0)
    )


def read_headers(path: Path) -> list[SliceHeader]:
    """The slices in one file.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    list of SliceHeader
        Empty if it is DICOM without an image.

    Raises
    ------
    DamagedFile
        If it says that it is DICOM, and cannot be understood.
    DoubtfulFile
        If it is empty, or is zeros where DICOM begins: reserved, being copied, or cut off before it says what it is.
    OtherFile
        If it is not DICOM.
    """
    surely = False
    try:
        with path.open("rb") as stream:
            start = stream.read(140)
            surely = start[128:132] == b"DICM"
            if looks_like_dicom(start):
                stream.seek(0)
                return _headers(path, stream, surely=surely)
            if start.startswith(_APPLE_DOUBLE):
                return []
            if start.startswith(_GZIP) and Path(path.stem).suffix.lower() in DICOM_SUFFIXES:
                raise DamagedFile("it is compressed with gzip; unpack it")
    except (DamagedFile, DoubtfulFile):
        raise
    except OSError as error:
        raise DamagedFile(f"it cannot be read ({error.strerror or type(error).__name__})") from None
    except Exception as error:  # pydicom raises whatever a damaged byte happens to lead to
        if surely:
            raise DamagedFile(f"its header is damaged ({type(error).__name__})") from None
    if path.suffix.lower() in DICOM_SUFFIXES:
        raise DamagedFile("it is not DICOM inside" if start else "it is empty")
    if not any(start[:128]):
        raise DoubtfulFile("it is empty" if not start else "it holds only zeros where DICOM begins")
    raise OtherFile("it is not DICOM inside")


def _headers(path: Path, stream: BinaryIO, *, surely: bool) -> list[SliceHeader]:
    stat = os.fstat(stream.fileno())
    ds = pydicom.dcmread(stream, stop_before_pixels=True, force=True, specific_tags=TAGS)
    if "Rows" not in ds or "Columns" not in ds:
        kind = text(ds, "SOPClassUID") or text(getattr(ds, "file_meta", Dataset()), "MediaStorageSOPClassUID")
        _check_without_image(stream, ds, kind, stat.st_size, surely=surely)
        return []  # a directory, a report or the like
    syntax = transfer_syntax(ds)
    offset, size = _native_pixels(stream, syntax, implicit=bool(ds.original_encoding[0]))
    common: dict[str, Any] = dict(
        path=path, file_size=stat.st_size, file_time_ns=stat.st_mtime_ns,
        transfer_syntax=syntax, pixel_offset=offset, pixel_bytes=size,
        sop_class=text(ds, "SOPClassUID"), sop_uid=text(ds, "SOPInstanceUID"),
        series_uid=text(ds, "SeriesInstanceUID"), series_description=text(ds, "SeriesDescription"),
        series_number=whole(ds, "SeriesNumber"), study_date=_date(ds, "StudyDate"),
        acquisition=whole(ds, "AcquisitionNumber"),
        character_set=text(ds, "SpecificCharacterSet"),
        modality=text(ds, "Modality"),
        rows=whole(ds, "Rows") or 0, columns=whole(ds, "Columns") or 0,
        samples=whole(ds, "SamplesPerPixel") or 1, photometric=text(ds, "PhotometricInterpretation").upper(),
        stored_format=_stored_format(ds),
        padding_value=raw_whole(ds, "PixelPaddingValue"), padding_limit=raw_whole(ds, "PixelPaddingRangeLimit"),
    )  # fmt: skip
    frames = whole(ds, "NumberOfFrames") or 1
    groups = _frame_groups(ds, frames)
    # A classic file places a single image; where it has several frames nothing tells where they lie.
    lost = groups is None and frames > 1
    groups = groups or [[ds]]
    return [
        SliceHeader(
            **common,
            frame=number,
            frames=frames,
            image_type=tuple(printable(str(v)) for v in first_of(group, "FrameType", "ImageType")),
            shared=_shared(ds, group),
            plane=None if lost else _plane(group),
            thickness_mm=_positive(group, "SpacingBetweenSlices") or _positive(group, "SliceThickness"),
            nominal_thickness_mm=_positive(group, "SliceThickness", decimals=2),
            kilovolts=_positive(group, "KVP", decimals=1),
            phase=_phase(ds, group),
            rescale=_rescale(group),
            rescale_type=printable(str(next(iter(first_of(group, "RescaleType")), ""))).strip(),
        )
        for number, group in enumerate(groups)
    ]


def _check_without_image(stream: BinaryIO, ds: Dataset, kind: str, size: int, *, surely: bool) -> None:
    """Tell a file that holds no image from a slice of which only the beginning is there."""
    if kind in UID_dictionary and kind not in CT_CLASSES:
        return
    implicit, little = ds.original_encoding
    start = 132 if surely else 0
    deflated = getattr(ds, "file_meta", Dataset()).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian
    last = None if deflated else last_tag(stream, start, size, implicit=bool(implicit), little=little is not False)
    # What comes after the rows and columns of an image was never one; what ends before them may have become one.
    other = last is not None and last > TAG["Modality"] and text(ds, "Modality") != "CT"
    if kind in CT_CLASSES:
        whole_file = last is not None and last > TAG["Columns"]
        raise DamagedFile("it says that it is a CT image and holds none" if whole_file else "its header is cut off")
    if last is not None and (last > TAG["Columns"] or kind or other):
        return
    raise DamagedFile("its header is cut off") if surely else DoubtfulFile("its header may be cut off")


def transfer_syntax(ds: Dataset) -> str:
    """The file's transfer syntax; files without file meta are taken for what pydicom found them to be."""
    stated = getattr(ds, "file_meta", Dataset()).get("TransferSyntaxUID")
    if stated:
        return str(stated)
    implicit, little = ds.original_encoding
    if little is False:
        return str(ExplicitVRBigEndian)
    return str(ExplicitVRLittleEndian if implicit is False else ImplicitVRLittleEndian)


def _native_pixels(stream: BinaryIO, syntax: str, *, implicit: bool) -> tuple[int | None, int]:
    """Offset and length of uncompressed little-endian pixel values; the stream stands at their element."""
    if syntax not in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        return None, 0
    start = stream.tell()
    head = stream.read(12)
    if head[:4] != b"\xe0\x7f\x10\x00":
        return None, 0
    if not implicit and head[4:6] not in (b"OW", b"OB", b"UN"):
        return None, 0
    at, length = (8, head[4:8]) if implicit else (12, head[8:12])
    size = int.from_bytes(length, "little")
    return (None, 0) if size == 0xFFFFFFFF else (start + at, size)


def _date(ds: Dataset, keyword: str) -> str:
    """A date as DICOM has it, YYYYMMDD; what is none may be anything, a name among it, and counts as absent."""
    stated = text(ds, keyword)
    return stated if len(stated) == 8 and stated.isascii() and stated.isdigit() else ""


def _frame_groups(ds: Dataset, frames: int) -> list[list[Dataset]] | None:
    """For each frame the datasets that may hold an attribute, the most specific first; None for classic files."""
    per_frame = ds.get("PerFrameFunctionalGroupsSequence")
    if per_frame is None:
        return None
    if len(per_frame) != frames:
        raise DamagedFile("it describes another number of frames than it holds")
    shared = [item for macro in ds.get("SharedFunctionalGroupsSequence") or [] for item in _macros(macro)]
    return [[*_macros(item), *shared] for item in per_frame]


def _macros(group: Dataset) -> list[Dataset]:
    """First items of the functional groups that the reader uses."""
    names = (
        "PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence",
        "PixelValueTransformationSequence", "CTImageFrameTypeSequence", "FrameContentSequence",
        "CTReconstructionSequence", "CardiacSynchronizationSequence", "RespiratorySynchronizationSequence",
    )  # fmt: skip
    return [group[name].value[0] for name in names if name in group and group[name].value]


def _shared(ds: Dataset, group: list[Dataset]) -> Shared:
    image_type = [str(v).upper() for v in first_of(group, "FrameType", "ImageType")]
    projections = sorted({word for value in image_type[2:] for word in value.split()} & _PROJECTIONS)
    return Shared(
        patient=text(ds, "PatientID"),
        study=text(ds, "StudyInstanceUID"),
        frame_of_reference=text(ds, "FrameOfReferenceUID"),
        kernel=printable(" ".join(str(v) for v in first_of(group, "ConvolutionKernel"))),
        kind=printable(" ".join([*image_type[:1], *projections])),
        stack=printable(str(next(iter(first_of(group, "StackID")), ""))),
    )


def _phase(ds: Dataset, group: list[Dataset]) -> Phase:
    def one(*keywords: str) -> float | None:
        found = next((value for keyword in keywords if (value := numbers(group, keyword, 1)) is not None), None)
        return None if found is None else found[0]

    return Phase(
        temporal_position=one("TemporalPositionIndex", "TemporalPositionIdentifier"),
        cardiac_percent=one("NominalPercentageOfCardiacPhase"),
        respiratory_percent=one("NominalPercentageOfRespiratoryPhase"),
        trigger_ms=one("NominalCardiacTriggerDelayTime", "TriggerTime"),
        acquisition_time=text(ds, "AcquisitionTime"),
    )


def _plane(group: list[Dataset]) -> Plane | None:
    position = numbers(group, "ImagePositionPatient", 3)
    orientation = numbers(group, "ImageOrientationPatient", 6)
    spacing = numbers(group, "PixelSpacing", 2)
    if position is None or orientation is None or spacing is None or not all(0 < s < 1000 for s in spacing):
        return None
    return Plane(position, orientation[:3], orientation[3:], spacing)  # type: ignore[arg-type]


def _positive(group: list[Dataset], keyword: str, decimals: int = 12) -> float | None:
    """A number above zero, or None."""
    found = numbers(group, keyword, 1)
    return round(found[0], decimals) if found is not None and found[0] > 0 else None


def _rescale(group: list[Dataset]) -> Rescale | None:
    slope, intercept = numbers(group, "RescaleSlope", 1), numbers(group, "RescaleIntercept", 1)
    if slope is None or intercept is None or slope[0] == 0 or first_of(group, "ModalityLUTSequence"):
        return None
    return Rescale(slope[0], intercept[0])


def _stored_format(ds: Dataset) -> StoredFormat | None:
    allocated, signed = whole(ds, "BitsAllocated"), whole(ds, "PixelRepresentation")
    stored = whole(ds, "BitsStored") or allocated
    if allocated not in (8, 16) or stored is None or signed not in (0, 1):
        return None
    high = whole(ds, "HighBit")
    high = stored - 1 if high is None else high
    if not (1 <= stored <= allocated and stored - 1 <= high < allocated):
        return None
    return StoredFormat(allocated, stored, high, bool(signed))
