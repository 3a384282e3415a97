"""Rings around the places that were attacked, as points of a napari layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Injection

RADIUS_MM = 14.0
"""Radius of the ball whose outline the rings draw; the in-painted core, 20 mm wide, lies inside."""
LINE_MM = 0.7
COLORS = {"inject": "#ffd23f", "remove": "#3fd2ff"}


def mark_options(volume: CTVolume, injections: Sequence[Injection]) -> dict[str, Any]:
    """Keyword arguments of `viewer.add_points` that draw, in each slice, the outline of a ball around each place.

    Parameters
    ----------
    volume : CTVolume
        The scan that was attacked; the points are in its voxels.
    injections : sequence of Injection
        Which places to mark.
    """
    dz, _, dx = volume.spacing
    reach = int(RADIUS_MM / dz)
    data, sizes, colors = [], [], []
    for injection in injections:
        z, y, x = injection.at
        for step in range(-reach, reach + 1):
            if 0 <= z + step < volume.shape[0]:
                data.append((z + step, y, x))
                # napari scales a point's size by the last axis only
                sizes.append(2 * np.sqrt(RADIUS_MM**2 - (step * dz) ** 2) / dx)
                colors.append(COLORS[injection.action])
    return {
        "data": np.array(data, dtype=float).reshape(-1, 3),
        "size": np.array(sizes, dtype=float) if sizes else 1.0,
        "symbol": "disc",
        "face_color": "transparent",
        "border_color": colors or COLORS["inject"],
        "border_width": LINE_MM / dx,
        "border_width_is_relative": False,
    }
