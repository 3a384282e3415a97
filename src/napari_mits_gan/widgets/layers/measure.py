"""A line that measures a distance in mm, in every panel alike, in the slices that hold both of its ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.layers.panel_names import PANEL_KEY
from napari_mits_gan.widgets.layers.volume_layer import grid_options

COLOR = "#ffd23f"
_LINE_MM = 1.0
_TEXT_POINTS = 10


@dataclass(frozen=True)
class Measured:
    """A line between two places.

    Parameters
    ----------
    start, end : tuple of float
        Voxels (z, y, x), not necessarily whole ones.
    """

    start: tuple[float, float, float]
    end: tuple[float, float, float]

    def length_mm(self, spacing: Sequence[float]) -> float:
        """How long it is, in the patient."""
        return float(np.linalg.norm((np.asarray(self.end) - self.start) * spacing))

    def lies_in_a_slice(self, across: int | None) -> bool:
        """Whether one slice across that axis of the array holds both ends."""
        return across is not None and round(self.start[across]) == round(self.end[across])


class MeasureOverlay:
    """The line as an overlay of panels; see `AnyOverlay`.

    Parameters
    ----------
    line : Measured or None
        What is drawn; None for nothing yet.
    """

    def __init__(self, line: Measured | None = None) -> None:
        self.line = line

    def add_to(self, viewer: Any, role: str, scan: CTVolume, across: int | None, changing: Callable[[], bool]) -> Any:
        """The line as a new layer of one panel."""
        layer = viewer.add_shapes(
            None,
            ndim=3,
            **grid_options(scan),
            opacity=1.0,
            name=f"Distance · {role}",
            metadata={PANEL_KEY: role},
        )
        self._draw(layer, scan, across)
        return layer

    def hide_attacked(self, layer: Any, injections: Sequence[Injection]) -> None:
        """A line where there was an attack measures it."""

    def turn(self, layer: Any, scan: CTVolume, across: int | None) -> bool:
        """It is seen in planes that hold both ends."""
        self._draw(layer, scan, across)
        return True

    def move(self, layers: Iterable[Any], scan: CTVolume, line: Measured | None, across: int | None) -> None:
        """Draw another line in the layers that were made of this overlay."""
        self.line = line
        for layer in layers:
            self._draw(layer, scan, across)

    def _draw(self, layer: Any, scan: CTVolume, across: int | None) -> None:
        line = self.line
        layer.data = []
        if line is None or across is None or line.start == line.end or not line.lies_in_a_slice(across):
            return
        layer.add_lines(
            [_ends(line, across)], edge_color=COLOR, edge_width=_LINE_MM / min(scan.spacing), face_color="transparent"
        )
        layer.text = {
            "string": {"constant": f"{line.length_mm(scan.spacing):.1f} mm"},
            "size": _TEXT_POINTS,
            "color": COLOR,
            "anchor": "upper_left",
        }


def _ends(line: Measured, across: int) -> NDArray[np.float64]:
    """Both ends in the slice on which napari shows them: a whole one."""
    ends = np.array([line.start, line.end], dtype=float)
    ends[:, across] = np.round(ends[:, across])
    return ends
