"""Axial, coronal and sagittal at once: beside the main canvas the other two planes of one panel, and a crosshair."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_mits_gan.widgets.controllers.click_listener import ClickListener
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.controllers.readout import Readout
from napari_mits_gan.widgets.controllers.scrolling import Wheel
from napari_mits_gan.widgets.controllers.windowing import Windowing
from napari_mits_gan.widgets.layers.crosshair import CrosshairOverlay
from napari_mits_gan.widgets.layers.overlays import CROSSHAIR
from napari_mits_gan.widgets.layers.panel_names import ATTACK, PANELS, SCAN
from napari_mits_gan.widgets.layers.planes import PLANES, Plane
from napari_mits_gan.widgets.layers.side_plane import SidePlane
from napari_mits_gan.widgets.layers.view import voxel_at

Position = tuple[float, ...]
_ZOOM_DELAY_MS = 60


class ThreePlanes(Controller):
    """Keeps two more planes at what the main canvas shows: the same point, window in HU, zoom and marks.

    The point is that of napari's own sliders, all three of them: whatever moves those moves all planes.

    Parameters
    ----------
    parts : Parts
        What it acts on.
    windowing, readout
        What right button and mouse do in the main canvas they do in these planes too.
    """

    clicked = Signal(object)
    """World coordinates of a click in one of the two planes."""

    def __init__(self, parts: Parts, windowing: Windowing, readout: Readout, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._windowing, self._readout = windowing, readout
        self.sides: tuple[SidePlane, ...] = ()
        """The two planes that the main canvas does not show; none while this is off."""
        self._chosen: str | None = None
        self._crosshair = CrosshairOverlay((0.0, 0.0, 0.0))
        self._clicks: list[ClickListener] = []
        self._wheels: list[Wheel] = []
        self._leads: list[tuple[Any, Any]] = []
        self._followed: Any = None
        self._following = False
        self._zoom_timer = QTimer(self)
        self._zoom_timer.setSingleShot(True)
        self._zoom_timer.setInterval(_ZOOM_DELAY_MS)
        self._zoom_timer.timeout.connect(self._follow_zoom)

    # ---- what there is

    @property
    def on(self) -> bool:
        """Whether three planes are shown."""
        return bool(self.sides)

    @property
    def offered(self) -> tuple[str, ...]:
        """The panels that can be shown in three planes now."""
        return tuple(role for role in PANELS if self.parts.panels.available(role))

    @property
    def role(self) -> str:
        """The panel in three planes: the chosen one where there is such, else the attack, else the scan."""
        if self._chosen in self.offered and self._chosen is not None:
            return self._chosen
        return ATTACK if ATTACK in self.offered else SCAN

    @property
    def planes(self) -> tuple[Plane, ...]:
        """The planes that the main canvas does not show."""
        main = self.parts.panels.view.plane or "axial"
        return tuple(plane for plane in PLANES if plane != main)

    # ---- what to do

    def start(self, role: str | None = None) -> None:
        """Show the other two planes of a panel; None for the one that `role` names."""
        if self.parts.session.original is None:
            return
        self._chosen = role or self._chosen
        if not self.on:
            self.sides = tuple(SidePlane(plane, self.parts.panels.colors) for plane in self.planes)
            for side in self.sides:
                self._listen_to(side)
            viewer = self.parts.viewer
            viewer.dims.events.current_step.connect(self._follow)
            viewer.scene.camera.events.zoom.connect(self._on_zoom)
            viewer.scene.camera.events.center.connect(self._on_zoom)
            self._crosshair.at = self._at
            self.parts.panels.set_overlay(CROSSHAIR, self._crosshair)
        self.refresh()
        self.changed.emit()

    def stop(self) -> None:
        """Show the main canvas only."""
        if not self.on:
            return
        self._end()
        self.parts.panels.set_overlay(CROSSHAIR, None)
        self.changed.emit()

    def close(self) -> None:
        """The window goes away: touch it no more."""
        if self.on:
            self._end()

    def choose(self, role: str) -> None:
        """Show another panel in three planes."""
        self._chosen = role
        self.refresh()
        self.changed.emit()

    def move_to(self, position: Position) -> None:
        """Cross the lines at a point of the world, in all planes."""
        scan = self.parts.session.original
        if not self.on or scan is None:
            return
        at = [min(max(round(v), 0), n - 1) for v, n in zip(voxel_at(scan, position), scan.shape, strict=True)]
        self.parts.panels.go_to(scan, at)

    def fit(self) -> None:
        """Look at the planes as closely as the main canvas does, in a moment: their canvases may get another size."""
        if self.on:
            self._zoom_timer.start()

    def refresh(self) -> None:
        """Show what the main canvas shows by now; called whenever anything changed."""
        contents, panels = self.parts.panels.contents, self.parts.panels
        if not self.on:
            return
        if contents is None:
            # between two scans there is nothing to be shown either
            if self.parts.session.original is None:
                self.stop()
            return
        role, like = self.role, panels.image(self.role)
        if like is None:
            like = next((layer for other in panels.shown if (layer := panels.image(other)) is not None), None)
        self._follow_window(like)
        begins = any(side.panels.contents is None for side in self.sides)
        self._following = True
        try:
            for side, plane in zip(self.sides, self.planes, strict=True):
                side.show(contents, role, plane, like, marks=panels.marks_on)
        finally:
            self._following = False
        self._follow()
        if begins:
            self._follow_zoom()

    # ---- inside

    @property
    def _point(self) -> Position:
        return tuple(float(value) for value in self.parts.viewer.dims.point[-3:])

    @property
    def _at(self) -> tuple[float, ...]:
        """The voxel (z, y, x) at the crosshair, not necessarily a whole one."""
        scan, point = self.parts.session.original, self._point
        return (0.0, 0.0, 0.0) if scan is None or len(point) < 3 else voxel_at(scan, point)

    def _listen_to(self, side: SidePlane) -> None:
        clicks = ClickListener(side.model, self.clicked.emit)
        clicks.arm(True)
        self._clicks.append(clicks)
        self._wheels.append(Wheel(side.model, side.panels))
        self._windowing.listen_to(side.model)
        self._readout.listen_to(side.model)
        lead = partial(self._lead, side)
        side.model.dims.events.current_step.connect(lead)
        self._leads.append((side.model.dims.events.current_step, lead))

    def _end(self) -> None:
        viewer, sides = self.parts.viewer, self.sides
        self._zoom_timer.stop()
        viewer.dims.events.current_step.disconnect(self._follow)
        viewer.scene.camera.events.zoom.disconnect(self._on_zoom)
        viewer.scene.camera.events.center.disconnect(self._on_zoom)
        self._follow_window(None)
        self.sides = ()
        for clicks in self._clicks:
            clicks.arm(False)
        for wheel in self._wheels:
            wheel.close()
        for emitter, lead in self._leads:
            emitter.disconnect(lead)
        self._clicks, self._wheels, self._leads = [], [], []
        for side in sides:
            side.close()

    def _follow(self, event: Any = None) -> None:
        """The main canvas shows another point: so do the planes."""
        panels, scan = self.parts.panels, self.parts.session.original
        there_is_a_scan = scan is not None and panels.contents is not None and bool(panels.shown)
        if self._following or not self.on or not there_is_a_scan or scan is None:
            return
        self._following = True
        try:
            layers = [layer for role in panels.shown if (layer := panels.overlay(CROSSHAIR, role)) is not None]
            self._crosshair.move(layers, scan, self._at, panels.view.across)
            for side in self.sides:
                side.go_to(self._point)
        finally:
            self._following = False

    def _lead(self, side: SidePlane, event: Any = None) -> None:
        """One of the planes was scrolled: the main canvas goes along."""
        if not self._following:
            dims = self.parts.viewer.dims
            dims.set_point(list(range(dims.ndim - 3, dims.ndim)), [float(value) for value in side.model.dims.point])

    def _follow_window(self, like: Any) -> None:
        """Take the window in HU of another layer of the main canvas from now on."""
        if self._followed is not None:
            self._followed.events.contrast_limits.disconnect(self._on_window)
        self._followed = like
        if like is not None:
            like.events.contrast_limits.connect(self._on_window)

    def _on_window(self, event: Any = None) -> None:
        for side in self.sides:
            side.take_window(self._followed)

    def _on_zoom(self, event: Any = None) -> None:
        self.fit()

    def _follow_zoom(self) -> None:
        view = self.parts.panels.view
        if not self.parts.panels.shown:
            return
        closely = view.pixels_per_mm if view.is_close_up() else None
        for side in self.sides:
            side.look_closely(self._point, closely)
