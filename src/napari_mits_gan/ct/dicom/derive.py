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
from pydicom.uid import CTImageStorage, ImplicitVRLittleEndian

from napari_mits_gan.ct.dicom.anonymise import Anonymiser
from napari_mits_gan.ct.dicom.codes import PIXEL_BY_PIXEL_ADDITION, coded
from napari_mits_gan.ct.dicom.ct_slice import CTSlice
from napari_mits_gan.ct.dicom.header import SliceHeader
from napari_mits_gan.ct.dicom.identity import Identity
from napari_mits_gan.ct.dicom.overlay import free_overlays
from napari_mits_gan.ct.dicom.pixels import stored_values, whole_dataset
from napari_mits_gan.ct.dicom.provenance import (
    add_equipment,
    describe,
    new_identity,
    source_evidence,
    source_image,
    undate,
)
from napari_mits_gan.ct.dicom.rescale import to_hu
from napari_mits_gan.ct.dicom.source import DicomSource
from napari_mits_gan.ct.dicom.text_bytes import keep_text_bytes
from napari_mits_gan.ct.dicom.transfer_syntax import chosen_syntax, note_lossy_source, put_pixels, to_little_endian
from napari_mits_gan.ct.dicom.untilted import place_on_grid, stored_on_grid
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import WriteError

_NO_LONGER_TRUE = (
    "SmallestImagePixelValue", "LargestImagePixelValue", "SmallestPixelValueInSeries", "LargestPixelValueInSeries",
    "SmallestValidPixelValue", "LargestValidPixelValue", "SmallestImagePixelValueInPlane",
    "LargestImagePixelValueInPlane", "HistogramSequence", "IconImageSequence", "DataSetTrailingPadding",
    "DigitalSignaturesSequence", "MACParametersSequence", "EncryptedAttributesSequence",
    # of the instance, not of what is derived from it: who authorised it, where it is kept, what it is a part of
    "SOPInstanceStatus", "SOPAuthorizationDateTime", "SOPAuthorizationComment",
    "AuthorizationEquipmentCertificationNumber", "InstanceCreatorUID", "InstanceAvailability", "RetrieveAETitle",
    "RetrieveURL", "RetrieveURI", "PixelDataProviderURL", "StorageMediaFileSetID", "StorageMediaFileSetUID",
    "ConcatenationUID", "SOPInstanceUIDOfConcatenationSource", "InConcatenationNumber", "InConcatenationTotalNumber",
    "ConcatenationFrameOffsetNumber", "InstanceCoercionDateTime", "InstanceOriginStatus",
)  # fmt: skip
_SERIES_NUMBER_STEP = 1000


@dataclass(frozen=True)
class NewSeries:
    """What all objects of an exported series share."""

    uid: str
    description: str | None
    identity: Identity
    transfer_syntax: str | None
    anonymiser: Anonymiser | None = None

    @property
    def now(self) -> datetime:
        """When it is said to be made."""
        return self.identity.made_at


def stored_for(image: CTSlice, before: NDArray[np.integer], hu: NDArray[np.int16]) -> NDArray[np.integer]:
    """Stored values of one slice of an export.

    Parameters
    ----------
    image : CTSlice
        Where the slice came from.
    before : ndarray of int, shape (y, x)
        Stored values of the source.
    hu : ndarray of int16, shape (y, x)
        HU of the slice to export.

    Returns
    -------
    ndarray of int, shape (y, x)
        The source's own values, bit for bit, in padding and wherever the HU are those that were read; elsewhere what
        stores the HU, or the nearest that the slice can store.
    """
    changed = hu != to_hu(before, image.rescale)[0]
    for padding in image.padding:
        changed &= ~padding.mask(before)
    after = before.copy()
    after[changed] = image.storage.stored(hu[changed])
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


