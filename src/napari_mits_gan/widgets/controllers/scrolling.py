"""The mouse wheel: through the slices, as CT readers know it; with Shift it zooms, with Ctrl napari has it."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QObject

from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.layers.panels import Panels


class Wheel:
    """Scrolls through the slices of panels while they show anything; else the wheel is napari's.

    Parameters
    ----------
    viewer : napari viewer or ViewerModel
        Whose wheel to listen to.
    panels : Panels
        The panels in it.
    """

    def __init__(self, viewer: Any, panels: Panels) -> None:
        self._viewer, self._panels = viewer, panels
        self._rest = 0.0
        viewer.mouse_wheel_callbacks.append(self._turn)

    def close(self) -> None:
        """Listen no more."""
        callbacks = self._viewer.mouse_wheel_callbacks
        if self._turn in callbacks:
            callbacks.remove(self._turn)

    def _turn(self, viewer: Any, event: Any) -> None:
        if not self._panels.shown or viewer.dims.ndisplay != 2:
            return
        modifiers = {str(getattr(modifier, "name", modifier)) for modifier in event.modifiers}
        turned = float(np.sum(event.delta))
        if modifiers == {"Shift"}:
            self._panels.view.zoom_by(turned)
        elif not modifiers:
            # one slice for each notch, whatever the system is set to; touchpads send parts of one
            self._rest += float(np.clip(turned, -1, 1))
            steps = int(self._rest)
            self._rest -= steps
            if steps:
                self._panels.view.step(steps)
        else:
            return
        event.handled = True


class Scrolling(Controller):
    """Scrolls while a scan is open."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._wheel = Wheel(parts.viewer, parts.panels)

    def close(self) -> None:
        """The window goes away: listen no more."""
        self._wheel.close()
