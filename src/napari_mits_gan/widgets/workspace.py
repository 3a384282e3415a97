"""One viewer's session with all that acts on it: what every section of the dock is given.

It outlives the dock: who closes the dock and opens it again finds the scan, its protection and the attacks as they are.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_mits_gan.session import Difference, Session
from napari_mits_gan.widgets.background import Background
from napari_mits_gan.widgets.controllers.attacking import Attacking
from napari_mits_gan.widgets.controllers.blinking import Blinking
from napari_mits_gan.widgets.controllers.clicking import Clicking
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.controllers.display import Display
from napari_mits_gan.widgets.controllers.evidence import Evidence
from napari_mits_gan.widgets.controllers.exporting import Exporting
from napari_mits_gan.widgets.controllers.inspecting import Inspecting
from napari_mits_gan.widgets.controllers.judging import Judging
from napari_mits_gan.widgets.controllers.loading import Loading
from napari_mits_gan.widgets.controllers.measuring import Measuring
from napari_mits_gan.widgets.controllers.nodule_3d import NoduleIn3D
from napari_mits_gan.widgets.controllers.pointer import Pointer
from napari_mits_gan.widgets.controllers.preparing import Preparing
from napari_mits_gan.widgets.controllers.protecting import Protecting
from napari_mits_gan.widgets.controllers.readout import Readout
from napari_mits_gan.widgets.controllers.recording import Recording
from napari_mits_gan.widgets.controllers.scrolling import Scrolling
from napari_mits_gan.widgets.controllers.sealed_sites import SealedSitesMap
from napari_mits_gan.widgets.controllers.sharing import Sharing
from napari_mits_gan.widgets.controllers.suggestions import Suggestions
from napari_mits_gan.widgets.controllers.three_planes import ThreePlanes
from napari_mits_gan.widgets.controllers.vulnerability import Vulnerability
from napari_mits_gan.widgets.controllers.windowing import PRESETS, Windowing
from napari_mits_gan.widgets.layers.colors import Colors
from napari_mits_gan.widgets.layers.panels import Panels
from napari_mits_gan.widgets.messages import Messages
from napari_mits_gan.widgets.preferences import preferences

_open: list[Workspace] = []


class Workspace(QObject):
    """The session of a viewer, the work under way, and the controllers. Create it in the window's thread.

    Parameters
    ----------
    viewer : napari viewer
        Where the panels are shown.
    session : Session
        What the user did so far.
    """

    changed = Signal()
    """The session, or what can be asked for now, is another: sections show it anew."""
    visited = Signal(object)
    """Voxel (z, y, x) that a marker led to."""

    def __init__(self, viewer: Any, session: Session) -> None:
        super().__init__()
        self.viewer = viewer
        self.session = session
        self.panels = Panels(viewer, self.changed.emit)
        self.preferences = preferences()
        """What the user set in napari's Preferences, as it was when this scan was opened."""
        session.networks.device = self.preferences.device
        self.slow = Background(self)
        self.quick = Background(self, threads=1)
        self.ahead = Background(self)
        self.messages = Messages(self)
        self.pointer = Pointer(viewer)
        parts = Parts(viewer, session, self.panels, self.slow, self.quick, self.ahead, self.messages, self.pointer)
        self.preparing = Preparing(parts, self)
        self.loading = Loading(parts, self)
        self.protecting = Protecting(parts, self)
        self.attacking = Attacking(parts, self)
        self.evidence = Evidence(parts, self)
        self.display = Display(parts, self)
        self.judging = Judging(parts, self)
        self.suggestions = Suggestions(parts, self)
        self.vulnerability = Vulnerability(parts, self)
        self.sealed_sites = SealedSitesMap(parts, self)
        self.inspecting = Inspecting(parts, self)
        self.exporting = Exporting(parts, self)
        self.windowing = Windowing(parts, self)
        self.scrolling = Scrolling(parts, self)
        self.readout = Readout(parts, self)
        self.blinking = Blinking(parts, self)
        self.sharing = Sharing(parts, self)
        self.three_planes = ThreePlanes(parts, self.windowing, self.readout, self)
        self.nodule_3d = NoduleIn3D(parts, self.display, self)
        self.recording = Recording(
            parts, self.loading, self.protecting, self.judging, self.windowing, self.three_planes, self
        )
        marked = (self.suggestions, self.vulnerability, self.sealed_sites, self.inspecting)
        self.clicking = Clicking(parts, self.attacking.click, marked, self.three_planes, self)
        self.measuring = Measuring(parts, self.three_planes, self.clicking, self)
        self._controllers = [child for child in self.children() if isinstance(child, Controller)]
        self._closed = False
        self._injections_before = 0
        for controller in self._controllers:
            controller.changed.connect(self.changed)
        self.clicking.changed.connect(lambda: self.display.await_attack(self.clicking.armed))
        self.changed.connect(self.readout.refresh)
        for sites in marked:
            sites.visited.connect(self.visited)
        self.changed.connect(self.three_planes.refresh)
        self.changed.connect(self.nodule_3d.refresh)
        self.changed.connect(self.measuring.refresh)
        self.display.failed.connect(self.attacking.failed)
        for lane in (self.slow, self.quick):
            lane.idle.connect(self.changed)
        session.scan_changed.connect(self._on_scan_changed)
        session.protection_changed.connect(self._on_protection_changed)
        session.injections_changed.connect(self._on_injections_changed)
        session.attacker_changed.connect(self._on_attacker_changed)
        session.seal_changed.connect(self._on_seal_changed)
        session.examined_changed.connect(self._on_examined_changed)

    @property
    def busy(self) -> bool:
        """Whether slow work is under way."""
        return self.slow.busy

    @property
    def at_rest(self) -> bool:
        """Whether nothing at all is under way."""
        return not (self.slow.busy or self.quick.busy or self.ahead.busy)

    @property
    def is_open(self) -> bool:
        """Whether there is a scan."""
        return self.session.original is not None

    def close(self) -> None:
        """The window goes away: stop all work, and touch the viewer no more."""
        if self._closed:
            return
        self._closed = True
        if self in _open:
            _open.remove(self)
        self.slow.close()
        self.quick.close()
        self.ahead.close()
        for controller in self._controllers:
            controller.close()
        self.pointer.close()
        self.panels.close()
        self.session.scan_changed.disconnect(self._on_scan_changed)
        self.session.protection_changed.disconnect(self._on_protection_changed)
        self.session.injections_changed.disconnect(self._on_injections_changed)
        self.session.attacker_changed.disconnect(self._on_attacker_changed)
        self.session.seal_changed.disconnect(self._on_seal_changed)
        self.session.examined_changed.disconnect(self._on_examined_changed)

    def _on_scan_changed(self) -> None:
        self.display.forget()
        self.judging.forget()
        self.protecting.forget()
        self.measuring.forget()
        self.suggestions.forget()
        self.vulnerability.drop_outdated()
        self.sealed_sites.drop_outdated()
        self.inspecting.drop_outdated()
        self.evidence.mark()
        self._injections_before = 0
        chosen = self.preferences = preferences()
        self.panels.colors = Colors(chosen.inject_color, chosen.remove_color, chosen.difference_colors)
        if self.is_open:
            self.panels.start(self.loading.layer_to_take_over())
            self.messages.forget()
            self.messages.say("Scan open. Attack it first, or press Protect.")
        self.display.refresh()
        if (window := next((preset for preset in PRESETS if preset.name == chosen.window), None)) is not None:
            self.windowing.use(window)
        self.changed.emit()

    def _on_protection_changed(self) -> None:
        self.vulnerability.drop_outdated()
        self.sealed_sites.drop_outdated()
        self.inspecting.drop_outdated()
        self.evidence.mark()
        self.display.refresh()
        self.judging.ask(tell=True)
        self.changed.emit()

    def _on_injections_changed(self) -> None:
        injections = self.session.injections
        self.display.selected = injections[-1] if injections else None
        self.inspecting.drop_outdated()
        self.evidence.mark()
        self.display.refresh()
        before, self._injections_before = self._injections_before, len(injections)
        if len(injections) < before:
            self.messages.forget()
            self.messages.say(f"{before - len(injections)} attack{'s' * (before - len(injections) > 1)} taken back.")
        # Those that stay need no words.
        self.judging.ask(tell=len(injections) > before)
        self.changed.emit()

    def _on_seal_changed(self) -> None:
        self.sealed_sites.drop_outdated()
        self.inspecting.drop_outdated()
        self.evidence.mark()
        self.display.refresh()
        self.judging.ask(tell=False)
        self.changed.emit()

    def _on_examined_changed(self) -> None:
        found = self.session.examined
        self.evidence.mark()
        self.judging.ask(tell=False)
        if found is not None and found.recovery is not None:
            self.display.choose_difference(Difference.HEALED)
        else:
            self.display.refresh()
        self.changed.emit()

    def _on_attacker_changed(self) -> None:
        self.messages.say("The next attacks are made with the chosen attacker; those in the list keep theirs.")
        self.changed.emit()


def workspace_of(viewer: Any) -> Workspace:
    """The workspace of a viewer; a new one where there is none yet.

    Parameters
    ----------
    viewer : napari viewer
        The viewer itself, or the wrapper of it that napari hands to plugins: either finds the same workspace.
    """
    for workspace in _open:
        # `==` of viewers compares what they show, and `is` the wrappers; their windows are told apart by `==`
        if workspace.viewer.window == viewer.window:
            return workspace
    workspace = Workspace(viewer, Session())
    _open.append(workspace)
    workspace.loading.adopt_existing_layer()
    workspace.preparing.warm_up()
    return workspace
