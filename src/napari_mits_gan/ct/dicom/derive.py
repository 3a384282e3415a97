"""A derived DICOM object: the source's dataset with the volume's pixels and what has to change with them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import CTImageStorage

from napari_mits_gan.ct.dicom.header import SliceHeader
from napari_mits_gan.ct.dicom.pixels import stored_values, whole_dataset
from napari_mits_gan.ct.dicom.provenance import (
    add_equipment,
    code,
    describe,
    new_identity,
    source_evidence,
    source_image,
)
from napari_mits_gan.ct.dicom.rescale import to_hu, to_stored
from napari_mits_gan.ct.dicom.source import SourceSlice
from napari_mits_gan.ct.dicom.transfer_syntax import chosen_syntax, note_lossy_source, put_pixels, to_little_endian
from napari_mits_gan.ct.dicom.untilted import place_on_grid, stored_on_grid
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import WriteError

_NO_LONGER_TRUE = (
    "SmallestImagePixelValue", "LargestImagePixelValue", "SmallestPixelValueInSeries", "LargestPixelValueInSeries",
    "DigitalSignaturesSequence", "MACParametersSequence", "IconImageSequence", "DataSetTrailingPadding",
)  # fmt: skip
_SERIES_NUMBER_STEP = 1000


@dataclass(frozen=True)
class NewSeries:
    """What all objects of an exported series share."""

    uid: str
    description: str | None
    now: datetime
    transfer_syntax: str | None


def stored_for(source: SourceSlice, before: NDArray[np.integer], hu: NDArray[np.int16]) -> NDArray[np.integer]:
    """Stored values of one slice of an export.

    Parameters
    ----------
    source : SourceSlice
        Where the slice came from.
    before : ndarray of int, shape (y, x)
        Stored values of the source.
    hu : ndarray of int16, shape (y, x)
        HU of the slice to export.

    Returns
    -------
    ndarray of int, shape (y, x)
        The source's own values, bit for bit, in padding and wherever the HU are those that were read; elsewhere the HU
        through the slice's own slope and intercept, clipped to its bits, and never a value that means padding.
    """
    header = source.header
    assert header.rescale is not None  # the reader made sure
    assert header.stored_format is not None
    changed = hu != to_hu(before, header.rescale)[0]
    for padding in source.padding:
        changed &= ~padding.mask(before)
    after = before.copy()
    values = to_stored(hu[changed], header.rescale, header.stored_format)
    for padding in source.padding:
        values = padding.keep_out(values, before[changed], header.stored_format)
    after[changed] = values
    return after


def check_unchanged(header: SliceHeader) -> None:
    """Refuse a source file that is gone or was changed since it was read."""
    try:
        stat = os.stat(header.path)
    except OSError:
        raise WriteError(
            f"{header.path.name}, a file that the scan was read from, is no longer there; put it back or read the scan "
            "again."
        ) from None
    if (stat.st_size, stat.st_mtime_ns) != (header.file_size, header.file_time_ns):
        raise WriteError(f"{header.path.name} was changed since the scan was read from it; read the scan again.")


def derived_object(volume: CTVolume, slices: Sequence[tuple[int, SourceSlice]], series: NewSeries) -> Dataset:
    """The derived object for one source file.

    Parameters
    ----------
    volume : CTVolume
        The volume to export.
    slices : sequence of (int, SourceSlice)
        All slices (z and source) that came from this file, in the order of its frames.
    series : NewSeries
        What the objects of the export share.

    Returns
    -------
    Dataset
        Ready to be written.
    """
    header = slices[0][1].header
    stored_format = header.stored_format
    assert stored_format is not None
    tilt = volume.dicom.tilt_degrees if volume.dicom is not None else 0.0
    if tilt:
        values = [stored_on_grid(volume, z, source)[0] for z, source in slices]
    else:
        values = [
            stored_for(source, before, volume.hu[z])
            for (z, source), (_, before) in zip(slices, stored_values([s.header for _, s in slices]), strict=True)
        ]
    ds = whole_dataset(header)
    if str(ds.get("SOPInstanceUID", "")) != header.sop_uid:
        raise WriteError(f"{header.path.name} was changed since the scan was read from it; read the scan again.")
    to_little_endian(ds, header.transfer_syntax)
    encoded_bytes = len(ds.PixelData)
    for keyword in _NO_LONGER_TRUE:
        if keyword in ds:
            delattr(ds, keyword)
    if not ds.get("SOPClassUID"):
        ds.SOPClassUID = CTImageStorage
    history = volume.history
    old_uid = header.sop_uid
    ds.DerivationDescription = describe(history)
    ds.DerivationCodeSequence = DicomSequence([_derivation(bool(history))])
    if tilt:
        place_on_grid(ds, volume, *slices[0])
    if old_uid:
        ds.SourceImageSequence = DicomSequence([source_image(ds.SOPClassUID, old_uid)])
    add_equipment(ds, history, series.now)
    ds.SeriesNumber = ((header.series_number or 0) + _SERIES_NUMBER_STEP) % (2**31 - 1)
    ds.SeriesDescription = series.description or _description(header.series_description, volume)
    if header.is_enhanced:
        _derive_frame_types(ds)
        ds.SourceImageEvidenceSequence = DicomSequence([source_evidence(ds, header)])
    else:
        ds.ImageType = ["DERIVED", "SECONDARY", *header.image_type[2:]]
    new_identity(ds, series.uid, series.now)
    pixels = np.stack(values) if header.frames > 1 else values[0]
    note_lossy_source(ds, header.transfer_syntax, pixels.nbytes, encoded_bytes)
    put_pixels(ds, pixels, stored_format, chosen_syntax(series.transfer_syntax, header.transfer_syntax))
    return ds


def _derivation(changed: bool) -> Dataset:
    return code("113042", "Pixel by pixel addition") if changed else code("113040", "Lossless compression")


def _description(source: str, volume: CTVolume) -> str:
    added = "protected" if volume.is_protected else "sealed" if volume.is_sealed else "copy"
    kept = source.replace("\\", " ")[: 64 - len(added) - 2]
    return f"{kept}, {added}" if kept else f"CT, {added}"


def _derive_frame_types(ds: Dataset) -> None:
    """Say DERIVED in the image type of an enhanced object and of its frames."""
    ds.ImageType = _derived_type(list(ds.ImageType))
    groups = [*(ds.get("SharedFunctionalGroupsSequence") or []), *(ds.get("PerFrameFunctionalGroupsSequence") or [])]
    for group in groups:
        for item in group.get("CTImageFrameTypeSequence") or []:
            item.FrameType = _derived_type(list(item.FrameType))
    derivation = Dataset()
    derivation.DerivationDescription = ds.DerivationDescription
    derivation.DerivationCodeSequence = ds.DerivationCodeSequence
    derivation.SourceImageSequence = ds.get("SourceImageSequence") or DicomSequence([])
    for group in groups:
        if "DerivationImageSequence" in group:
            del group.DerivationImageSequence
    shared = groups[0] if ds.get("SharedFunctionalGroupsSequence") else None
    for group in [shared] if shared is not None else groups:
        group.DerivationImageSequence = DicomSequence([derivation])
    # At the top level these belong to classic images only.
    for keyword in ("DerivationDescription", "DerivationCodeSequence", "SourceImageSequence"):
        delattr(ds, keyword)


def _derived_type(values: list[str]) -> list[str]:
    kept = (values + ["PRIMARY", "VOLUME", "NONE"][len(values) - 1 :]) if 0 < len(values) < 4 else values
    contrast = "ADDITION" if kept[3] == "NONE" else kept[3]
    return ["DERIVED", *kept[1:3], contrast]
