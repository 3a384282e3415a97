"""Checking a MetaImage before ITK reads it: that its spacing is stated and its voxels are there."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_mits_gan.ct.image.geometry import check_right_angles, check_spacing
from napari_mits_gan.ct.image.stream import check_deflated, check_plain
from napari_mits_gan.errors import ReadError

_MOST_HEADER_BYTES = 1 << 16
_BYTES = {
    "MET_CHAR": 1, "MET_UCHAR": 1, "MET_SHORT": 2, "MET_USHORT": 2, "MET_INT": 4, "MET_UINT": 4, "MET_LONG": 4,
    "MET_ULONG": 4, "MET_LONG_LONG": 8, "MET_ULONG_LONG": 8, "MET_FLOAT": 4, "MET_DOUBLE": 8,
}  # fmt: skip


def check_metaimage(path: Path) -> None:
    """Refuse a MetaImage of which ITK would make up the spacing or the voxels.

    Raises
    ------
    ReadError
        If the header is none, states no spacing or sheared axes, or the voxels are damaged or cut off.
    """
    fields, end = _header(path)
    try:
        size = [int(n) for n in fields["DimSize"].split()]
        spacing = [float(s) for s in fields.get("ElementSpacing", fields.get("ElementSize", "")).split()]
        matrix = [float(v) for k in ("TransformMatrix", "Rotation", "Orientation") for v in fields.get(k, "").split()]
        channels = int(fields.get("ElementNumberOfChannels", 1))
        bytes_each = _BYTES[fields["ElementType"].removesuffix("_ARRAY")]
        skip = int(fields.get("HeaderSize", 0))
        stated = int(fields["CompressedDataSize"]) if "CompressedDataSize" in fields else None
    except (KeyError, ValueError):
        raise ReadError(f"{path.name} cannot be read as an image: its header is damaged.") from None
    if any(n < 1 for n in size) or channels < 1:
        raise ReadError(f"{path.name} cannot be read as an image: its header is damaged.")
    if len(size) >= 3:
        check_spacing(spacing[:3], path.name)
        if len(matrix) == len(size) ** 2:
            check_right_angles(np.array(matrix).reshape(len(size), -1)[:3, :3].T, path.name)
    wanted = int(np.prod(size, dtype=object)) * channels * bytes_each
    data = fields["ElementDataFile"]
    if data.upper().split()[0] == "LIST" or "%" in data:
        return  # several files, none of them compressed: ITK says which is missing
    place, offset = (path, end) if data.upper() == "LOCAL" else (path.parent / data, max(skip, 0))
    if fields.get("CompressedData", "False")[:1] in ("T", "t", "1"):  # ITK looks at no more than the first letter
        if not stated and place == path:  # ITK would read stray memory
            raise ReadError(f"{path.name} does not say how long its compressed voxels are; save it again.")
        check_deflated(place, offset, stated or None, wanted, path.name)
    else:
        check_plain(place, offset, wanted, path.name)


def _header(path: Path) -> tuple[dict[str, str], int]:
    """The header's fields, and where it ends."""
    fields: dict[str, str] = {}
    try:
        with path.open("rb") as stream:
            while stream.tell() < _MOST_HEADER_BYTES and (line := stream.readline(_MOST_HEADER_BYTES)):
                key, separator, value = line.decode("latin-1").partition("=")
                if not separator:
                    if line.strip():
                        break
                    continue
                fields[key.strip()] = value.strip()
                if key.strip() == "ElementDataFile" and value.strip():
                    return fields, stream.tell()
    except OSError as error:
        raise ReadError(f"{path.name} cannot be read ({error.strerror or type(error).__name__}).") from None
    raise ReadError(f"{path.name} cannot be read as an image: it is damaged or not what its name says.")
