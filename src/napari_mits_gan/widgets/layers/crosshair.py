"""The crosshair: dotted lines through one voxel in every panel, with a gap that leaves what lies there to be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.layers.dotted_lines import dot_options, dots
from napari_mits_gan.widgets.layers.panel_names import PANEL_KEY
from napari_mits_gan.widgets.layers.volume_layer import grid_options

GAP_MM = 10.0
"""From the middle to the first dot; a nodule of usual size lies inside."""
COLOR = "#7fe0d0"


class CrosshairOverlay:
    """The crosshair as an overlay of panels; see `AnyOverlay`.

    Parameters
    ----------
    at : sequence of float
        The voxel (z, y, x) that it goes through, not necessarily a whole one.
    """

    def __init__(self, at: Sequence[float]) -> None:
        self.at = tuple(at)

    def add_to(self, viewer: Any, role: str, scan: CTVolume, across: int | None, changing: Callable[[], bool]) -> Any:
        """The crosshair as a new layer of one panel."""
        return viewer.add_points(
            crosshair_dots(scan, self.at, across),
            **grid_options(scan),
            **dot_options(COLOR),
            name=f"Crosshair · {role}",
            metadata={PANEL_KEY: role},
        )

    def hide_attacked(self, layer: Any, injections: Sequence[Injection]) -> None:
        """The gap in the middle hides nothing."""

    def turn(self, layer: Any, scan: CTVolume, across: int | None) -> bool:
        """The lines run along the other two axes."""
        layer.data = crosshair_dots(scan, self.at, across)
        return True

    def move(self, layers: Iterable[Any], scan: CTVolume, at: Sequence[float], across: int | None) -> None:
        """Let it go through another voxel in the layers that were made of it."""
        if tuple(at) == self.at:
            return
        self.at = tuple(at)
        points = crosshair_dots(scan, self.at, across)
        for layer in layers:
            layer.data = points


def crosshair_dots(volume: CTVolume, at: Sequence[float], across: int | None) -> NDArray[np.float64]:
    """The dots of a crosshair in slices across an array axis; None draws it along all three, for the 3-D view."""
    return np.concatenate([dots(volume, axis, at, GAP_MM) for axis in range(3) if axis != across])
