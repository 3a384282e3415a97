"""The mouse pointer, which says what the left button does."""

from __future__ import annotations

from typing import Any


class Pointer:
    """Keeps the pointer that was asked for last: napari gives the mouse that of a layer which becomes the active one.

    Parameters
    ----------
    viewer : napari viewer
        Over whose canvas.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._held: dict[object, str] = {}
        viewer.layers.selection.events.active.connect(self._keep)

    def hold(self, owner: object, style: str) -> None:
        """Show this pointer until `owner` lets it go, or another is asked for."""
        self._held.pop(owner, None)
        self._held[owner] = style
        self._keep()

    def release(self, owner: object) -> None:
        """Let it go; the one before shows again, or napari's own."""
        if self._held.pop(owner, None) is not None:
            self._viewer.cursor.style = "standard"
            self._keep()

    def close(self) -> None:
        """The window goes away: listen no more."""
        self._viewer.layers.selection.events.active.disconnect(self._keep)

    def _keep(self, _: object = None) -> None:
        if self._held:
            self._viewer.cursor.style = list(self._held.values())[-1]
