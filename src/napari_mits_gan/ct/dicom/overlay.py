"""Overlays that old files keep in the bits that their pixels leave free, where an export has other bits."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from napari_mits_gan.ct.dicom.header import SliceHeader

_ROWS, _COLUMNS, _BITS_ALLOCATED, _BIT_POSITION, _DATA = 0x0010, 0x0011, 0x0100, 0x0102, 0x3000
_MEAN, _DEVIATION = 0x1302, 0x1303
"""Of the pixels that lie below an overlay."""


def free_overlays(ds: Dataset, header: SliceHeader) -> None:
    """Move overlays out of the pixels of `ds` into elements of their own; without a way to read them, remove them.

    What they say of the pixels below them (mean and standard deviation) goes in any case.

    Parameters
    ----------
    ds : Dataset
        The source's dataset, with its own pixels.
    header : SliceHeader
        The source; of compressed and multi-frame ones the free bits are not kept.
    """
    groups = {tag.group for tag in ds.keys() if 0x6000 <= tag.group <= 0x60FF and tag.group % 2 == 0}  # noqa: SIM118
    for group in groups:
        for element in (_MEAN, _DEVIATION):
            if (group, element) in ds:
                del ds[group, element]
        if (group, _DATA) in ds or (group, _BIT_POSITION) not in ds:
            continue
        position = int(ds[group, _BIT_POSITION].value or 0)
        same_size = all(
            (group, element) in ds and ds[group, element].value == n
            for element, n in ((_ROWS, header.rows), (_COLUMNS, header.columns))
        )
        in_word = header.pixel_offset is not None and header.frames == 1 and ds.get("BitsAllocated") == 16
        if not (same_size and in_word and 0 <= position < 16):
            for tag in [tag for tag in ds.keys() if tag.group == group]:  # noqa: SIM118
                del ds[tag]
            continue
        words = np.frombuffer(ds.PixelData, "<u2", header.rows * header.columns)
        bits = np.packbits((words >> position & 1).astype(np.uint8), bitorder="little").tobytes()
        ds.add_new((group, _BITS_ALLOCATED), "US", 1)
        ds.add_new((group, _BIT_POSITION), "US", 0)
        ds.add_new((group, _DATA), "OW", bits + b"\0" * (len(bits) % 2))
