"""The recovery copy as the seal carries it: the coded scan, and exactly where it was padding."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.copy_codec import decode_copy, encode_copy
from napari_mits_gan.evidence.encrypted import DamagedSealError
from napari_mits_gan.progress import Progress, silent

_FIELDS = struct.Struct("<BI")
_VERSION = 1
_MOST_FOR_PADDING = 0.1
"""Share of the bytes that the place of padding may take: it is the same circle in every slice, and takes hardly any."""


def pack_copy(
    hu: NDArray[np.int16],
    regions: NDArray[np.uint8],
    filler: NDArray[np.bool_],
    most_bytes: int,
    progress: Progress = silent,
) -> bytes:
    """A copy of a scan as good as fits.

    Parameters
    ----------
    hu : ndarray of int16, shape (z, y, x)
        The scan.
    regions : ndarray of uint8, shape (z, y, x)
        How fine to be where, as `encode_copy` has it.
    filler : ndarray of bool, shape (z, y, x)
        Where the scan has the value of padding.
    most_bytes : int
        It is no longer than this.
    progress : Progress
        Told how far the work is.

    Returns
    -------
    bytes

    Raises
    ------
    EvidenceError
        If not even the coarsest copy fits.
    """
    place = np.packbits(filler.reshape(len(filler), -1), axis=1)
    place[1:] ^= place[:-1].copy()
    packed = zlib.compress(place.tobytes(), 6)
    if len(packed) > _MOST_FOR_PADDING * most_bytes:
        packed = b""
    # The copy need not spend bytes on the edge of padding whose place is known.
    coded = encode_copy(
        hu, regions, most_bytes - _FIELDS.size - len(packed), progress, known=filler if packed else None
    )
    return _FIELDS.pack(_VERSION, len(packed)) + packed + coded


def unpack_copy(
    data: bytes, shape: tuple[int, int, int], progress: Progress = silent
) -> tuple[NDArray[np.int16], NDArray[np.bool_] | None]:
    """A scan from its copy.

    Parameters
    ----------
    data : bytes
        What `pack_copy` gave.
    shape : tuple of int
        Shape of the scan.
    progress : Progress
        Told how far the work is.

    Returns
    -------
    hu : ndarray of int16, shape (z, y, x)
    filler : ndarray of bool, shape (z, y, x), or None
        Where the scan had the value of padding; None where that is not recorded.

    Raises
    ------
    EvidenceError
        If it is no copy, or one of a scan of another shape.
    """
    if len(data) < _FIELDS.size:
        raise DamagedSealError("The recovery copy is cut off.")
    version, length = _FIELDS.unpack_from(data)
    if version != _VERSION or length > len(data) - _FIELDS.size:
        raise DamagedSealError("The recovery copy is damaged, or of another version.")
    filler = None
    if length:
        slices, size = shape[0], -(-shape[1] * shape[2] // 8)
        try:
            place = zlib.decompressobj().decompress(data[_FIELDS.size : _FIELDS.size + length], slices * size + 1)
        except zlib.error:
            raise DamagedSealError("The recovery copy is damaged: the place of its padding cannot be read.") from None
        if len(place) != slices * size:
            raise DamagedSealError("The recovery copy is damaged: its padding is of another size.")
        rows = np.bitwise_xor.accumulate(np.frombuffer(place, np.uint8).reshape(slices, size), axis=0)
        filler = np.unpackbits(rows, axis=1, count=shape[1] * shape[2]).view(bool).reshape(shape)
    hu = decode_copy(data[_FIELDS.size + length :], progress)
    if hu.shape != shape:
        raise DamagedSealError("The recovery copy is one of a scan of another size.")
    return hu, filler
