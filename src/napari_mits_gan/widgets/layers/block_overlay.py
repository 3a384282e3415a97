"""Outlines around the blocks that are not what was sealed, in every panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.layers.panel_names import DIFFERENCE, HEALED, PANEL_KEY
from napari_mits_gan.widgets.layers.volume_layer import grid_options

NAME = "Changed blocks"
COLOR = "#ff3fb4"
"""Far from the colours of attacks, suggestions and differences."""
LINE_VOXELS = 1


@dataclass(frozen=True, eq=False)
class BlockOverlay:
    """What a check marks.

    Parameters
    ----------
    changed : ndarray of bool, shape (z, y, x)
        Voxels of the scan in blocks that are not what was sealed.
    healed : tuple of (CTVolume, ndarray of bool) or None
        The healed scan and its voxels that come from the copy, where it has another shape than what was checked.
    """

    changed: NDArray[np.bool_]
    healed: tuple[CTVolume, NDArray[np.bool_]] | None = None

    def add_to(self, viewer: Any, role: str, scan: CTVolume, across: int | None, changing: Callable[[], bool]) -> Any:
        """The overlay as a new layer of one panel."""
        of_healed = self.healed is not None and role in (HEALED, DIFFERENCE)
        volume, voxels = self.healed if self.healed is not None and of_healed else (scan, self.changed)
        layer = viewer.add_labels(
            voxels.view(np.uint8),
            **grid_options(volume),
            name=f"{NAME} · {role}",
            metadata={PANEL_KEY: role},
            colormap=DirectLabelColormap(color_dict={None: "transparent", 0: "transparent", 1: COLOR}),
            opacity=0.9,
        )
        layer.contour = LINE_VOXELS
        layer.editable = False
        return layer

    def hide_attacked(self, layer: Any, injections: Sequence[Injection]) -> None:
        """Outlines hide nothing."""

    def turn(self, layer: Any, scan: CTVolume, across: int | None) -> bool:
        """Blocks are drawn alike in every plane."""
        return True
