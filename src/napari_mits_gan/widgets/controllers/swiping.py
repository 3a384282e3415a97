"""Lets two panels share a picture: a line that the mouse drags divides it, one panel left of it, the other right."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_mits_gan.widgets.controllers.controller import Controller, Parts

GRAB_PIXELS = 10.0
"""The mouse holds the line from this near on."""


class Swiping(Controller):
    """Divides until it is stopped, or one of the two panels has nothing to show any more."""

    divided = Signal(float)
    """The line was moved: where it is, from 0 to 1."""

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
        """Whether a picture is divided."""
        return self.parts.panels.swiping

    def start(self, pair: tuple[str, str] | None) -> None:
        """Divide the picture between these two, in the middle of what is seen."""
        panels, contents = self.parts.panels, self.parts.panels.contents
        if pair is None or pair not in panels.pairs or contents is None:
            return
        volumes = [contents.volume(role) for role in pair]
        if len({volume.shape for volume in volumes if volume is not None}) > 1:
            self.parts.messages.say("These two differ in their number of slices; let them blink instead.")
            self.changed.emit()
        else:
            center = self.parts.viewer.scene.camera.center
            position = [0.0, 0.0, 0.0]
            for axis, value in zip(self.parts.viewer.dims.displayed, center[-2:], strict=False):
                position[axis - (self.parts.viewer.dims.ndim - 3)] = float(value)
            panels.divide(panels.divided.share_of(contents.scan, position) or 0.5)
            panels.swipe(pair)
            self.changed.emit()

    def stop(self) -> None:
        """Panels beside each other again."""
        if self.on:
            self.parts.panels.swipe(None)
        self.changed.emit()

    def divide(self, at: float) -> None:
        """Move the line, from 0 at the left edge of the scan to 1 at the right one."""
        self.parts.panels.divide(at)
        self.divided.emit(self.parts.panels.divided.at)

    def _drag(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        panels, scan = self.parts.panels, self.parts.session.original
        if event.button != 1 or event.modifiers or scan is None:
            return
        if panels.divided.pixels_from_line(scan, event.position) > GRAB_PIXELS:
            return
        event.handled = True
        yield
        while True:
            # napari leaves moves out when they come quickly: where the button was released counts as well
            if (share := panels.divided.share_of(scan, event.position)) is not None:
                self.divide(share)
            event.handled = True
            if event.type != "mouse_move":
                return
            yield
