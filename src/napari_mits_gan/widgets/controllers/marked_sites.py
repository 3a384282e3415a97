"""Sites that are searched for in the background, marked in every panel, and gone to by a click or from a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Signal

from napari_mits_gan.session import Voxel
from napari_mits_gan.widgets.background import Work
from napari_mits_gan.widgets.controllers.controller import Controller
from napari_mits_gan.widgets.layers.overlays import Overlay


class MarkedSites(Controller):
    """Base of the suggestions and of the vulnerability map: search, mark, visit, forget.

    A subclass says what its overlay is, which sites it has, and what happens where one is visited.
    """

    visited = Signal(object)
    """Voxel (z, y, x) of the site that is looked at now."""
    title = ""
    """What is being done while it searches."""
    kind = ""
    """Of its overlay."""
    reach_mm = 0.0
    """A click this near to a site is one on its marker."""

    @property
    def sites(self) -> tuple[Voxel, ...]:
        """The voxels (z, y, x) that are marked."""
        raise NotImplementedError

    def overlay(self) -> Overlay | None:
        """How they are marked; None where there are none."""
        raise NotImplementedError

    def on_visit(self, number: int) -> None:
        """A site was gone to: say or show what there is to it."""

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return bool(self.sites)

    def search(self, function: Callable[..., Any], done: Callable[[Any], None]) -> None:
        """Search in the background; of searches that wait only the newest is made."""
        messages = self.parts.messages
        self.parts.slow.run(
            Work(self.title, function, done, lambda error: messages.report(self.title, error), key=self.kind)
        )
        self.changed.emit()

    def mark(self) -> None:
        """Mark the sites as they are now; none takes the markers away."""
        self.parts.panels.set_overlay(self.kind, self.overlay())
        self.changed.emit()

    def go_to(self, number: int) -> None:
        """Look at one of the sites."""
        scan = self.parts.session.original
        if scan is None or not 0 <= number < len(self.sites):
            return
        at = self.sites[number]
        self.parts.panels.go_to(scan, at, follow=True)
        self.visited.emit(at)
        self.on_visit(number)

    def click(self, position: tuple[float, ...]) -> bool:
        """Go to the site whose marker lies where the user clicked, in world coordinates; False for none."""
        nearest = self.parts.panels.nearest(position, self.sites, self.reach_mm)
        if nearest is None:
            return False
        self.go_to(nearest)
        return True
