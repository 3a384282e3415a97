"""The DICOM series behind a volume: all that a derived series needs, without a second copy in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from napari_mits_gan.ct.dicom.ct_slice import CTSlice
from napari_mits_gan.ct.source import Source
from napari_mits_gan.ct.step import Step
from napari_mits_gan.ct.storable import StorableHU
from napari_mits_gan.files.archive import Unpacked


@dataclass(frozen=True)
class DicomSource(Source):
    """The DICOM series behind a volume.

    Parameters
    ----------
    slices : tuple of CTSlice
        Item z is the source of slice z of the volume.
    left_out : tuple of str
        Names of the series' files that are no part of the volume (localizers, screen captures, reference images of
        another plane).
    tilt_degrees : float
        By how much the gantry was tilted; other than 0, the volume lies on a grid that the slices were moved to, and is
        larger than they are.
    drift_mm : float
        How far the first and the last slice are shifted against each other in their plane by less than a gantry tilts;
        the slices stay as they were stored, and the volume's z axis follows them.
    left_out_files : tuple of Path
        Where the images that were left out lie.
    part : str
        Which volume of its series it is, where that mixes several.
    unpacked : Unpacked or None
        The folder that the files lie in, where they came out of an archive; it stays as long as the source does.
    earlier : tuple of Step
        What this software says it did to the series before it was read.
    """

    slices: tuple[CTSlice, ...] = field(repr=False)
    left_out: tuple[str, ...] = ()
    tilt_degrees: float = 0.0
    drift_mm: float = 0.0
    left_out_files: tuple[Path, ...] = field(default=(), repr=False)
    part: str = ""
    unpacked: Unpacked | None = field(default=None, repr=False)
    earlier: tuple[Step, ...] = ()

    @property
    def series_uid(self) -> str:
        """SeriesInstanceUID of the source."""
        return self.slices[0].header.series_uid

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of a volume that was read from it."""
        told = []
        if self.part:
            told.append(f"The series mixes several volumes, and this is one of them: {self.part}.")
        if self.left_out:
            told.append(
                f"{len(self.left_out)} image(s) of the series are no slices of the volume and were left out: "
                f"{named(self.left_out)}."
            )
        if self.tilt_degrees:
            told.append(f"The gantry was tilted by {self.tilt_degrees:.1f} degrees; the slices were moved onto a grid.")
        if self.drift_mm:
            told.append(
                f"The slices are shifted against each other by {self.drift_mm:.2g} mm in all, less than a gantry "
                "tilts; they were kept as they are stored."
            )
        return tuple(told)

    def storable(self, z: int) -> StorableHU:
        """The HU that slice `z` can store."""
        return self.slices[z].storage.hu


def named(names: tuple[str, ...] | list[str], most: int = 3) -> str:
    """The first names of many, for a sentence."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
