"""How a series is laid out as a volume: its slices in order, their grid, and what straightens them; no pixel yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_mits_gan.ct.dicom.ct_slice import CTSlice
from napari_mits_gan.ct.dicom.geometry import Grid
from napari_mits_gan.ct.dicom.header import SliceHeader
from napari_mits_gan.ct.dicom.series import Found, may_be_slices
from napari_mits_gan.ct.dicom.source import named
from napari_mits_gan.ct.dicom.stack import grid_of_volume, slices_of_volume
from napari_mits_gan.ct.tilt import Untilting
from napari_mits_gan.errors import ReadError


@dataclass(frozen=True)
class Layout:
    """A volume before its pixels are decoded.

    Parameters
    ----------
    slices : tuple of CTSlice
        By ascending z.
    left_out : tuple of SliceHeader
        The series' images that are no slices of it.
    grid : Grid
        Where the slices lie.
    untilting : Untilting or None
        What moves the slices of a tilted gantry onto the grid.
    """

    slices: tuple[CTSlice, ...]
    left_out: tuple[SliceHeader, ...]
    grid: Grid
    untilting: Untilting | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels (z, y, x) of the volume."""
        first = self.slices[0].header
        return (len(self.slices), first.rows, first.columns) if self.untilting is None else self.untilting.shape

    @property
    def tilt_degrees(self) -> float:
        """By how much the gantry was tilted."""
        return 0.0 if self.untilting is None else self.grid.tilt_degrees


def layout_of(found: Found, headers: Sequence[SliceHeader], chosen: Path | None) -> Layout:
    """The layout of one series.

    Parameters
    ----------
    found : Found
        All that the search found, files that may be slices of the series among it.
    headers : sequence of SliceHeader
        The images of the series.
    chosen : Path or None
        The file that the user chose, which decides between versions of one image.

    Raises
    ------
    ReadError
        If the images form no volume that can be read without guessing.
    """
    damaged = found.damaged | may_be_slices(found, headers)
    slices, left_out = slices_of_volume(headers, chosen)
    if damaged:
        name, cause = next(iter(damaged.items()))
        raise ReadError(
            f"{len(damaged)} file(s) beside the series cannot be read ({name}: {cause}), so slices may be missing; "
            "copy them again or move them away."
        )
    if missing := found.missing.get(headers[0].series_uid):
        raise ReadError(
            f"{len(missing)} image(s) of the series that the DICOMDIR lists are not there ({named(missing)}); copy the "
            "whole disc."
        )
    grid = grid_of_volume(slices)
    ordered = tuple(slices[i] for i in grid.order)
    return Layout(ordered, tuple(left_out), grid, _untilting(grid, ordered))


def _untilting(grid: Grid, ordered: Sequence[CTSlice]) -> Untilting | None:
    """What moves the slices onto the grid; None where they lie on it."""
    if grid.shift_mm == (0.0, 0.0):
        return None
    first = ordered[0].header
    if any(image.header.is_enhanced or image.header.frames > 1 for image in ordered):
        raise ReadError(
            f"The gantry was tilted by {grid.tilt_degrees:.1f} degrees, and {first.path.name} is a multi-frame "
            "file; only series with one slice in each file are straightened, so resample this one first."
        )
    shift = (grid.shift_mm[0] / grid.spacing[1], grid.shift_mm[1] / grid.spacing[2])
    return Untilting(len(ordered), first.rows, first.columns, shift)
