"""The panels: scan, attacked scan, healed scan and difference side by side, with marks on what was attacked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from napari.experimental import link_layers

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.layers.contents import Contents
from napari_mits_gan.widgets.layers.identity import in_viewer, same_layer
from napari_mits_gan.widgets.layers.marks import mark_options
from napari_mits_gan.widgets.layers.overlays import KINDS, AnyOverlay
from napari_mits_gan.widgets.layers.panel_images import CONTRAST_RANGE_HU, show_difference, show_volume
from napari_mits_gan.widgets.layers.panel_names import ATTACK, DIFFERENCE, HEALED, PANEL_KEY, PANELS, SCAN
from napari_mits_gan.widgets.layers.view import View
from napari_mits_gan.widgets.layers.volume_layer import SIMULATED_ATTACK, grid_options

IMAGE, MARKS = "image", "marks"
_LINKED = ("contrast_limits", "colormap", "gamma")


class Panels:
    """Keeps up to four panels in a viewer: images, their marks and, if any, overlays; touches no other layer.

    Layers that the user removed come back with the next `show`.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self.view = View(viewer)
        self._contents: Contents | None = None
        self._overlays: dict[str, AnyOverlay] = {}
        self._layers: dict[tuple[str, str], Any] = {}
        self._side_by_side = True
        self._marks_on = True
        self._changing = False

    # ---- what there is

    @property
    def changing(self) -> bool:
        """Whether layers come and go because of this object, not because of the user."""
        return self._changing

    def image(self, role: str) -> Any:
        """The image layer of a panel, or None where there is none."""
        return self._alive((role, IMAGE))

    def overlay(self, kind: str, role: str) -> Any:
        """The layer of an overlay in a panel, or None where there is none."""
        return self._alive((role, kind))

    @property
    def side_by_side(self) -> bool:
        """Whether the panels stand beside each other."""
        return self._side_by_side

    @property
    def marks_on(self) -> bool:
        """Whether the marks are shown."""
        return self._marks_on

    @property
    def is_complete(self) -> bool:
        """Whether every layer that was shown is still in the viewer."""
        return all(in_viewer(self._viewer, layer) for layer in self._layers.values())

    def owns(self, layer: Any) -> bool:
        """Whether a layer belongs to these panels."""
        return any(same_layer(layer, own) for own in self._layers.values())

    # ---- what to do

    def start(self, layer: Any = None) -> None:
        """Begin with another scan; a layer that shows it already becomes its panel, rather than showing it twice."""
        self.clear()
        if layer is not None and in_viewer(self._viewer, layer):
            layer.contrast_limits_range = CONTRAST_RANGE_HU
            self._layers[SCAN, IMAGE] = layer

    def clear(self) -> None:
        """Remove all layers of the panels."""
        with self._own_changes():
            self._contents = None
            for key in list(self._layers):
                self._remove(key)
            self.view.no_grid()

    def show(self, contents: Contents) -> None:
        """Show other contents; layers that exist are kept and get other data, so that nothing flickers."""
        before = self._shown_roles()
        self._contents = contents
        with self._own_changes():
            self._show_images(contents)
            self._show_what_lies_above(contents)
        self._arrange(refit=before != self._shown_roles(), keep_close_up=bool(before))

    def set_overlay(self, kind: str, overlay: AnyOverlay | None) -> None:
        """Mark other sites in every panel; None takes the overlay of that kind away."""
        if overlay is None and kind not in self._overlays:
            return
        self._overlays.pop(kind, None)
        if overlay is not None:
            self._overlays[kind] = overlay
        with self._own_changes():
            for role in PANELS:
                self._remove((role, kind))
            if self._contents is not None:
                self._show_what_lies_above(self._contents)
        self._arrange(refit=False)

    def set_side_by_side(self, on: bool) -> None:
        """Panels beside each other, or only the attacked scan (else the scan) in full width."""
        self._side_by_side = on
        self._arrange(refit=True, keep_close_up=True)

    def set_marks(self, on: bool) -> None:
        """Show or hide the marks."""
        self._marks_on = on
        self._arrange(refit=False)

    def go_to(self, volume: CTVolume, at: Sequence[int], *, follow: bool = False) -> None:
        """Show the slice of a voxel (z, y, x); with `follow`, a close-up moves there too, so that it is seen."""
        self.view.go_to(volume, at)
        if follow and self._shown_roles() and self.view.is_close_up():
            self.view.center_on(volume, at)

    def nearest(self, position: Sequence[float], sites: Sequence[Sequence[int]], within_mm: float) -> int | None:
        """Which of some voxels (z, y, x) lies nearest to a position in the world; None for none within that distance.

        Parameters
        ----------
        position : sequence of float
            World coordinates, the last three of which are those of the scan.
        sites : sequence of (int, int, int)
            Where to look.
        within_mm : float
            Largest distance.
        """
        layer = self.image(SCAN)
        if layer is None or self._contents is None or not sites:
            return None
        voxel = np.asarray(layer.world_to_data(position[-3:]))
        away_mm = np.linalg.norm((voxel - np.asarray(sites)) * self._contents.scan.spacing, axis=1)
        nearest = int(np.argmin(away_mm))
        return nearest if away_mm[nearest] <= within_mm else None

    # ---- layers

    @contextmanager
    def _own_changes(self) -> Iterator[None]:
        self._changing = True
        try:
            yield
        finally:
            self._changing = False

    def _alive(self, key: tuple[str, str]) -> Any:
        layer = self._layers.get(key)
        return layer if layer is not None and in_viewer(self._viewer, layer) else None

    def _remove(self, key: tuple[str, str]) -> None:
        layer = self._layers.pop(key, None)
        if layer is not None and in_viewer(self._viewer, layer):
            self._viewer.layers.remove(layer)

    def _show_images(self, contents: Contents) -> None:
        for role, volume, title in (
            (SCAN, contents.scan, "Scan"),
            (ATTACK, contents.attacked, SIMULATED_ATTACK),
            (HEALED, contents.healed, "Healed" if contents.attacked is None else f"Healed after {SIMULATED_ATTACK}"),
        ):
            if volume is None:
                self._remove((role, IMAGE))
                continue
            other = self.image(ATTACK if role == SCAN else SCAN)
            name = f"{title} · {contents.scan_label}"
            self._layers[role, IMAGE] = show_volume(self._viewer, self.image(role), role, volume, name, other)
        if contents.difference is None:
            self._remove((DIFFERENCE, IMAGE))
        else:
            self._layers[DIFFERENCE, IMAGE] = show_difference(self._viewer, self.image(DIFFERENCE), contents)
        scans = [layer for layer in map(self.image, (SCAN, ATTACK, HEALED)) if layer is not None]
        if len(scans) > 1:
            link_layers(scans, _LINKED)

    def _show_what_lies_above(self, contents: Contents) -> None:
        for role in PANELS:
            self._show_marks(role, contents)
            self._show_overlays(role, contents)
        if self._shown_roles():
            self._sort()
            self._viewer.layers.selection.active = self.image(SCAN)

    def _show_marks(self, role: str, contents: Contents) -> None:
        if self.image(role) is None:
            self._remove((role, MARKS))
            return
        options = mark_options(contents.scan, contents.injections)
        layer = self._alive((role, MARKS))
        if layer is None:
            self._layers[role, MARKS] = self._viewer.add_points(
                **grid_options(contents.scan), **options, name=f"Marks · {role}", metadata={PANEL_KEY: role}
            )
            return
        if len(layer.data) == len(options["data"]) and np.array_equal(layer.data, options["data"]):
            return
        layer.selected_data = set()
        layer.data = options["data"]
        for name in ("size", "symbol", "border_color", "border_width", "face_color"):
            setattr(layer, name, options[name])

    def _show_overlays(self, role: str, contents: Contents) -> None:
        for kind, overlay in self._overlays.items():
            if self.image(role) is None:
                self._remove((role, kind))
                continue
            layer = self.overlay(kind, role)
            if layer is None:
                layer = overlay.add_to(self._viewer, role, contents.scan, lambda: self._changing)
                self._layers[role, kind] = layer
            overlay.hide_attacked(layer, contents.injections)

    # ---- arrangement

    @property
    def _kinds(self) -> tuple[str, ...]:
        """The layers that every panel has, from below."""
        return (IMAGE, MARKS, *(kind for kind in KINDS if kind in self._overlays))

    def _shown_roles(self) -> tuple[str, ...]:
        return tuple(role for role in PANELS if self.image(role) is not None)

    def _sort(self) -> None:
        """Each panel's layers in turn, below every other layer: the grid counts them off from the lowest on."""
        wanted = [self._layers[role, kind] for role in self._shown_roles() for kind in self._kinds]
        layers = self._viewer.layers
        for index, layer in enumerate(wanted):
            if layers.index(layer) != index:
                layers.move(layers.index(layer), index)

    def _arrange(self, *, refit: bool, keep_close_up: bool = False) -> None:
        roles = self._shown_roles()
        if not roles:
            return
        in_grid = self._side_by_side and len(roles) > 1
        alone = ATTACK if ATTACK in roles else SCAN
        for role in roles:
            here = in_grid or role == alone
            _set_visible(self.image(role), here)
            for layer in (self._alive((role, kind)) for kind in self._kinds[1:]):
                if layer is not None:
                    _set_visible(layer, self._marks_on and here)
        self.view.arrange(len(roles) if in_grid else 1, len(self._kinds), refit=refit, keep_close_up=keep_close_up)


def _set_visible(layer: Any, on: bool) -> None:
    """Show or hide a layer; where it is so already napari would still draw every panel again."""
    if layer.visible != on:
        layer.visible = on
