"""Dotted lines along the axes of a scan: points of a napari layer, of one size on the screen whatever the zoom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume

STEP_MM = 5.0
DOT_PIXELS = 2.0


def dots(
    volume: CTVolume, axis: int, through: Sequence[float], gap_mm: float = 0.0, step_mm: float = STEP_MM
) -> NDArray[np.float64]:
    """Points along one axis, from end to end.

    Parameters
    ----------
    volume : CTVolume
        The scan.
    axis : int
        The array axis that the line runs along.
    through : sequence of float
        A voxel (z, y, x) on the line.
    gap_mm : float
        Nothing is drawn nearer to that voxel than this.
    step_mm : float
        From dot to dot.

    Returns
    -------
    ndarray of float, shape (n, 3)
        Voxels; n depends on the scan, the axis and the gap only, so that a line that moves keeps its points.
    """
    step, last = step_mm / volume.spacing[axis], volume.shape[axis] - 1
    number = int(np.ceil(last / step)) + 1
    away = gap_mm / volume.spacing[axis] + step * np.arange(number)
    along = np.concatenate([through[axis] - away[::-1], through[axis] + away])
    # What was a voxel of another scan may lie outside this one.
    inside = np.clip(np.asarray(through, dtype=float), 0, np.array(volume.shape) - 1)
    points = np.tile(inside, (len(along), 1))
    points[:, axis] = np.clip(along, 0, last)
    return points


def dot_options(color: str) -> dict[str, Any]:
    """Keyword arguments of `viewer.add_points` for dotted lines."""
    return {
        "size": 1.0,
        "symbol": "disc",
        "face_color": color,
        "border_color": color,
        "border_width": 0.0,
        "canvas_size_limits": (DOT_PIXELS, DOT_PIXELS),
        "opacity": 0.9,
    }
