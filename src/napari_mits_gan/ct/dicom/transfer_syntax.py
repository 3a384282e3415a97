"""Which transfer syntax an export takes, and putting pixels into it without loss."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from napari_mits_gan.ct.dicom.pixels import CODEC_LOCK
from napari_mits_gan.ct.dicom.rescale import StoredFormat
from napari_mits_gan.errors import WriteError

TransferSyntax = Literal["explicit-le", "deflated", "rle", "jpeg-ls", "jpeg-2000"]

SYNTAXES: dict[str, UID] = {
    "explicit-le": ExplicitVRLittleEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg-ls": JPEGLSLossless,
    "jpeg-2000": JPEG2000Lossless,
}
"""The transfer syntaxes, all lossless, that an export may choose."""

_LOSSY_METHODS = {
    **dict.fromkeys(("50", "51", "53", "55"), "ISO_10918_1"),
    "81": "ISO_14495_1",
    "91": "ISO_15444_1",
    "203": "ISO_15444_15",
}
"""By the last part of the transfer syntax; those of JPEG-LS, JPEG 2000 and HTJ2K can be without loss as well."""


def chosen_syntax(choice: str | None, source: str) -> UID:
    """The transfer syntax to write.

    Parameters
    ----------
    choice : str or None
        A name in `SYNTAXES`, or None for the source's own where it is lossless and can be encoded, else Explicit VR
        Little Endian.
    source : str
        UID of the source's transfer syntax.

    Raises
    ------
    WriteError
        If there is no syntax of that name.
    """
    if choice is None:
        keepable = (ImplicitVRLittleEndian, *SYNTAXES.values())
        return UID(source) if source in keepable else ExplicitVRLittleEndian
    if choice not in SYNTAXES:
        raise WriteError(f"There is no transfer syntax called {choice!r} here; choose one of {', '.join(SYNTAXES)}.")
    return SYNTAXES[choice]


def put_pixels(ds: Dataset, stored: NDArray[np.integer], stored_format: StoredFormat, syntax: UID) -> None:
    """Replace the pixels of `ds` by `stored`, shape (rows, columns) or (frames, rows, columns), in `syntax`.

    Raises
    ------
    WriteError
        If the encoder does not give back exactly what went in.
    """
    stored = np.ascontiguousarray(stored, dtype=stored_format.dtype)
    data = stored.tobytes()
    for keyword in ("PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in ds:
            delattr(ds, keyword)
    if "HighBit" in ds and ds.HighBit != stored_format.bits_stored - 1:
        ds.HighBit = stored_format.bits_stored - 1
    ds.file_meta.TransferSyntaxUID = syntax
    if not syntax.is_encapsulated:
        ds.add_new("PixelData", "OB" if stored_format.bits_allocated == 8 else "OW", data + b"\0" * (len(data) % 2))
        return
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    try:
        with CODEC_LOCK:
            pydicom.pixels.compress(ds, syntax, stored, generate_instance_uid=False)
            back = pydicom.pixels.pixel_array(ds, raw=True)
    except Exception as error:
        raise WriteError(
            f"The pixels cannot be encoded as {syntax.name} ({type(error).__name__}); choose another transfer syntax."
        ) from None
    if not np.array_equal(back.reshape(stored.shape), stored):
        raise WriteError(f"The encoder of {syntax.name} changed pixels; choose another transfer syntax.")


def note_lossy_source(ds: Dataset, source: str, native_bytes: int, encoded_bytes: int) -> None:
    """Say that the pixels were once compressed with loss, where the source's transfer syntax shows it."""
    method = _LOSSY_METHODS.get(source.removeprefix("1.2.840.10008.1.2.4."))
    if method is None or ds.get("LossyImageCompression") == "01":
        return
    frame = get_frame(ds.PixelData, 0, number_of_frames=int(ds.get("NumberOfFrames") or 1))
    if method == "ISO_14495_1" and not _near(frame):
        return
    if method in ("ISO_15444_1", "ISO_15444_15") and not _is_irreversible(frame):
        return
    ds.LossyImageCompression = "01"
    ds.LossyImageCompressionRatio = round(native_bytes / max(encoded_bytes, 1), 2)
    ds.LossyImageCompressionMethod = method


def _near(frame: bytes) -> int:
    """By how much a JPEG-LS stream lets values differ: NEAR in its start of scan (ISO 14495-1, C.2.3)."""
    at = frame.find(b"\xff\xda")
    if at < 0 or at + 5 >= len(frame):
        return 0
    return frame[at + 5 + 2 * frame[at + 4]] if at + 5 + 2 * frame[at + 4] < len(frame) else 0


def _is_irreversible(frame: bytes) -> bool:
    """Whether a JPEG 2000 stream is coded by the 9-7 wavelet, which loses (ISO 15444-1, table A.20)."""
    at = frame.find(b"\xff\x52")
    return 0 <= at < len(frame) - 13 and frame[at + 13] == 0


def to_little_endian(ds: Dataset, source: str) -> None:
    """Decode the elements of a big-endian dataset, so that they are written anew."""
    if source != ExplicitVRBigEndian:
        return
    for element in ds.elements():
        if isinstance(element, RawDataElement):
            continue  # a text
        if element.VR == "SQ":
            for item in element.value or []:
                to_little_endian(item, source)
        if element.VR == "OW" and element.keyword != "PixelData" and isinstance(element.value, bytes):
            element.value = np.frombuffer(element.value, ">u2").astype("<u2").tobytes()
