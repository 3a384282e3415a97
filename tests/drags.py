"""Drags of the mouse as napari tells them to whoever listens."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks, mouse_release_callbacks


def drag_in(viewer: Any, *positions: Any) -> None:
    """Press the left button at a position of the world, move the mouse along others, and let it go."""
    event = SimpleNamespace(button=1, modifiers=[], pos=np.array([90.0, 90.0]), handled=False, is_dragging=True)
    event.type, event.position = "mouse_press", positions[0]
    mouse_press_callbacks(viewer, event)
    for position in positions[1:]:
        event.type, event.position, event.pos = "mouse_move", position, event.pos + 15
        mouse_move_callbacks(viewer, event)
    event.type = "mouse_release"
    mouse_release_callbacks(viewer, event)
