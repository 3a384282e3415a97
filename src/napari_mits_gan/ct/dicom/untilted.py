"""What a derived object of a straightened series (its gantry was tilted) has that its source has not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.valuerep import format_number_as_ds

from napari_mits_gan.ct.dicom.codes import PIXEL_BY_PIXEL_ADDITION, SPATIAL_RESAMPLING, coded
from napari_mits_gan.ct.dicom.ct_slice import CTSlice
from napari_mits_gan.ct.dicom.rescale import to_hu
from napari_mits_gan.ct.tilt import FILL_HU, whole_hu
from napari_mits_gan.ct.volume import CTVolume

_NO_LONGER_TRUE = ("GantryDetectorTilt", "SliceLocation", "SpacingBetweenSlices")


def stored_fill(image: CTSlice) -> int:
    """The stored value of what a slice does not cover: its own padding, or the nearest that there is to -2048 HU."""
    if image.padding:
        return image.padding[0].filler
    return int(image.storage.stored(np.array([FILL_HU], np.int16))[0])


def fill_hu(image: CTSlice) -> int:
    """The HU of `stored_fill`."""
    return int(to_hu(np.array([stored_fill(image)]), image.rescale)[0][0])


def storable_hu(values: NDArray[np.floating], image: CTSlice) -> NDArray[np.int16]:
    """Mixed values as the export will have to store them, so that it is no other scan than the one shown."""
    hu, _ = to_hu(image.storage.stored(whole_hu(values)), image.rescale)
    return hu


def stored_on_grid(volume: CTVolume, z: int, image: CTSlice) -> tuple[NDArray[np.integer], int | None]:
    """Stored values of one slice of a straightened volume, all of them through its own rescale.

    Parameters
    ----------
    volume : CTVolume
        A volume whose slices were moved onto a grid.
    z : int
        Number of the slice.
    image : CTSlice
        Where it came from.

    Returns
    -------
    stored : ndarray of int, shape (y, x) of the volume
    padding : int or None
        The value of all that was not measured; None if measured voxels have it too, so that it cannot be declared.
    """
    fill = stored_fill(image)
    stored = image.storage.stored(volume.hu[z])
    missing = np.zeros(stored.shape, bool) if volume.padding is None else volume.padding[z]
    stored[missing] = fill
    return stored, None if (stored[~missing] == fill).any() else fill


def place_on_grid(ds: Dataset, volume: CTVolume, z: int, image: CTSlice, tilt_degrees: float) -> None:
    """Give `ds`, the source's dataset with a derivation, the geometry of slice `z`, and say how that came about."""
    for keyword in _NO_LONGER_TRUE:
        if keyword in ds:
            delattr(ds, keyword)
    for tag in [tag for tag in ds.keys() if 0x6000 <= tag.group <= 0x60FF]:  # noqa: SIM118 (overlays of the old size)
        del ds[tag]
    ds.Rows, ds.Columns = volume.shape[1:]
    ds.ImagePositionPatient = _decimals(volume.world_from_voxel((z, 0, 0)))
    ds.ImageOrientationPatient = _decimals([*volume.direction[:, 2], *volume.direction[:, 1]])
    _, padding = stored_on_grid(volume, z, image)
    if padding is not None and "PixelPaddingValue" not in ds:
        ds.add_new("PixelPaddingValue", "SS" if image.stored_format.signed else "US", padding)
    step, rows_mm, columns_mm = volume.spacing
    text = (
        f"Gantry tilt of {tilt_degrees:.1f} degrees removed: each slice moved within its plane (linear "
        f"interpolation) onto a right-angled grid of {volume.shape[2]} x {volume.shape[1]} pixels, spacing "
        f"{columns_mm:.6g} x {rows_mm:.6g} x {step:.6g} mm."
    )
    if volume.history:
        text = f"{text} {ds.DerivationDescription}"
    ds.DerivationDescription = text[:1024]
    done_after = [PIXEL_BY_PIXEL_ADDITION] if volume.history else []
    ds.DerivationCodeSequence = DicomSequence([coded(code) for code in (SPATIAL_RESAMPLING, *done_after)])


def _decimals(values: list[float] | tuple[float, ...]) -> list[str]:
    return [format_number_as_ds(float(v)) for v in values]
