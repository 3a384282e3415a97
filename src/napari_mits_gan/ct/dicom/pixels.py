"""Decoding the stored values of slices, whatever their transfer syntax."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels import get_decoder
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from napari_mits_gan.ct.dicom import isolated_decoder
from napari_mits_gan.ct.dicom.ct_slice import CTSlice
from napari_mits_gan.ct.dicom.header import SliceHeader, transfer_syntax
from napari_mits_gan.errors import ReadError

CODEC_LOCK = threading.Lock()
"""Held while a codec runs: pylibjpeg-openjpeg crashes the interpreter when two threads are inside it."""
_JPEG = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEGLSNearLossless)
_JPEG_LS = (JPEGLSLossless, JPEGLSNearLossless)
_MOST_RLE_PADDING = 3
"""Zeros after the last value of a stream; one makes its length even, and some programs align to four."""
_END_OF_IMAGE = b"\xff\xd9"
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
"""Markers after which a JPEG or JPEG-LS stream states its size."""
_OTHER_SIZE = "{} decodes to another size than its header says; copy the series again."


def stored_values(slices: Sequence[CTSlice]) -> Iterator[tuple[CTSlice, NDArray[np.integer]]]:
    """Stored values of slices of one file, one after the other.

    Parameters
    ----------
    slices : sequence of CTSlice
        Slices (frames) of one and the same file.

    Yields
    ------
    image : CTSlice
    values : ndarray of int, shape (rows, columns)

    Raises
    ------
    ReadError
        If the pixels are missing, cut off or damaged, or no decoder for them is installed.
    """
    first = slices[0].header
    try:
        if first.pixel_offset is not None:
            with first.path.open("rb") as stream:
                for image in slices:
                    yield image, _native(stream, image)
            return
        ds = whole_dataset(first)
        for image in slices:
            yield image, _checked(_decoded(ds, image), image)
    except ReadError:
        raise
    except OSError as error:
        raise ReadError(
            f"{first.path.name} cannot be read ({error.strerror or type(error).__name__}); copy the series again."
        ) from None
    except Exception as error:  # decoders raise whatever a damaged stream leads to
        raise _undecodable(first, error) from None


def whole_dataset(header: SliceHeader) -> Dataset:
    """The file of a slice with all its elements, and a transfer syntax even if the file does not state one."""
    ds = pydicom.dcmread(header.path, force=True)
    if "TransferSyntaxUID" not in ds.file_meta:
        ds.file_meta.TransferSyntaxUID = UID(transfer_syntax(ds))
    return ds


def _native(stream: BinaryIO, image: CTSlice) -> NDArray[np.integer]:
    header, stored_format = image.header, image.stored_format
    size = header.rows * header.columns * stored_format.dtype.itemsize
    begin = header.frame * size
    stream.seek((header.pixel_offset or 0) + begin)
    # Asked for only what the file can hold: a damaged header may claim any size.
    data = stream.read(size) if header.pixel_bytes >= begin + size and header.file_size >= begin + size else b""
    if len(data) != size:
        raise ReadError(f"{header.name} is cut off: it holds fewer pixels than its header says; copy the series again.")
    return stored_format.clean(np.frombuffer(data, stored_format.dtype).reshape(header.rows, header.columns))


def _decoded(ds: Dataset, image: CTSlice) -> NDArray[np.generic]:
    header = image.header
    syntax = UID(header.transfer_syntax)
    if syntax in _JPEG:
        _check_stream(ds, image)
    elif syntax == RLELossless:
        _check_end_of_rle(ds, image)
    frame, decoder = header.frame if header.frames > 1 else None, _decoder(syntax)
    with CODEC_LOCK:
        if decoder == isolated_decoder.PLUGIN:
            return isolated_decoder.decode_in_own_process(header.path, frame)
        return pydicom.pixels.pixel_array(ds, index=frame, raw=True, decoding_plugin=decoder)


def _decoder(syntax: UID) -> str:
    """Which of pydicom's plugins decodes `syntax`; "" leaves it to pydicom.

    Left alone pydicom tries one after the other on a damaged stream, and GDCM, its first, ends the whole program on
    some. So GDCM gets only what nothing else here decodes, and that in a process of its own.
    """
    if syntax in _JPEG_LS:
        return "pyjpegls"
    if syntax in (JPEG2000Lossless, JPEG2000):
        return "pylibjpeg"
    if syntax in _JPEG:
        available = get_decoder(syntax).available_plugins
        return next((name for name in ("pylibjpeg", "gdcm") if name in available), "")
    return ""


def _check_stream(ds: Dataset, image: CTSlice) -> None:
    """Refuse a JPEG stream of another size than the header says, before a decoder takes the header's word for it."""
    header = image.header
    frame = get_frame(ds.PixelData, header.frame, number_of_frames=header.frames)
    # CharLS looks for the end of a JPEG-LS stream without one for many seconds in each slice.
    cut_off = header.transfer_syntax in _JPEG_LS and not frame.rstrip(b"\0").endswith(_END_OF_IMAGE)
    at = len(frame) if cut_off else 2
    while at + 9 < len(frame) and frame[at] == 0xFF:
        marker, length = frame[at + 1], int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _START_OF_FRAME:
            rows, columns = (int.from_bytes(frame[i : i + 2], "big") for i in (at + 5, at + 7))
            if (rows, columns, frame[at + 9]) != (header.rows, header.columns, 1):
                raise ReadError(_OTHER_SIZE.format(header.name))
            if frame[at + 4] > image.stored_format.bits_allocated:
                break
            return
        else:
            at += 2 + length
    name = UID(header.transfer_syntax).name
    raise ReadError(f"The pixels of {header.path.name} ({name}) are damaged; copy the series again.")


