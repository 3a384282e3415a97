"""A protected scan holds only HU that its source can store: the export is the scan that was shown and evaluated."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.protection.protect import protect

SHAPE = (4, 64, 64)


def _chest_at_the_limits(slope: float) -> np.ndarray:
    """Stored values of a body with air at the lowest and metal at the highest value that 12 bits can hold."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64]
    body = (y - 32) ** 2 + (x - 32) ** 2 < 26**2
    air = (y - 32) ** 2 + (x - 24) ** 2 < 6**2
    metal = (y - 32) ** 2 + (x - 44) ** 2 < 4**2
    hu = np.where(body, 40, -1000) + rng.integers(-20, 21, SHAPE)
    stored = np.rint((hu + 1024) / slope)
    stored[:, air] = rng.integers(1, 4, (4, int(air.sum())))
    stored[:, metal] = 4095
    stored[:, :6] = 0  # outside the field of view
    return np.clip(stored, 0, 4095).astype(np.uint16)


@pytest.mark.parametrize("method", ["constant-shift", "slice-shift", "gaussian-noise"])
@pytest.mark.parametrize("slope", [1, 0.5, 2, 3])
@pytest.mark.parametrize("declared", [False, True])
def test_what_is_protected_is_what_is_exported(dicom_series, tmp_path, method, slope, declared) -> None:
    def edit(ds, z) -> None:
        if declared:
            ds.add_new("PixelPaddingValue", "US", 0)

    stored = _chest_at_the_limits(slope)
    series = dicom_series(stored=stored, spacing=(10.0, 4.0, 4.0), slope=slope, bits_stored=12, signed=False, edit=edit)
    volume = read_ct(series.folder)
    protected = protect(volume, method, max_change_hu=20, device="cpu", without_lungs=True)
    change = protected.hu.astype(int) - volume.hu
    assert (change != 0)[body_mask(volume)].mean() > 0.5
    assert np.abs(change).max() <= 20
    write_dicom(protected, tmp_path / "out")
    back = read_ct(tmp_path / "out")
    np.testing.assert_array_equal(back.hu, protected.hu)
    assert (back.padding is not None) == declared
    if declared:
        np.testing.assert_array_equal(back.padding, volume.padding)
