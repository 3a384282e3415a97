"""Markers of sites that lie over every panel alike: suggested sites, the vulnerability map, findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Injection, Voxel
from napari_mits_gan.widgets.layers.panel_names import PANEL_KEY
from napari_mits_gan.widgets.layers.volume_layer import grid_options

BLOCKS, SUGGESTIONS, VULNERABILITY, SEALED_SITES, INSPECTION, CROSSHAIR, DISTANCE = KINDS = (
    *("blocks", "suggestions", "vulnerability", "sealed sites"),
    *("inspection", "crosshair", "distance"),
)
"""Kinds of overlays, as they lie above one another, from below."""


class AnyOverlay(Protocol):
    """What lies over every panel alike."""

    def add_to(self, viewer: Any, role: str, scan: CTVolume, across: int | None, changing: Callable[[], bool]) -> Any:
        """The overlay as a new layer of one panel.

        `across` is the array axis that the slices lie across, None in the 3-D view; `changing` says whether a selection
        is not the user's.
        """

    def hide_attacked(self, layer: Any, injections: Sequence[Injection]) -> None:
        """Let nothing hide what an attack did."""

    def turn(self, layer: Any, scan: CTVolume, across: int | None) -> bool:
        """Let a layer show itself in slices across another axis; False where it has to be made anew."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """What to mark in every panel.

    Parameters
    ----------
    name : str
        What its layers are called; the panel is added.
    sites : sequence of tuple of int
        Voxels (z, y, x).
    options : callable
        Called with the scan and the array axis that the slices lie across, returns the keyword arguments of
        `viewer.add_points`. Their features have a column that
        says which site a point belongs to.
    owner : str
        Name of that column.
    picked : callable
        Called with the number of the site whose marker the user selected in its layer.
    metadata : dict
        What else the layers carry in their metadata.
    """

    name: str
    sites: Sequence[Voxel]
    options: Callable[[CTVolume, int | None], dict[str, Any]]
    owner: str
    picked: Callable[[int], None]
    metadata: dict[str, Any] = field(default_factory=dict)

    def add_to(self, viewer: Any, role: str, scan: CTVolume, across: int | None, changing: Callable[[], bool]) -> Any:
        """The overlay as a new layer of one panel; see `AnyOverlay`."""
        layer = viewer.add_points(
            **grid_options(scan),
            **self.options(scan, across),
            name=f"{self.name} · {role}",
            metadata={PANEL_KEY: role, **self.metadata},
        )
        layer.selected_data.events.items_changed.connect(partial(self._on_selected, layer, changing))
        return layer

    def hide_attacked(self, layer: Any, injections: Sequence[Injection]) -> None:
        """Where there was an attack there is a ring, and a marker would hide what it did."""
        attacked = {injection.at for injection in injections}
        free = [number for number, at in enumerate(self.sites) if at not in attacked]
        shown = np.isin(layer.features[self.owner], free)
        if not np.array_equal(layer.shown, shown):
            layer.shown = shown

    def turn(self, layer: Any, scan: CTVolume, across: int | None) -> bool:
        """Markers are drawn for the slices of one plane."""
        return False

    def _on_selected(self, layer: Any, changing: Callable[[], bool], *_: object) -> None:
        selected = sorted(layer.selected_data)
        if selected and not changing():
            self.picked(int(layer.features[self.owner].iloc[selected[0]]))
