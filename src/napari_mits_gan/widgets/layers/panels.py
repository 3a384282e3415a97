"""Which panels stand where: two versions of the scan, attacks on either, healed scan, difference."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.layers.colors import USUAL, Colors
from napari_mits_gan.widgets.layers.contents import Contents
from napari_mits_gan.widgets.layers.identity import in_viewer, same_layer
from napari_mits_gan.widgets.layers.overlays import AnyOverlay
from napari_mits_gan.widgets.layers.panel_images import CONTRAST_RANGE_HU, show_color_bar, size_name
from napari_mits_gan.widgets.layers.panel_layers import PanelLayers
from napari_mits_gan.widgets.layers.panel_names import (
    ATTACK,
    DEFAULT_PANELS,
    DIFFERENCE,
    HEALED,
    MOST_PANELS,
    OTHER_ATTACK,
    PAIRS,
    PANELS,
    SCAN,
)
from napari_mits_gan.widgets.layers.shared_picture import How, SharedPicture
from napari_mits_gan.widgets.layers.view import View, voxel_at


class Panels:
    """Keeps up to four panels in a viewer: images, their marks and, if any, overlays; touches no other layer.

    Layers that the user removed come back with the next `show`.

    Parameters
    ----------
    viewer : napari viewer
        Where they are shown.
    on_plane : callable
        Called when slices lie across another axis than before.
    colors : Colors
        Of rings and differences, for layers that are made from now on.
    """

    def __init__(self, viewer: Any, on_plane: Callable[[], None] = lambda: None, colors: Colors = USUAL) -> None:
        self._viewer = viewer
        self._tell_plane = on_plane
        self.view = View(viewer, self._on_plane)
        self.shared = SharedPicture(viewer, self.view)
        """The picture that two panels share while they are swiped or faded."""
        self._contents: Contents | None = None
        self._layers = PanelLayers(viewer, colors, lambda: self._changing)
        self._chosen = DEFAULT_PANELS
        self._pair: tuple[str, str] | None = None
        self._second_of_pair = False
        self._sharing = False
        self._across: int | None = 0
        self._side_by_side = True
        self._marks_on = True
        self._changing = False
        viewer.canvas.events.size.connect(self._on_size)

    # ---- what there is

    @property
    def changing(self) -> bool:
        """Whether layers come and go because of this object, not because of the user."""
        return self._changing

    @property
    def colors(self) -> Colors:
        """Of rings and differences, for layers that are made from now on."""
        return self._layers.colors

    @colors.setter
    def colors(self, colors: Colors) -> None:
        self._layers.colors = colors

    def image(self, role: str) -> Any:
        """The image layer of a panel, or None where there is none."""
        return self._layers.image(role)

    def overlay(self, kind: str, role: str) -> Any:
        """The layer of an overlay in a panel, or None where there is none."""
        return self._layers.of(role, kind)

    @property
    def contents(self) -> Contents | None:
        """What there is to be shown; None before a scan is open."""
        return self._contents

    @property
    def chosen(self) -> frozenset[str]:
        """The panels that are shown where there is anything for them; at most four at once."""
        return self._chosen

    def available(self, role: str) -> bool:
        """Whether there is anything to show in a panel."""
        return self._contents is not None and self._contents.has(role)

    def short_title(self, role: str) -> str:
        """What a panel shows, in two or three words; also where it is not shown."""
        if self._contents is None or role in (HEALED, DIFFERENCE):
            return role.capitalize()
        label = self._contents.label(role)
        return f"Attack on {label}" if role in (ATTACK, OTHER_ATTACK) else label.capitalize()

    @property
    def shown(self) -> tuple[str, ...]:
        """The panels that are shown now, as they stand beside each other."""
        return self._shown_roles()

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The pairs of panels that can take turns, or share a picture, now."""
        return tuple(pair for pair in PAIRS if self._contents is not None and self._contents.has_both(pair))

    @property
    def pair(self) -> tuple[str, str] | None:
        """The two panels that take turns or share a picture; None for neither."""
        return self._pair

    @property
    def sharing(self) -> bool:
        """Whether two panels share a picture."""
        return self._pair is not None and self._sharing

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
        return all(in_viewer(self._viewer, layer) for layer in self._own_layers)

    def owns(self, layer: Any) -> bool:
        """Whether a layer belongs to these panels."""
        return any(same_layer(layer, own) for own in self._own_layers)

    # ---- what to do

    def close(self) -> None:
        """The window goes away: listen no more."""
        self._viewer.canvas.events.size.disconnect(self._on_size)
        self.view.close()

    def start(self, layer: Any = None) -> None:
        """Begin with another scan; a layer that shows it already becomes its panel, rather than showing it twice."""
        self.clear()
        if layer is not None and in_viewer(self._viewer, layer):
            layer.contrast_limits_range = CONTRAST_RANGE_HU
            self._layers.take(SCAN, layer)

    def clear(self) -> None:
        """Remove all layers of the panels."""
        with self._own_changes(), self._drawn_once():
            self._contents = None
            self._pair, self._sharing = None, False
            self._layers.clear()
            self.shared.remove()
            self.view.stop()

    def show(self, contents: Contents) -> None:
        """Show other contents; layers that exist are kept and get other data, so that nothing flickers."""
        before, begins = self._shown_roles(), self._contents is None
        self._contents = contents
        if self._pair is not None and not contents.has_both(self._pair):
            self._pair, self._sharing = None, False
        others = {role for role in self._wanted(contents) if contents.has(role)} != set(before)
        shares = self.sharing != self.shared.is_shown
        with self._own_changes(), self._drawn_once() if others or shares else nullcontext():
            self._layers.show_images(contents, self._wanted(contents))
            if begins:
                self.view.start(contents.scan)
            self._show_what_lies_above(contents)
            self._show_shared(contents)
            self._arrange_images(refit=before != self._shown_roles(), keep_close_up=bool(before))
        self._see_marks()

    def choose(self, roles: Collection[str]) -> None:
        """Show these panels where there is anything for them; of more than four the first in line are left out."""
        kept = [role for role in PANELS if role in roles]
        there = [role for role in kept if self.available(role)]
        too_many = there[: max(0, len(there) - MOST_PANELS)]
        self._chosen = frozenset(role for role in kept if role not in too_many)
        self._show_again()

    def blink(self, pair: tuple[str, str] | None) -> None:
        """Let two panels take turns in full width, see `next_of_pair`; None puts the panels back as they were."""
        self._compare(pair, sharing=False)

    def share(self, pair: tuple[str, str] | None, how: How = "swipe", at: float = 0.5) -> None:
        """Let two panels share a picture in full width, see `shared`; None puts the panels back as they were."""
        again = self.sharing and pair == self._pair
        self.shared.how, self.shared.at = how, at
        if again:
            self._show_again()
        self._compare(pair, sharing=pair is not None)

    def share_at(self, at: float) -> None:
        """Divide the shared picture at another place, from 0 at the left to 1 at the right, or fade it so far."""
        self.shared.at = at
        if self.sharing and self._contents is not None:
            with self._own_changes():
                self._show_shared(self._contents)

    def _compare(self, pair: tuple[str, str] | None, *, sharing: bool) -> None:
        if (pair, sharing) != (self._pair, self._sharing):
            self._pair, self._sharing, self._second_of_pair = pair, sharing, False
            self._show_again()

    def next_of_pair(self) -> None:
        """Show the other one of the two."""
        if self._pair is not None:
            self._second_of_pair = not self._second_of_pair
            self._arrange(refit=False)

    def _show_again(self) -> None:
        if self._contents is not None:
            self.show(self._contents)

    def _on_plane(self) -> None:
        """Markers are drawn for the slices of one plane: draw them anew."""
        if self._contents is not None and self._across != self.view.across:
            self._across = self.view.across
            anew = self._layers.not_turned(self._contents, self._across)
            with self._own_changes(), self._drawn_once() if anew else nullcontext():
                self._layers.remove(anew)
                self._show_what_lies_above(self._contents)
                self._show_shared(self._contents)
            self._arrange(refit=False)
        self._tell_plane()

    def set_overlay(self, kind: str, overlay: AnyOverlay | None) -> None:
        """Mark other sites in every panel; None takes the overlay of that kind away."""
        if overlay is None and not self._layers.has_overlay(kind):
            return
        with self._own_changes(), self._drawn_once():
            self._layers.set_overlay(kind, overlay)
            if self._contents is not None:
                self._show_what_lies_above(self._contents)
            self._arrange_images(refit=False)
        self._see_marks()

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
        if self._contents is None or not sites:
            return None
        scan = self._contents.scan
        voxel = np.asarray(voxel_at(scan, position))
        away_mm = np.linalg.norm((voxel - np.asarray(sites)) * scan.spacing, axis=1)
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

    def _drawn_once(self) -> AbstractContextManager[None]:
        """While layers come and go: napari arranges its canvas, and collects garbage, once and not for each of them."""
        batch: AbstractContextManager[None] = self._viewer.layers.batched_update()
        return batch

    @property
    def _own_layers(self) -> tuple[Any, ...]:
        return (*self._layers, *self.shared.layers)

    def _wanted(self, contents: Contents) -> frozenset[str]:
        """The panels to show; the scan where none of them has anything to show."""
        wanted = self._chosen if self._pair is None else frozenset(self._pair)
        return wanted if any(contents.has(role) for role in wanted) else frozenset({SCAN})

    def _show_what_lies_above(self, contents: Contents) -> None:
        self._layers.show_above(contents, self._across)
        if roles := self._shown_roles():
            self._layers.sort(roles)
            self._viewer.layers.selection.active = self.image(roles[0])

    def _show_shared(self, contents: Contents) -> None:
        roles = sorted(self._pair or (), key=contents.order.index) if self.sharing else []
        volumes = [volume for role in roles if (volume := contents.volume(role)) is not None]
        if len(volumes) == 2:
            titles = (self.short_title(roles[0]), self.short_title(roles[1]))
            self.shared.show((volumes[0], volumes[1]), titles, self.image(roles[0]))
        else:
            self.shared.remove()

    # ---- arrangement

    def _shown_roles(self) -> tuple[str, ...]:
        order = PANELS if self._contents is None else self._contents.order
        return tuple(role for role in order if self.image(role) is not None)

    def _arrange(self, *, refit: bool, keep_close_up: bool = False) -> None:
        self._arrange_images(refit=refit, keep_close_up=keep_close_up)
        self._see_marks()

    def _see_marks(self) -> None:
        """Show what lies above the images that are seen; not while layers come, since napari's canvas fails then."""
        for role in self._shown_roles():
            for layer in self._layers.above_image(role):
                _set_visible(layer, self._marks_on and self._is_here(role))

    def _on_size(self, event: Any = None) -> None:
        """The canvas has another size: fit the panels, their names and a whole slice into it."""
        if not self._changing:
            self._arrange_images(refit=self.view.is_fitted)

    def _is_here(self, role: str) -> bool:
        """Whether a panel has its place in the canvas now; its image may be hidden by a shared picture."""
        return self._in_grid or role == self._alone

    @property
    def _in_grid(self) -> bool:
        return self._side_by_side and len(self._shown_roles()) > 1 and self._pair is None

    @property
    def _alone(self) -> str:
        """The panel that is seen where only one is."""
        roles = self._shown_roles()
        if self.sharing:
            return roles[-1]
        if self._pair is not None:
            return self._pair[int(self._second_of_pair)]
        return ATTACK if ATTACK in roles else roles[0]

    def _arrange_images(self, *, refit: bool, keep_close_up: bool = False) -> None:
        roles = self._shown_roles()
        if not roles:
            return
        is_shared = self.shared.is_shown
        for role in roles:
            _set_visible(self.image(role), self._is_here(role) and not is_shared)
        self.view.arrange(
            len(roles) if self._in_grid else 1, len(self._layers.kinds), refit=refit, keep_close_up=keep_close_up
        )
        height, width = self.view.panel_pixels
        for role in roles:
            size_name(self.image(role), width)
        if (difference := self.image(DIFFERENCE)) is not None:
            show_color_bar(difference, height)


def _set_visible(layer: Any, on: bool) -> None:
    """Show or hide a layer; where it is so already napari would still draw every panel again."""
    if layer.visible != on:
        layer.visible = on
