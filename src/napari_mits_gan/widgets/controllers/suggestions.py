"""Sites that are suggested for an attack: those of the chosen action are marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_mits_gan.session.analysis import suggested_sites
from napari_mits_gan.widgets.controllers.controller import Parts
from napari_mits_gan.widgets.controllers.marked_sites import MarkedSites
from napari_mits_gan.widgets.layers.marks import (
    SITE,
    SUGGESTION_MM,
    suggestion_colors,
    suggestion_options,
    suggestions_name,
)
from napari_mits_gan.widgets.layers.overlays import SUGGESTIONS, Overlay
from napari_mits_gan.widgets.layers.panel_names import PANELS

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Action
    from napari_mits_gan.detection.sites import Site
    from napari_mits_gan.session import Voxel

WHY_NONE: dict[Action, str] = {
    "inject": "No site in the lungs has enough clear lung around it; choose one yourself.",
    "remove": "Nothing in this scan looks like a nodule; choose a site yourself.",
}


class Suggestions(MarkedSites):
    """The suggested sites of one scan, for either action."""

    title, kind, reach_mm = "Searching for sites", SUGGESTIONS, SUGGESTION_MM

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._found: dict[Action, tuple[Site, ...]] = {}
        self._action: Action = "inject"
        self.current = -1
        """Which one is looked at; -1 for none."""

    @property
    def suggested(self) -> tuple[Site, ...]:
        """The suggestions for the chosen action, best first."""
        return self._found.get(self._action, ())

    @property
    def sites(self) -> tuple[Voxel, ...]:
        """The voxels (z, y, x) that are marked."""
        return tuple(site.at for site in self.suggested)

    def suggest(self, action: Action) -> None:
        """Search for plausible sites in the background, and mark them."""
        session, messages = self.parts.session, self.parts.messages
        scan = session.original
        if scan is None:
            messages.say("No scan is open yet; load a CT scan first.")
            return

        def done(sites: list[Site]) -> None:
            if session.original is scan:
                self._found[action] = tuple(sites)
                self.show(action)
                messages.say(_summary(action, sites))

        self.search(lambda progress: suggested_sites(session, action, progress=progress), done)

    def show(self, action: Action) -> None:
        """Show the suggestions for this action, where there are any."""
        self._action, self.current = action, -1
        self.mark()

    def clear(self) -> None:
        """Take the suggestions for the chosen action away."""
        self._found.pop(self._action, None)
        self.show(self._action)

    def forget(self) -> None:
        """Another scan was opened: the suggestions were not for it."""
        self._found.clear()
        self.show(self._action)

    def on_visit(self, number: int) -> None:
        """Mark the one that is looked at."""
        self.current = number
        for layer in (self.parts.panels.overlay(SUGGESTIONS, role) for role in PANELS):
            if layer is not None:
                layer.border_color = suggestion_colors(self.suggested, layer.features[SITE].tolist(), number)
        self.changed.emit()

    def overlay(self) -> Overlay | None:
        """How they are marked; None where there are none."""
        suggested = self.suggested
        if not suggested:
            return None
        return Overlay(
            name=suggestions_name(suggested[0].action),
            sites=self.sites,
            # Restored markers show which one is looked at by then.
            options=lambda volume, across: suggestion_options(volume, suggested, self.current, across),
            owner=SITE,
            picked=self._on_picked,
        )

    def _on_picked(self, number: int) -> None:
        if number != self.current:
            self.go_to(number)


def _summary(action: Action, sites: Sequence[Site]) -> str:
    if not sites:
        return WHY_NONE[action]
    count = "1 site" if len(sites) == 1 else f"{len(sites)} sites"
    return f"{count} to {action}, best first. Press Next to go from one to another, and “Attack here” to attack."
