"""What the check finds of attacks at all suggested sites; with another version shown it goes away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_mits_gan.session.sealed_sites import SealedSites, sealed_sites
from napari_mits_gan.widgets.controllers.controller import Parts
from napari_mits_gan.widgets.controllers.marked_sites import MarkedSites
from napari_mits_gan.widgets.layers.marks import PLACE, VULNERABILITY_MM, sealed_sites_name, sealed_sites_options
from napari_mits_gan.widgets.layers.overlays import SEALED_SITES, Overlay
from napari_mits_gan.widgets.layers.volume_layer import SIMULATED_ATTACK_KEY

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Action
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.session import Voxel


class SealedSitesMap(MarkedSites):
    """Attacks all suggested sites of a copy of the sealed scan, and marks what the check finds of them."""

    title, kind, reach_mm = "Checking all suggested sites", SEALED_SITES, VULNERABILITY_MM

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._of: CTVolume | None = None
        self.found: SealedSites | None = None
        """What is marked."""

    @property
    def sites(self) -> tuple[Voxel, ...]:
        """The voxels (z, y, x) that are marked."""
        return () if self.found is None else self.found.sites

    def compute(self, action: Action, key_file: Path) -> None:
        """Attack all suggested sites in the background, check once, and mark the sites."""
        session, messages = self.parts.session, self.parts.messages
        base = session.volume(session.shown)

        def compute(progress: Any) -> SealedSites:
            from napari_mits_gan.evidence.key import read_key

            return sealed_sites(session, read_key(key_file), action, progress=progress)

        def done(found: SealedSites) -> None:
            if session.volume(session.shown) is not base:
                messages.say("Another version of the scan is shown meanwhile; ask for the sites again.")
                return
            self.found, self._of = found, base
            self.mark()
            messages.say(f"{found.summary}. Click a site to go there.")

        self.search(compute, done)

    def clear(self) -> None:
        """Take the marks away."""
        self.found = self._of = None
        self.mark()

    def drop_outdated(self) -> None:
        """Take the marks away where another version is shown."""
        if self.found is not None and self.parts.session.volume(self.parts.session.shown) is not self._of:
            self.clear()

    def on_visit(self, number: int) -> None:
        """Say what the check finds there."""
        if self.found is not None:
            z, y, x = self.found.sites[number]
            word = "found" if self.found.found[number] else "not found"
            self.parts.messages.say(f"z {z}, y {y}, x {x}: an attack here is {word} by the check.")

    def overlay(self) -> Overlay | None:
        """How they are marked; None where there are none."""
        found = self.found
        if found is None:
            return None

        def options(volume: CTVolume, across: int | None) -> dict[str, Any]:
            return sealed_sites_options(volume, found, across)

        return Overlay(
            name=sealed_sites_name(found.action),
            sites=self.sites,
            options=options,
            owner=PLACE,
            picked=self.go_to,
            metadata={SIMULATED_ATTACK_KEY: True, "summary": found.summary},
        )
