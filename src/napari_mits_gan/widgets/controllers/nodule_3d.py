"""The nodule of the chosen attack by itself, in 3-D: before the attack, and after it."""

from __future__ import annotations

from qtpy.QtCore import QObject

from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.controllers.display import Display
from napari_mits_gan.widgets.layers.nodule_view import SURFACE_HU, NoduleView


class NoduleIn3D(Controller):
    """Keeps a view of its own at the chosen attack; it ends with the last attack, or with the scan.

    Parameters
    ----------
    parts : Parts
        What it acts on.
    display : Display
        Which attack is chosen.
    """

    def __init__(self, parts: Parts, display: Display, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._display = display
        self.view: NoduleView | None = None
        """What is shown; None while this is off."""
        self.surface_hu = SURFACE_HU
        """Where the surface lies."""
        display.figures_ready.connect(self.refresh)

    @property
    def on(self) -> bool:
        """Whether the nodule is shown by itself."""
        return self.view is not None

    @property
    def attack(self) -> Injection | None:
        """The chosen attack, where it was made already."""
        contents, chosen = self.parts.panels.contents, self._display.selected
        there = contents is not None and contents.attacked is not None and chosen in contents.injections
        return chosen if there else None

    @property
    def words(self) -> str:
        """What is shown."""
        if self.attack is None:
            return "No attack is chosen"
        z, y, x = self.attack.at
        done = "injected" if self.attack.action == "inject" else "removed"
        return f"Nodule {done} at z {z}, y {y}, x {x} (simulated attack): surface at {self.surface_hu:.0f} HU"

    def start(self) -> None:
        """Show the nodule of the chosen attack; waits for it where it is still being made."""
        if self._display.selected is None:
            self.parts.messages.say("No attack is chosen; attack somewhere, or choose one in the list.")
        elif not self.on:
            self.view = NoduleView()
            self.refresh()
        self.changed.emit()

    def stop(self) -> None:
        """Show it no more."""
        if self.view is not None:
            self.view.close()
            self.view = None
            self.changed.emit()

    def choose_surface(self, hu: float) -> None:
        """Draw the surface where tissue becomes denser than this."""
        self.surface_hu = hu
        self.refresh()
        self.changed.emit()

    def look_from_the_front(self) -> None:
        """Look at it as in the beginning."""
        if self.view is not None and (contents := self.parts.panels.contents) is not None:
            self.view.look_from_the_front(contents.scan)

    def fit(self) -> None:
        """Its canvas has another size."""
        if self.view is not None:
            self.view.fit()

    def refresh(self, _: object = None) -> None:
        """Show the attack that is chosen now; called whenever anything changed."""
        if self.view is None:
            return
        contents = self.parts.panels.contents
        if self._display.selected is None or self.parts.session.original is None:
            self.stop()
        elif self.attack is not None and contents is not None:
            self.view.show(contents, self.attack.at, self.surface_hu)

    def close(self) -> None:
        """The window goes away: touch it no more."""
        self.view = None
