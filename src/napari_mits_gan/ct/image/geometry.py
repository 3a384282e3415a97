"""Where the voxels of an image file lie, and refusing what would have to be guessed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import ReadError

SMALLEST_SPACING_MM, LARGEST_SPACING_MM = 1e-3, 100.0
"""No CT has smaller or larger voxels; such a spacing is a unit other than mm, or none."""
RIGHT_ANGLE = 1e-3
"""Cosine of the angle between two axes, as far as rounding makes it other than 0."""


def check_spacing(spacing_mm: Sequence[float], name: str) -> None:
    """Refuse distances between voxels that are none.

    Raises
    ------
    ReadError
        If one is missing, not positive, no number, or none that a CT can have.
    """
    if len(spacing_mm) != 3 or not all(SMALLEST_SPACING_MM <= s <= LARGEST_SPACING_MM for s in spacing_mm):
        told = " x ".join(f"{s:.4g}" for s in spacing_mm) or "none"
        raise ReadError(
            f"{name} states no usable distance between its voxels ({told} mm); save it with its spacing, in mm."
        )


def check_right_angles(axes: NDArray[np.float64], name: str) -> None:
    """Refuse axes that are sheared, or no axes.

    Parameters
    ----------
    axes : ndarray of float, shape (3, 3)
        Column i points along axis i of the voxels.
    name : str
        The file.

    Raises
    ------
    ReadError
        If the axes are not at right angles.
    """
    lengths = np.linalg.norm(axes, axis=0)
    if not (np.isfinite(axes).all() and (lengths > 0).all()):
        raise ReadError(f"{name} states no usable directions of its axes; save it with its orientation.")
    unit = axes / lengths
    cosine = float(np.abs(unit.T @ unit - np.eye(3)).max())
    if cosine > RIGHT_ANGLE:
        sheared = np.degrees(np.arcsin(min(cosine, 1.0)))
        raise ReadError(
            f"{name} is sheared by {sheared:.1f} degrees; open the DICOM series that it was made of, which is "
            "straightened if its gantry was tilted, or resample the file onto right angles."
        )
