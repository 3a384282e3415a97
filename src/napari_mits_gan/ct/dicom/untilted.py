"""What a derived object of a straightened series (its gantry was tilted) has that its source has not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.valuerep import format_number_as_ds

from napari_mits_gan.ct.dicom.padding import PaddingRange
from napari_mits_gan.ct.dicom.provenance import code
from napari_mits_gan.ct.dicom.rescale import to_stored
from napari_mits_gan.ct.dicom.source import SourceSlice
from napari_mits_gan.ct.dicom.tilt import stored_fill
from napari_mits_gan.ct.volume import CTVolume

_NO_LONGER_TRUE = ("GantryDetectorTilt", "SliceLocation", "SpacingBetweenSlices")


def stored_on_grid(volume: CTVolume, z: int, source: SourceSlice) -> tuple[NDArray[np.integer], PaddingRange | None]:
    """Stored values of one slice of a straightened volume, all of them through its own rescale.

    Parameters
    ----------
    volume : CTVolume
        A volume whose slices were moved onto a grid.
    z : int
        Number of the slice.
    source : SourceSlice
        Where it came from.

    Returns
    -------
    stored : ndarray of int, shape (y, x) of the volume
    padding : PaddingRange or None
        The value of all that was not measured; None if measured voxels have it too, so that it cannot be declared.
    """
    header = source.header
    assert header.rescale is not None  # the reader made sure
    assert header.stored_format is not None
    fill = stored_fill(header.rescale, header.stored_format, source.padding)
    stored = to_stored(volume.hu[z], header.rescale, header.stored_format)
    missing = np.zeros(stored.shape, bool) if volume.padding is None else volume.padding[z]
    measured = stored[~missing]
    for padding in source.padding:
        from_above = np.full(measured.shape, header.stored_format.highest, np.int64)
        measured = padding.keep_out(measured, from_above, header.stored_format)
    stored[~missing], stored[missing] = measured, fill
    return stored, None if (measured == fill).any() else PaddingRange(fill, fill)


def place_on_grid(ds: Dataset, volume: CTVolume, z: int, source: SourceSlice) -> None:
    """Give `ds`, the source's dataset with a derivation, the geometry of slice `z`, and say how that came about."""
    assert volume.dicom is not None
    assert source.header.stored_format is not None
    for keyword in _NO_LONGER_TRUE:
        if keyword in ds:
            delattr(ds, keyword)
    for tag in [tag for tag in ds.keys() if 0x6000 <= tag.group <= 0x60FF]:  # noqa: SIM118 (overlays of the old size)
        del ds[tag]
    ds.Rows, ds.Columns = volume.shape[1:]
    ds.ImagePositionPatient = _decimals(volume.world_from_voxel((z, 0, 0)))
    ds.ImageOrientationPatient = _decimals([*volume.direction[:, 2], *volume.direction[:, 1]])
    _, padding = stored_on_grid(volume, z, source)
    if padding is not None and "PixelPaddingValue" not in ds:
        ds.add_new("PixelPaddingValue", "SS" if source.header.stored_format.signed else "US", padding.lowest)
    step, rows_mm, columns_mm = volume.spacing
    text = (
        f"Gantry tilt of {volume.dicom.tilt_degrees:.1f} degrees removed: each slice moved within its plane (linear "
        f"interpolation) onto a right-angled grid of {volume.shape[2]} x {volume.shape[1]} pixels, spacing "
        f"{columns_mm:.6g} x {rows_mm:.6g} x {step:.6g} mm."
    )
    if volume.history:
        text = f"{text} {ds.DerivationDescription}"
    ds.DerivationDescription = text[:1024]
    resampled = code("113085", "Spatial resampling")
    ds.DerivationCodeSequence = DicomSequence([resampled, *(ds.DerivationCodeSequence if volume.history else [])])


def _decimals(values: list[float] | tuple[float, ...]) -> list[str]:
    return [format_number_as_ds(float(v)) for v in values]