def _check_end_of_rle(ds: Dataset, image: CTSlice) -> None:
    """Refuse an RLE stream that goes on after its last value: one that was cut off, and filled up with zeros.

    Zeros mean values in RLE (PS3.5, annex G), so decoders take them for the missing ones.
    """
    header = image.header
    frame = get_frame(ds.PixelData, header.frame, number_of_frames=header.frames)
    segments = int.from_bytes(frame[:4], "little")
    at = int.from_bytes(frame[4 * segments : 4 * segments + 4], "little") if 0 < segments <= 15 else len(frame)
    missing = header.rows * header.columns
    while missing > 0 and at < len(frame):
        control = frame[at]
        count = control + 1 if control < 128 else 257 - control if control > 128 else 0
        at += 1 + (count if control < 128 else 1 if control > 128 else 0)
        missing -= count
    if len(frame) - at > _MOST_RLE_PADDING:
        raise ReadError(
            f"The pixels of {header.path.name} ({RLELossless.name}) are damaged: their stream goes on after the last "
            "of them; copy the series again."
        )


def _checked(values: NDArray[np.generic], image: CTSlice) -> NDArray[np.integer]:
    header, stored_format = image.header, image.stored_format
    if values.shape != (header.rows, header.columns) or values.dtype.kind not in "iu":
        raise ReadError(_OTHER_SIZE.format(header.name))
    return stored_format.clean(values.astype(stored_format.dtype, copy=False))


def why_not_decodable(header: SliceHeader) -> ReadError | None:
    """The refusal of a slice for whose transfer syntax there is no decoder; None where there is one."""
    syntax = UID(header.transfer_syntax)
    if not _has_decoder(syntax):
        return ReadError(
            f"{header.path.name} is compressed as {syntax.name}, for which no decoder is installed or known; convert "
            "the series to an uncompressed transfer syntax first."
        )
    return None


def _undecodable(header: SliceHeader, error: Exception) -> ReadError:
    syntax = UID(header.transfer_syntax)
    if syntax == JPEGExtended12Bit and "pylibjpeg" not in get_decoder(syntax).available_plugins:
        return ReadError(
            f"{header.path.name} is compressed as {syntax.name}, whose 12 bits only libjpeg decodes; install "
            "napari-mits-gan[lossy-jpeg], or convert the series to an uncompressed transfer syntax first."
        )
    if (without_decoder := why_not_decodable(header)) is not None:
        return without_decoder
    return ReadError(
        f"The pixels of {header.path.name} ({syntax.name}) are damaged or missing ({type(error).__name__}); copy the "
        "series again."
    )


def _has_decoder(syntax: UID) -> bool:
    if not syntax.is_transfer_syntax or syntax.is_private:
        return False
    if not syntax.is_encapsulated:
        return True
    try:
        return bool(get_decoder(syntax).is_available)
    except NotImplementedError:
        return False
