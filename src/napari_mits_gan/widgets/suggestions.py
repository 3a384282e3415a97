"""Places that are suggested for an attack: found in the background, marked in the panels, gone to one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_mits_gan.session import Action, Session
from napari_mits_gan.widgets.background import Background, Work
from napari_mits_gan.widgets.layers import PANELS
from napari_mits_gan.widgets.marks import (
    SITE,
    SUGGESTION_MM,
    suggestion_colors,
    suggestion_options,
    suggestions_name,
)
from napari_mits_gan.widgets.overlays import SUGGESTIONS, Overlay
from napari_mits_gan.widgets.panels import Panels

if TYPE_CHECKING:
    from napari_mits_gan.detection.sites import Site

TITLE = "Looking for places"
WHY_NONE: dict[Action, str] = {
    "inject": "No place in the lungs has enough clear lung around it; choose one yourself.",
    "remove": "Nothing in this scan looks like a nodule; choose a place yourself.",
}


class Suggestions(QObject):
    """The suggested places of one scan, for either action; those of the chosen action are shown.

    Parameters
    ----------
    session : Session
        What is suggested for.
    panels : Panels
        Where the markers are shown.
    work : Background
        Where the places are looked for.
    fail : callable
        Called with what was being done, and the exception.
    """

    changed = Signal()
    """The list is another, or another one is looked at."""
    went_to = Signal(object)
    """The `Site` that is looked at now."""
    said = Signal(str)

    def __init__(
        self,
        session: Session,
        panels: Panels,
        work: Background,
        fail: Callable[[str, Exception], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._panels = panels
        self._work = work
        self._fail = fail
        self._found: dict[Action, tuple[Site, ...]] = {}
        self._action: Action = "inject"
        self.current = -1
        """Which one is looked at; -1 for none."""

    @property
    def sites(self) -> tuple[Site, ...]:
        """The suggestions for the chosen action, best first."""
        return self._found.get(self._action, ())

    def suggest(self, action: Action) -> None:
        """Look for places in the background, and mark them."""
        scan = self._session.original
        if scan is None:
            self.said.emit("No scan is open yet; load a CT scan first.")
            return

        def done(sites: list[Site]) -> None:
            if self._session.original is scan:
                self._found[action] = tuple(sites)
                self.show(action)
                self.said.emit(_summary(action, sites))

        self._work.run(
            Work(
                TITLE,
                lambda progress: self._session.suggest(action, progress=progress),
                done,
                lambda error: self._fail(TITLE, error),
                key="suggest",
            )
        )

    def show(self, action: Action) -> None:
        """Show the suggestions for this action, where there are any."""
        self._action, self.current = action, -1
        self._panels.set_overlay(SUGGESTIONS, self._overlay())
        self.changed.emit()

    def clear(self) -> None:
        """Take the suggestions for the chosen action away."""
        self._found.pop(self._action, None)
        self.show(self._action)

    def forget(self) -> None:
        """Another scan was opened: the suggestions were not for it."""
        self._found.clear()
        self.show(self._action)

    def go_to(self, index: int) -> None:
        """Look at one of the suggestions."""
        scan = self._session.original
        if scan is None or not 0 <= index < len(self.sites):
            return
        self.current = index
        for layer in (self._panels.overlay(SUGGESTIONS, role) for role in PANELS):
            if layer is not None:
                layer.border_color = suggestion_colors(self.sites, layer.features[SITE].tolist(), index)
        self._panels.go_to(scan, self.sites[index].at, follow=True)
        self.changed.emit()
        self.went_to.emit(self.sites[index])

    def click(self, position: tuple[float, ...]) -> bool:
        """Go to the suggestion whose marker lies where the user clicked, in world coordinates; False for none."""
        nearest = self._panels.nearest(position, [site.at for site in self.sites], SUGGESTION_MM)
        if nearest is None:
            return False
        self.go_to(nearest)
        return True

    def _overlay(self) -> Overlay | None:
        sites = self.sites
        if not sites:
            return None
        return Overlay(
            name=suggestions_name(sites[0].action),
            places=[site.at for site in sites],
            # Restored markers show which one is looked at by then.
            options=lambda volume: suggestion_options(volume, sites, self.current),
            owner=SITE,
            picked=self._on_picked,
        )

    def _on_picked(self, index: int) -> None:
        if index != self.current:
            self.go_to(index)


def _summary(action: Action, sites: Sequence[Any]) -> str:
    if not sites:
        return WHY_NONE[action]
    places = "1 place" if len(sites) == 1 else f"{len(sites)} places"
    return f"{places} to {action}, best first. Press Next to go from one to another, and “Attack here” to attack."
