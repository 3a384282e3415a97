"""What a click in the image does: an attack while clicks are armed, else a visit to the marker under it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import QObject

from napari_mits_gan.widgets.controllers.click_listener import ClickListener
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.controllers.marked_sites import MarkedSites

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
    """

    def __init__(
        self,
        parts: Parts,
        attack: Callable[[Position], object],
        marked: Sequence[MarkedSites],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parts, parent)
        self._marked = marked
        self._attacks = ClickListener(parts.viewer, attack)
        self._visits = ClickListener(parts.viewer, self._visit, cursor=None)
        for sites in marked:
            sites.changed.connect(self._follow)

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

    def _visit(self, position: Position) -> None:
        for sites in self._marked:
            if sites.click(position):
                return

    def _follow(self) -> None:
        self._visits.arm(any(sites.any for sites in self._marked) and not self._attacks.armed)
