"""Measures a distance in mm: the left button draws a line in a panel, or the ends are given as voxels."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Literal

from qtpy.QtCore import QObject, Signal

from napari_mits_gan.widgets.controllers.clicking import Clicking
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.controllers.three_planes import ThreePlanes
from napari_mits_gan.widgets.layers.measure import Measured, MeasureOverlay
from napari_mits_gan.widgets.layers.overlays import DISTANCE
from napari_mits_gan.widgets.layers.panels import Panels
from napari_mits_gan.widgets.layers.view import voxel_at


class Measuring(Controller):
    """One line at a time, in all panels and in every plane that holds both of its ends.

    Parameters
    ----------
    parts : Parts
        What it acts on.
    planes : ThreePlanes
        Whose canvases can be drawn in as well.
    clicking : Clicking
        What a click does meanwhile: never an attack.
    """

    measured = Signal()
    """The line is another."""

    def __init__(self, parts: Parts, planes: ThreePlanes, clicking: Clicking, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._planes, self._clicking = planes, clicking
        self._line: Measured | None = None
        self._on = False
        self._overlays: list[tuple[Panels, MeasureOverlay]] = []
        self._heard: list[tuple[Any, Callable[..., Any]]] = []
        clicking.changed.connect(self._make_way)

    @property
    def on(self) -> bool:
        """Whether the left button measures."""
        return self._on

    @property
    def line(self) -> Measured | None:
        """The line, which begins as a point; None while this is off."""
        return self._line

    @property
    def length_mm(self) -> float | None:
        """How long the line is; None where there is none, or only a point."""
        scan, line = self.parts.session.original, self._line
        return None if line is None or scan is None or line.start == line.end else line.length_mm(scan.spacing)

    def start(self) -> None:
        """Let the left button draw a line, from the middle of the panel until then; marks are shown, as it is one."""
        if self.parts.session.original is None or self._on:
            return
        self._on = True
        self._begin()
        self._clicking.arm(False)
        if not self.parts.panels.marks_on:
            self.parts.panels.set_marks(True)
        self.parts.pointer.hold(self, "cross")
        self.refresh()
        self.changed.emit()

    def stop(self) -> None:
        """Take the line away; the left button moves the picture again."""
        if not self._on:
            return
        self._on, self._line = False, None
        self._listen_to(())
        for panels, _ in self._overlays:
            panels.set_overlay(DISTANCE, None)
        self._overlays = []
        self.parts.pointer.release(self)
        self.changed.emit()

    def close(self) -> None:
        """The window goes away: listen no more."""
        self._on = False
        self._listen_to(())
        self._overlays = []

    def refresh(self) -> None:
        """Draw the line in the canvases that there are by now; called whenever anything changed."""
        if not self._on:
            return
        if self.parts.session.original is None:
            self.stop()
            return
        wanted = [self.parts.panels, *(side.panels for side in self._planes.sides)]
        if [panels for panels, _ in self._overlays] == wanted:
            return
        known = {id(panels): overlay for panels, overlay in self._overlays}
        self._overlays = [(panels, known.get(id(panels)) or MeasureOverlay(self._line)) for panels in wanted]
        for panels, overlay in self._overlays:
            if id(panels) not in known:
                panels.set_overlay(DISTANCE, overlay)
        self._listen_to(
            [
                (self.parts.viewer, self.parts.panels),
                *((side.model, side.panels) for side in self._planes.sides),
            ]
        )

    def forget(self) -> None:
        """Another scan was opened: the line measured the last one."""
        if self._on:
            self._begin()
            self._draw()

    def move_end(self, end: Literal["start", "end"], axis: int, index: float) -> None:
        """Move an end of the line along one axis of the array, and show the slice that it lies in then."""
        scan, line = self.parts.session.original, self._line
        if scan is None or line is None:
            return
        at = list(line.start if end == "start" else line.end)
        at[axis] = index
        place = (at[0], at[1], at[2])
        self.measure(Measured(place, line.end) if end == "start" else Measured(line.start, place))
        self.parts.panels.go_to(scan, [round(v) for v in place])

    def measure(self, line: Measured) -> None:
        """Draw another line."""
        self._line = line
        self._draw()
        self.measured.emit()

    def _begin(self) -> None:
        """Both ends in the middle of what is seen."""
        scan = self.parts.session.original
        if scan is None:
            self._line = None
            return
        middle = voxel_at(scan, self.parts.panels.view.middle)
        z, y, x = (float(min(max(round(v), 0), n - 1)) for v, n in zip(middle, scan.shape, strict=True))
        self._line = Measured((z, y, x), (z, y, x))

    def _draw(self) -> None:
        scan = self.parts.session.original
        if scan is None:
            return
        for panels, overlay in self._overlays:
            layers = [layer for role in panels.shown if (layer := panels.overlay(DISTANCE, role)) is not None]
            overlay.move(layers, scan, self._line, panels.view.across)

    def _listen_to(self, canvases: Any) -> None:
        for viewer, callback in self._heard:
            if callback in viewer.mouse_drag_callbacks:
                viewer.mouse_drag_callbacks.remove(callback)
        self._heard = [(viewer, partial(self._drag, panels)) for viewer, panels in canvases]
        for viewer, callback in self._heard:
            viewer.mouse_drag_callbacks.append(callback)

    def _make_way(self) -> None:
        """Clicks attack from now on: they do not measure."""
        if self._clicking.armed:
            self.stop()

    def _drag(self, panels: Panels, viewer: Any, event: Any) -> Generator[None, None, None]:
        scan, across = self.parts.session.original, panels.view.across
        if event.button != 1 or event.modifiers or event.handled or scan is None or across is None:
            return
        event.handled = True
        start = voxel_at(scan, event.position)
        yield
        while True:
            end = voxel_at(scan, event.position)
            if event.type == "mouse_move" or end != start:
                self.measure(Measured(start, end))
            event.handled = True
            if event.type != "mouse_move":
                return
            yield
