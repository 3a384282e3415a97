"""Lets two panels share a picture: a line that the mouse drags divides it, or the second panel fades over the first."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.layers.shared_picture import How

GRAB_PIXELS = 10.0
"""The mouse holds the line from this near on."""


class Sharing(Controller):
    """Swipes or fades until it is stopped, or one of the two panels has nothing to show any more."""

    moved = Signal(float)
    """The line was moved, or it was faded further: to where, from 0 to 1."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        parts.viewer.mouse_drag_callbacks.append(self._drag)

    def close(self) -> None:
        """The window goes away: listen no more."""
        callbacks = self.parts.viewer.mouse_drag_callbacks
        if self._drag in callbacks:
            callbacks.remove(self._drag)

    @property
    def on(self) -> bool:
        """Whether two panels share a picture."""
        return self.parts.panels.sharing

    @property
    def how(self) -> How | None:
        """In which way they do; None where they do not."""
        return self.parts.panels.shared.how if self.on else None

    def start(self, pair: tuple[str, str] | None, how: How = "swipe") -> None:
        """Divide the picture between these two in the middle of what is seen, or show both half opaque."""
        panels, contents = self.parts.panels, self.parts.panels.contents
        if pair is None or pair not in panels.pairs or contents is None:
            return
        volumes = [contents.volume(role) for role in pair]
        if len({volume.shape for volume in volumes if volume is not None}) > 1:
            self.parts.messages.say("These two differ in their number of slices; let them blink instead.")
            self.changed.emit()
        else:
            panels.share(pair, how, 0.5 if how == "fade" else self._middle(contents.scan))
            self.changed.emit()

    def _middle(self, scan: CTVolume) -> float:
        """Where what is seen has its middle, as a share of the scan's width."""
        dims, center = self.parts.viewer.dims, self.parts.viewer.scene.camera.center
        position = [0.0, 0.0, 0.0]
        for axis, value in zip(dims.displayed, center[-2:], strict=False):
            position[axis - (dims.ndim - 3)] = float(value)
        return self.parts.panels.shared.share_of(scan, position) or 0.5

    def stop(self) -> None:
        """Panels beside each other again."""
        if self.on:
            self.parts.panels.share(None)
        self.changed.emit()

    def move(self, at: float) -> None:
        """Move the line, from 0 at the left edge of the scan to 1 at the right one; or fade from 0 to 1."""
        self.parts.panels.share_at(at)
        self.moved.emit(self.parts.panels.shared.at)

    def _drag(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        panels, scan = self.parts.panels, self.parts.session.original
        if event.button != 1 or event.modifiers or scan is None:
            return
        if panels.shared.pixels_from_line(scan, event.position) > GRAB_PIXELS:
            return
        event.handled = True
        yield
        while True:
            # napari leaves moves out when they come quickly: where the button was released counts as well
            if (share := panels.shared.share_of(scan, event.position)) is not None:
                self.move(share)
            event.handled = True
            if event.type != "mouse_move":
                return
            yield
