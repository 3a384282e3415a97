"""The layers of every panel: an image, its marks, and overlays; made once, then given other data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np
from napari.experimental import link_layers

from napari_mits_gan.widgets.layers.colors import Colors
from napari_mits_gan.widgets.layers.contents import Contents
from napari_mits_gan.widgets.layers.identity import in_viewer
from napari_mits_gan.widgets.layers.marks import mark_options, set_points
from napari_mits_gan.widgets.layers.overlays import KINDS, AnyOverlay
from napari_mits_gan.widgets.layers.panel_images import LINKED, show_difference, show_volume
from napari_mits_gan.widgets.layers.panel_names import (
    ATTACK,
    DIFFERENCE,
    HEALED,
    OTHER_ATTACK,
    OTHER_SCAN,
    PANEL_KEY,
    PANELS,
    SCAN,
)
from napari_mits_gan.widgets.layers.volume_layer import SIMULATED_ATTACK, grid_options

IMAGE, MARKS = "image", "marks"


class PanelLayers:
    """Adds, changes and removes layers; which panels are seen, and where, is no concern of it.

    Layers that the user removed come back when they are shown the next time.

    Parameters
    ----------
    viewer : napari viewer
        Where they are.
    colors : Colors
        Of rings and differences, for layers that are made from now on.
    changing : callable
        Whether layers come and go because of us, not because of the user.
    """

    def __init__(self, viewer: Any, colors: Colors, changing: Callable[[], bool]) -> None:
        self._viewer = viewer
        self.colors = colors
        self._changing = changing
        self._overlays: dict[str, AnyOverlay] = {}
        self._layers: dict[tuple[str, str], Any] = {}

    # ---- what there is

    def __iter__(self) -> Iterator[Any]:
        """All of them, those too that the user removed."""
        return iter(self._layers.values())

    @property
    def kinds(self) -> tuple[str, ...]:
        """The layers that every panel has, from below."""
        return (IMAGE, MARKS, *(kind for kind in KINDS if kind in self._overlays))

    def of(self, role: str, kind: str) -> Any:
        """A layer of a panel, or None where there is none."""
        layer = self._layers.get((role, kind))
        return layer if layer is not None and in_viewer(self._viewer, layer) else None

    def image(self, role: str) -> Any:
        """The image layer of a panel, or None where there is none."""
        return self.of(role, IMAGE)

    def above_image(self, role: str) -> list[Any]:
        """Marks and overlays of a panel, from below."""
        return [layer for kind in self.kinds[1:] if (layer := self.of(role, kind)) is not None]

    # ---- what to do

    def take(self, role: str, layer: Any) -> None:
        """Let a layer that is in the viewer already be a panel's image."""
        self._layers[role, IMAGE] = layer

    def clear(self) -> None:
        """Remove all of them."""
        for key in list(self._layers):
            self._remove(key)

    def show_images(self, contents: Contents, wanted: Collection[str]) -> None:
        """Show the images of these panels, and of no others."""
        for role in (SCAN, OTHER_SCAN, ATTACK, OTHER_ATTACK, HEALED):
            volume = contents.volume(role)
            if volume is None or role not in wanted:
                self._remove((role, IMAGE))
                continue
            like = next((layer for other in PANELS if other != DIFFERENCE and (layer := self.image(other))), None)
            name = _title(role, contents)
            self._layers[role, IMAGE] = show_volume(self._viewer, self.image(role), role, volume, name, like)
        if contents.difference is None or DIFFERENCE not in wanted:
            self._remove((DIFFERENCE, IMAGE))
        else:
            self._layers[DIFFERENCE, IMAGE] = show_difference(
                self._viewer, self.image(DIFFERENCE), contents, self.colors
            )
        scans = [layer for role in PANELS if role != DIFFERENCE and (layer := self.image(role)) is not None]
        if len(scans) > 1:
            link_layers(scans, LINKED)

    def show_above(self, contents: Contents, across: int | None) -> None:
        """Show marks and overlays on the images that there are, for slices across an axis."""
        for role in PANELS:
            self._show_marks(role, contents, across)
            self._show_overlays(role, contents, across)

    def has_overlay(self, kind: str) -> bool:
        """Whether there is an overlay of a kind."""
        return kind in self._overlays

    def set_overlay(self, kind: str, overlay: AnyOverlay | None) -> None:
        """Have another overlay of a kind, or none; shown by the next `show_above`."""
        self._overlays.pop(kind, None)
        if overlay is not None:
            self._overlays[kind] = overlay
        for role in PANELS:
            self._remove((role, kind))

    def not_turned(self, contents: Contents, across: int | None) -> list[tuple[str, str]]:
        """The overlays that have to be made anew for slices across another axis; the others are turned."""
        return [key for key in self._layers if not self._turned(key, contents, across)]

    def remove(self, keys: Sequence[tuple[str, str]]) -> None:
        """Remove some, by panel and kind."""
        for key in keys:
            self._remove(key)

    def sort(self, roles: Sequence[str]) -> None:
        """Each panel's layers in turn, below every other layer: the grid counts them off from the lowest on."""
        wanted = [self._layers[role, kind] for role in roles for kind in self.kinds]
        layers = self._viewer.layers
        for index, layer in enumerate(wanted):
            if layers.index(layer) != index:
                layers.move(layers.index(layer), index)

    # ---- inside

    def _turned(self, key: tuple[str, str], contents: Contents, across: int | None) -> bool:
        """Whether a layer is drawn for slices across that axis, or is no overlay."""
        overlay, layer = self._overlays.get(key[1]), self.of(*key)
        return overlay is None or layer is None or overlay.turn(layer, contents.scan, across)

    def _remove(self, key: tuple[str, str]) -> None:
        layer = self._layers.pop(key, None)
        if layer is not None and in_viewer(self._viewer, layer):
            self._viewer.layers.remove(layer)

    def _show_marks(self, role: str, contents: Contents, across: int | None) -> None:
        if self.image(role) is None:
            self._remove((role, MARKS))
            return
        options = mark_options(contents.scan, contents.injections, across, self.colors)
        layer = self.of(role, MARKS)
        if layer is None:
            self._layers[role, MARKS] = self._viewer.add_points(
                **grid_options(contents.scan), **options, name=f"Marks · {role}", metadata={PANEL_KEY: role}
            )
            return
        if len(layer.data) == len(options["data"]) and np.array_equal(layer.data, options["data"]):
            return
        if not layer.visible:
            layer.visible = True  # napari would go on with the points that a hidden layer had before
        set_points(layer, options)

    def _show_overlays(self, role: str, contents: Contents, across: int | None) -> None:
        for kind, overlay in self._overlays.items():
            if self.image(role) is None:
                self._remove((role, kind))
                continue
            layer = self.of(role, kind)
            if layer is None:
                layer = overlay.add_to(self._viewer, role, contents.scan, across, self._changing)
                self._layers[role, kind] = layer
            overlay.hide_attacked(layer, contents.injections)


def _title(role: str, contents: Contents) -> str:
    """What a panel is called."""
    if role == DIFFERENCE:
        return "Difference (HU)" + (f" · {contents.difference_label}" if contents.difference_label else "")
    if role == ATTACK and contents.awaits_attack:
        return f"Attack on {contents.label(role)} · click to attack"
    kinds = {
        SCAN: "Scan",
        OTHER_SCAN: "Scan",
        ATTACK: SIMULATED_ATTACK,
        OTHER_ATTACK: SIMULATED_ATTACK,
        HEALED: f"Healed after {SIMULATED_ATTACK}" if contents.injections else "Healed",
    }
    return f"{kinds[role]} · {contents.label(role)}"