def derived_object(
    volume: CTVolume, source: DicomSource, slices: Sequence[tuple[int, CTSlice]], series: NewSeries
) -> Dataset:
    """The derived object for one source file.

    Parameters
    ----------
    volume : CTVolume
        The volume to export.
    source : DicomSource
        The series that it was read from.
    slices : sequence of (int, CTSlice)
        All slices (z and source) that came from this file, in the order of its frames.
    series : NewSeries
        What the objects of the export share.

    Returns
    -------
    Dataset
        Ready to be written.
    """
    first = slices[0][1]
    header, tilt, history = first.header, source.tilt_degrees, volume.history
    if tilt:
        values = [stored_on_grid(volume, z, image)[0] for z, image in slices]
    else:
        values = [
            stored_for(image, before, volume.hu[z])
            for (z, image), (_, before) in zip(slices, stored_values([image for _, image in slices]), strict=True)
        ]
    ds = whole_dataset(header)
    if str(ds.get("SOPInstanceUID", "")) != header.sop_uid:
        raise WriteError(f"{header.path.name} was changed since the scan was read from it; read the scan again.")
    if series.anonymiser is not None:
        series.anonymiser.take_out_patient(ds, header)
        header = series.anonymiser.header(header)
    syntax = chosen_syntax(series.transfer_syntax, header.transfer_syntax)
    if syntax != ImplicitVRLittleEndian:
        keep_text_bytes(ds)
    free_overlays(ds, header)
    to_little_endian(ds, header.transfer_syntax)
    encoded_bytes = len(ds.PixelData)
    for keyword in _NO_LONGER_TRUE:
        if keyword in ds:
            delattr(ds, keyword)
    if not ds.get("SOPClassUID"):
        ds.SOPClassUID = CTImageStorage
    add_equipment(ds, history, series.now)
    ds.SeriesNumber = ((header.series_number or 0) + _SERIES_NUMBER_STEP) % (2**31 - 1)
    ds.SeriesDescription = series.description or _description(header.series_description, volume)
    if header.is_enhanced:
        if history:
            _derive_frames(ds, _derivation(ds, header, history, volume.earlier))
            ds.SourceImageEvidenceSequence = DicomSequence([source_evidence(ds, header)])
    else:
        ds.update(_derivation(ds, header, history, volume.earlier))
        if history or tilt:
            ds.ImageType = ["DERIVED", "SECONDARY", *header.image_type[2:]]
        if tilt:
            place_on_grid(ds, volume, *slices[0], tilt)
    new_identity(ds, series.uid, series.identity.uid("image", slices[0][0]), series.now)
    if series.anonymiser is not None:
        undate(ds)
    pixels = np.stack(values) if header.frames > 1 else values[0]
    note_lossy_source(ds, header.transfer_syntax, pixels.nbytes, encoded_bytes)
    put_pixels(ds, pixels, first.stored_format, syntax)
    return ds


def _derivation(ds: Dataset, header: SliceHeader, history: Sequence[Step], earlier: Sequence[Step] = ()) -> Dataset:
    """What says how the pixels came about; of pixels that were only copied no code of a derivation is true."""
    told = Dataset()
    told.DerivationDescription = describe((*earlier, *history))
    if history:
        told.DerivationCodeSequence = DicomSequence([coded(PIXEL_BY_PIXEL_ADDITION)])
    if header.sop_uid:
        told.SourceImageSequence = DicomSequence([source_image(ds.SOPClassUID, header.sop_uid)])
    return told


def _description(source: str, volume: CTVolume) -> str:
    added = "protected" if volume.is_protected else "sealed" if volume.is_sealed else "copy"
    kept = source.replace("\\", " ")[: 64 - len(added) - 2]
    return f"{kept}, {added}" if kept else f"CT, {added}"


def _derive_frames(ds: Dataset, derivation: Dataset) -> None:
    """Say DERIVED in the image type of an enhanced object and of its frames, and how they were derived."""
    ds.ImageType = _derived_type(ds)
    groups = [*(ds.get("SharedFunctionalGroupsSequence") or []), *(ds.get("PerFrameFunctionalGroupsSequence") or [])]
    for group in groups:
        for item in group.get("CTImageFrameTypeSequence") or []:
            item.FrameType = _derived_type(item)
        if "DerivationImageSequence" in group:
            del group.DerivationImageSequence
    shared = groups[0] if ds.get("SharedFunctionalGroupsSequence") else None
    for group in [shared] if shared is not None else groups:
        group.DerivationImageSequence = DicomSequence([derivation])


def _derived_type(ds: Dataset) -> list[str]:
    """The four values that an enhanced image type has, those that the source lacks filled in."""
    stated = ds.get("FrameType", ds.get("ImageType")) or []
    values = [stated] if isinstance(stated, str) else [str(v) for v in stated]
    _, pixels, volume, contrast = [*values[:4], *["ORIGINAL", "PRIMARY", "VOLUME", "NONE"][len(values) :]]
    return ["DERIVED", pixels, volume, "ADDITION" if contrast == "NONE" else contrast]
