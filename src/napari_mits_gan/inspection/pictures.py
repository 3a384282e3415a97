"""A picture of each finding: the slice through it, and those across, with a ring around what was noticed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import WriteError
from napari_mits_gan.files.replace import replaced_file
from napari_mits_gan.inspection.contract import Finding
from napari_mits_gan.inspection.result import Inspection
from napari_mits_gan.pages.picture import png, windowed

FIELD_MM = 80.0
_PIXELS = 320
_RING = (255, 63, 180)
_GAP = 6


def write_pictures(inspection: Inspection, folder: Path) -> list[Path]:
    """Write a PNG for each finding.

    Parameters
    ----------
    inspection : Inspection
        What was found.
    folder : Path
        Where to write `finding_01.png` and so on; it is made if need be, and pictures of these names are replaced.

    Returns
    -------
    list of Path
        The files, most striking finding first.

    Raises
    ------
    WriteError
        If they cannot be written.
    """
    paths = []
    for number, finding in enumerate(inspection.findings, start=1):
        path = folder / f"finding_{number:02d}.png"
        try:
            with replaced_file(path) as part:
                part.write_bytes(png(picture(inspection.volume, finding)))
        except OSError as error:
            raise WriteError(f"the picture '{path.name}' cannot be written; choose another folder.") from error
        paths.append(path)
    return paths


def picture(volume: CTVolume, finding: Finding) -> NDArray[np.uint8]:
    """Axial, coronal and sagittal, 80 mm wide, in the lung window, beside each other; shape (y, x, 3)."""
    gap = np.zeros((_PIXELS, _GAP, 3), dtype=np.uint8)
    views = [_view(volume, finding, axis) for axis in range(3)]
    return np.concatenate([views[0], gap, views[1], gap, views[2]], axis=1)


def _view(volume: CTVolume, finding: Finding, across: int) -> NDArray[np.uint8]:
    down, right = (axis for axis in range(3) if axis != across)
    offsets = (np.arange(_PIXELS) + 0.5) * FIELD_MM / _PIXELS - FIELD_MM / 2
    # Slice 0 is nearest to the feet, and pictures have the head at the top.
    rows = offsets[::-1] if down == 0 else offsets
    index: list[NDArray[np.int64]] = [np.array([finding.at[axis]]) for axis in range(3)]
    inside = np.ones((_PIXELS, _PIXELS), dtype=bool)
    for axis, mm in ((down, rows), (right, offsets)):
        at = np.rint(finding.at[axis] + mm / volume.spacing[axis]).astype(np.int64)
        there = (at >= 0) & (at < volume.shape[axis])
        inside &= there[:, None] if axis == down else there[None, :]
        index[axis] = np.clip(at, 0, volume.shape[axis] - 1)
    hu = volume.hu[np.ix_(*index)].squeeze(axis=across)
    image = windowed(hu)
    image[~inside] = 0
    away = np.hypot(offsets[:, None], offsets[None, :])
    image[np.abs(away - finding.radius_mm) < 0.6 * FIELD_MM / _PIXELS * 1.5] = _RING
    return image
