"""Straightening image files whose slices are shifted against each other, as those of a tilted gantry are."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.image.geometry import RIGHT_ANGLE, check_right_angles
from napari_mits_gan.ct.tilt import LEAST_TILT, MOST_TILT, Untilting, following
from napari_mits_gan.errors import ReadError

_AXES = [2, 1, 0]
"""Affines have their columns in the order (x, y, z), arrays their axes in the order (z, y, x)."""


def is_sheared(axes: NDArray[np.float64]) -> bool:
    """Whether slices are shifted in their plane against each other, and their own axes are at right angles.

    Parameters
    ----------
    axes : ndarray of float, shape (3, 3)
        Column i points along axis i of (x, y, z) of the voxels.
    """
    unit = axes / np.linalg.norm(axes, axis=0)
    x_y, x_z, y_z = (abs(float(unit[:, i] @ unit[:, j])) for i, j in ((0, 1), (0, 2), (1, 2)))
    return x_y <= RIGHT_ANGLE < max(x_z, y_z)


def slice_distance(axes: NDArray[np.float64]) -> float:
    """Distance of neighbouring slices in mm, along their normal."""
    normal = np.cross(axes[:, 0], axes[:, 1])
    return abs(float(axes[:, 2] @ normal)) / float(np.linalg.norm(normal))


def straightened(
    hu: NDArray[np.int16], affine: NDArray[np.float64], name: str
) -> tuple[NDArray[np.int16], NDArray[np.float64], NDArray[np.bool_] | None, tuple[str, ...]]:
    """A volume on axes at right angles.

    Parameters
    ----------
    hu : ndarray of int16, shape (z, y, x)
        HU as the file has them.
    affine : ndarray of float, shape (4, 4)
        From voxels (x, y, z) to world coordinates in mm; may shift slices against each other.
    name : str
        What to call the file in an error.

    Returns
    -------
    hu, affine
        Those that were given, where they are at right angles already, or so nearly that no gantry tilts as little;
        else on the grid of `Untilting`.
    padding : ndarray of bool, shape of `hu`, or None
        What no slice covers.
    notes : tuple of str
        What was done, for the user.

    Raises
    ------
    ReadError
        If the slices themselves are sheared, or shifted by more than a gantry tilts.
    """
    axes = affine[:3, :3]
    if not is_sheared(axes):
        check_right_angles(axes, name)
        return hu, affine, None, ()
    lengths = np.linalg.norm(axes, axis=0)
    unit = axes / lengths
    normal = np.cross(unit[:, 0], unit[:, 1])
    normal *= np.sign(axes[:, 2] @ normal) / np.linalg.norm(normal)
    step = slice_distance(axes)
    shift_mm = (float(axes[:, 2] @ unit[:, 1]), float(axes[:, 2] @ unit[:, 0]))
    tilt = math.degrees(math.atan2(math.hypot(*shift_mm), step))
    if tilt > MOST_TILT:
        raise ReadError(
            f"{name} is sheared by {tilt:.1f} degrees, which is more than a gantry tilts; resample it onto right "
            "angles, or open the DICOM series."
        )
    straight = affine.copy()
    if tilt < LEAST_TILT:
        straight[:3, :3] = following(axes[:, 2], unit[:, _AXES])[:, _AXES] * lengths
        drift = math.hypot(*shift_mm) * (len(hu) - 1)
        return hu, straight, None, (
            f"The slices are shifted against each other by {drift:.2g} mm in all, less than a gantry tilts; they were "
            "kept as they are stored.",
        )  # fmt: skip
    straight[:3, 2] = normal * step
    slices, rows, columns = hu.shape
    untilting = Untilting(slices, rows, columns, (shift_mm[0] / float(lengths[1]), shift_mm[1] / float(lengths[0])))
    y, x = untilting.first
    straight[:3, 3] -= y * straight[:3, 1] + x * straight[:3, 0]
    moved = np.empty(untilting.shape, np.int16)
    padding = np.empty(untilting.shape, np.bool_)
    for z, values in enumerate(hu):
        moved[z], padding[z] = untilting.moved(z, values)
    return moved, straight, padding, (
        f"The gantry was tilted by {tilt:.1f} degrees; the slices were moved onto a grid.",
    )  # fmt: skip
