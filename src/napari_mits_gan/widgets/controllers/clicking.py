"""What a click in the image does: an attack while clicks are armed, else a visit to the marker or crosshair there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import QObject

from napari_mits_gan.widgets.controllers.click_listener import ClickListener
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.controllers.marked_sites import MarkedSites
from napari_mits_gan.widgets.controllers.three_planes import ThreePlanes

Position = tuple[float, ...]


class Clicking(Controller):
    """Listens to the mouse in all panels.

    Parameters
    ----------
    parts : Parts
        What it acts on.
    attack : callable
        Called with world coordinates when clicks are armed.
    marked : sequence of MarkedSites
        Whose markers can be clicked on; the first that has one there takes the click.
    planes : ThreePlanes
        Whose crosshair follows clicks.
    """

    def __init__(
        self,
        parts: Parts,
        attack: Callable[[Position], object],
        marked: Sequence[MarkedSites],
        planes: ThreePlanes,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parts, parent)
        self._marked, self._planes, self._attack_at = marked, planes, attack
        self._attacks = ClickListener(parts.viewer, self._attack, parts.pointer)
        self._visits = ClickListener(parts.viewer, self._visit)
        for sites in marked:
            sites.changed.connect(self._follow)
        planes.changed.connect(self._follow)
        planes.clicked.connect(self.click)

    @property
    def armed(self) -> bool:
        """Whether a click is an attack."""
        return self._attacks.armed

    def arm(self, on: bool) -> None:
        """Let a click be an attack, or not."""
        if on != self._attacks.armed:
            self._attacks.arm(on)
            self._follow()
            self.changed.emit()

    def close(self) -> None:
        """The window goes away: listen no more."""
        self._attacks.arm(False)
        self._visits.arm(False)

    def click(self, position: Position) -> None:
        """Do what a click there does, in whatever canvas it was."""
        (self._attack if self.armed else self._visit)(position)

    def _attack(self, position: Position) -> None:
        self._attack_at(position)
        self._planes.move_to(position)

    def _visit(self, position: Position) -> None:
        for sites in self._marked:
            if sites.click(position):
                return
        self._planes.move_to(position)

    def _follow(self) -> None:
        wanted = self._planes.on or any(sites.any for sites in self._marked)
        self._visits.arm(wanted and not self._attacks.armed)
