"""The mouse wheel: through the slices, as CT readers know it; with Shift it zooms, with Ctrl napari has it."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QObject

from napari_mits_gan.widgets.controllers.controller import Controller, Parts


class Scrolling(Controller):
    """Scrolls while a scan is open; else the wheel is napari's."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._rest = 0.0
        parts.viewer.mouse_wheel_callbacks.append(self._wheel)

    def close(self) -> None:
        """The window goes away: listen no more."""
        callbacks = self.parts.viewer.mouse_wheel_callbacks
        if self._wheel in callbacks:
            callbacks.remove(self._wheel)

    def _wheel(self, viewer: Any, event: Any) -> None:
        panels = self.parts.panels
        if not panels.shown or viewer.dims.ndisplay != 2:
            return
        modifiers = {str(getattr(modifier, "name", modifier)) for modifier in event.modifiers}
        turned = float(np.sum(event.delta))
        if modifiers == {"Shift"}:
            panels.view.zoom_by(turned)
        elif not modifiers:
            # one slice for each notch, whatever the system is set to; touchpads send parts of one
            self._rest += float(np.clip(turned, -1, 1))
            steps = int(self._rest)
            self._rest -= steps
            if steps:
                panels.view.step(steps)
        else:
            return
        event.handled = True
