"""The window in HU that the scans are shown in: presets, and a drag with the right button."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject

from napari_mits_gan.ct.constants import LUNG_WINDOW_HU
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.layers.panel_images import CONTRAST_RANGE_HU
from napari_mits_gan.widgets.layers.panel_names import DIFFERENCE, PANELS

HU_PER_PIXEL = 4.0
"""Of a drag with the right button."""
_LEAST_WIDTH_HU = 10.0


@dataclass(frozen=True)
class Window:
    """A window in HU.

    Parameters
    ----------
    name : str
        What it is for.
    width, level : float
        HU from black to white, and in the middle.
    """

    name: str
    width: float
    level: float

    @property
    def limits(self) -> tuple[float, float]:
        """HU shown black and white."""
        return (self.level - self.width / 2, self.level + self.width / 2)


_LUNG_LOW, _LUNG_HIGH = LUNG_WINDOW_HU
PRESETS = (
    Window("Lung", _LUNG_HIGH - _LUNG_LOW, (_LUNG_HIGH + _LUNG_LOW) / 2),
    Window("Mediastinum", 350, 40),
    Window("Bone", 1000, 400),
    Window("Brain", 100, 50),
)
"""Soft tissue, bone and brain as in 3D Slicer; the lung window is the one that the figures are computed in."""


class Windowing(Controller):
    """Sets the window of all panels but the difference."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        parts.viewer.mouse_drag_callbacks.append(self._drag)

    def close(self) -> None:
        """The window goes away: listen no more."""
        callbacks = self.parts.viewer.mouse_drag_callbacks
        if self._drag in callbacks:
            callbacks.remove(self._drag)

    def listen_to(self, viewer: Any) -> None:
        """Set the window by drags in another viewer as well."""
        viewer.mouse_drag_callbacks.append(self._drag)

    @property
    def window(self) -> Window | None:
        """What is set now: a preset, or one of no name; None where no scan is shown."""
        layer = self._layer
        if layer is None:
            return None
        low, high = layer.contrast_limits
        known = next((preset for preset in PRESETS if preset.limits == (low, high)), None)
        return known or Window("", high - low, (high + low) / 2)

    def use(self, window: Window) -> None:
        """Set a window."""
        if (layer := self._layer) is not None:
            least, most = CONTRAST_RANGE_HU
            low, high = window.limits
            layer.contrast_limits = (max(least, low), min(most, high))
            self.changed.emit()

    @property
    def _layer(self) -> Any:
        panels = self.parts.panels
        return next((layer for role in PANELS if role != DIFFERENCE and (layer := panels.image(role))), None)

    def _drag(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        """Right button: to the right a wider window, upwards a lower level, that is brighter."""
        before = self.window
        if event.button != 2 or event.modifiers or before is None or viewer.dims.ndisplay != 2:
            return
        start_x, start_y = (float(value) for value in event.pos[:2])
        event.handled = True
        yield
        while True:
            # napari leaves moves out when they come quickly: where the button was released counts as well
            right, down = float(event.pos[0]) - start_x, float(event.pos[1]) - start_y
            width = max(_LEAST_WIDTH_HU, before.width + HU_PER_PIXEL * right)
            if right or down:
                self.use(Window("", width, before.level + HU_PER_PIXEL * down))
            event.handled = True
            if event.type != "mouse_move":
                return
            yield
