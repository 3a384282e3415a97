"""Checking an NRRD before ITK reads it: that its spacing is stated in mm and its voxels are there."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from napari_mits_gan.ct.image.geometry import check_right_angles, check_spacing
from napari_mits_gan.ct.image.stream import check_deflated, check_plain
from napari_mits_gan.errors import ReadError

_MOST_HEADER_BYTES = 1 << 16
_BYTES = {
    **dict.fromkeys(("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"), 1),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), 2),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), 2),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t"), 4),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), 8),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), 8),
    "float": 4,
    "double": 8,
}
_MM = ("mm", "millimeter", "millimeters", "millimetre", "millimetres", "")


def check_nrrd(path: Path) -> None:
    """Refuse an NRRD of which ITK would make up the spacing or the voxels.

    Raises
    ------
    ReadError
        If the header is none, states no spacing, another unit than mm or sheared axes, a compression that cannot be
        read, or the voxels are damaged or cut off.
    """
    fields, end = _header(path)
    try:
        size = [int(n) for n in fields["sizes"].split()]
        bytes_each = _BYTES[fields["type"].lower()]
        encoding = fields["encoding"].lower()
        line_skip, byte_skip = (
            int(fields.get(f"{what} skip", fields.get(f"{what}skip", 0))) for what in ("line", "byte")
        )
    except (KeyError, ValueError):
        raise ReadError(f"{path.name} cannot be read as an image: its header is damaged.") from None
    if any(n < 1 for n in size):
        raise ReadError(f"{path.name} cannot be read as an image: its header is damaged.")
    if len(size) - size.count(1) <= 3 <= len(size):  # of more axes the reader says that they are too many
        _check_geometry(fields, size, path.name)
    if encoding in ("bzip2", "bz2"):
        raise ReadError(f"{path.name} is compressed with bzip2, which cannot be read here; save it with gzip or raw.")
    data = fields.get("data file", fields.get("datafile", ""))
    if line_skip or data.upper().startswith("LIST") or "%" in data or encoding not in ("raw", "gzip", "gz"):
        return
    place, offset = (path.parent / data, 0) if data else (path, end)
    wanted = int(np.prod(size, dtype=object)) * bytes_each
    if encoding == "raw":
        check_plain(place, offset + max(byte_skip, 0), wanted, path.name)
    else:
        check_deflated(place, offset, None, wanted + max(byte_skip, 0), path.name)


def _check_geometry(fields: dict[str, str], size: list[int], name: str) -> None:
    """Refuse a file that does not state in mm where its voxels lie, along each axis that has more than one of them."""
    units = re.findall(r'"([^"]*)"', fields.get("space units", "") + fields.get("units", ""))
    other = sorted({unit for unit in units if unit.strip().lower() not in _MM})
    if other:
        raise ReadError(f"{name} states the distance between its voxels in another unit than mm; save it in mm.")
    vectors = re.findall(r"none|\([^)]*\)", fields.get("space directions", ""))
    nowhere = [math.nan] * 3
    try:
        axes = [nowhere if v == "none" else [float(part) for part in v.strip("()").split(",")] for v in vectors]
        spacing = [math.hypot(*axis) for axis in axes] or [float(s) for s in fields.get("spacings", "").split()]
    except ValueError:
        raise ReadError(f"{name} cannot be read as an image: its header is damaged.") from None
    if len(spacing) == len(size):
        # Axes beyond three have a single voxel, and need not say how far that lies from the next.
        single = sorted((n for n, count in enumerate(size) if count == 1), key=lambda n: math.isfinite(spacing[n]))
        kept = [n for n in range(len(size)) if n not in single[: len(size) - 3]]
        spacing, axes = [spacing[n] for n in kept], [axes[n] for n in kept] if axes else []
    check_spacing(spacing, name)
    if axes and all(len(axis) == 3 for axis in axes):
        check_right_angles(np.array(axes).T, name)


def _header(path: Path) -> tuple[dict[str, str], int]:
    """The header's fields, their names in lower case, and where the voxels begin in a file that holds them."""
    fields: dict[str, str] = {}
    try:
        with path.open("rb") as stream:
            if not stream.readline(16).startswith(b"NRRD000"):
                raise ReadError(f"{path.name} cannot be read as an image: it is damaged or not what its name says.")
            while stream.tell() < _MOST_HEADER_BYTES and (line := stream.readline(_MOST_HEADER_BYTES)).strip():
                key, separator, value = line.decode("latin-1").partition(":")
                if separator and not line.startswith(b"#"):
                    fields[key.strip().lower()] = value.removeprefix("=").strip()
            return fields, stream.tell()
    except OSError as error:
        raise ReadError(f"{path.name} cannot be read ({error.strerror or type(error).__name__}).") from None
