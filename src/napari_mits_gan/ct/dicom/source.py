"""Where the slices of a volume came from: all that a derived DICOM series needs, without a second copy in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_mits_gan.ct.dicom.header import SliceHeader
from napari_mits_gan.ct.dicom.padding import PaddingRange


@dataclass(frozen=True)
class SourceSlice:
    """The source of one slice of a volume.

    Parameters
    ----------
    header : SliceHeader
        Its file (and frame), as it was when the volume was read.
    padding : tuple of PaddingRange
        Stored values that mean padding in this slice.
    """

    header: SliceHeader = field(repr=False)
    padding: tuple[PaddingRange, ...] = ()


@dataclass(frozen=True)
class DicomSource:
    """The DICOM series behind a volume.

    Parameters
    ----------
    slices : tuple of SourceSlice
        Item z is the source of slice z of the volume.
    left_out : tuple of str
        Names of the series' files that are no part of the volume (localizers, screen captures, reference images of
        another plane).
    tilt_degrees : float
        By how much the gantry was tilted; other than 0, the volume lies on a grid that the slices were moved to, and is
        larger than they are.
    """

    slices: tuple[SourceSlice, ...] = field(repr=False)
    left_out: tuple[str, ...] = ()
    tilt_degrees: float = 0.0

    @property
    def series_uid(self) -> str:
        """SeriesInstanceUID of the source."""
        return self.slices[0].header.series_uid
