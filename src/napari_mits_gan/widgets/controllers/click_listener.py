"""Clicks in the image: told from drags, from any panel."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from napari_mits_gan.widgets.controllers.pointer import Pointer

DRAG_PIXELS = 4
"""A mouse that moves further than this with its button down is dragging."""


class ClickListener:
    """Tells where in the world the user clicked, while it is armed.

    Parameters
    ----------
    viewer : napari viewer
        Whose panels to listen to; in a grid, a click in any panel gives the same world coordinates.
    on_click : callable
        Called with the world coordinates, one per axis of the viewer.
    pointer : Pointer or None
        Is made a crosshair meanwhile; None leaves the mouse's pointer alone.
    """

    def __init__(
        self, viewer: Any, on_click: Callable[[tuple[float, ...]], object], pointer: Pointer | None = None
    ) -> None:
        self._viewer = viewer
        self._on_click = on_click
        self._pointer = pointer
        self._armed = False

    @property
    def armed(self) -> bool:
        """Whether clicks are told."""
        return self._armed

    def arm(self, on: bool) -> None:
        """Begin or stop to listen; the mouse pointer says which."""
        if on == self._armed:
            return
        self._armed = on
        callbacks = self._viewer.mouse_drag_callbacks
        if on:
            callbacks.append(self._press)
        elif self._press in callbacks:
            callbacks.remove(self._press)
        if self._pointer is not None:
            if on:
                self._pointer.hold(self, "crosshair")
            else:
                self._pointer.release(self)

    def _press(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        if event.button != 1 or event.modifiers:
            return
        start = np.array(event.pos, dtype=float)
        position = tuple(float(p) for p in event.position)
        furthest = 0.0
        yield
        while event.type == "mouse_move":
            furthest = max(furthest, _distance(event.pos, start))
            yield
        # napari leaves moves out when they come quickly: where the button was released counts as well
        if max(furthest, _distance(event.pos, start)) <= DRAG_PIXELS:
            self._on_click(position)


def _distance(pixel: Any, start: Any) -> float:
    return float(np.linalg.norm(np.asarray(pixel, dtype=float) - start))
