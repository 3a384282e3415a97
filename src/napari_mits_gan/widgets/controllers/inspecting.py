"""Looks for traces of tampering in what is shown, and marks them; with another version shown they go away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_mits_gan.session.inspection import Inspected, inspect_shown
from napari_mits_gan.widgets.controllers.controller import Parts
from napari_mits_gan.widgets.controllers.marked_sites import MarkedSites
from napari_mits_gan.widgets.layers.marks import INSPECTED_MM, PLACE, findings_name, findings_options
from napari_mits_gan.widgets.layers.overlays import INSPECTION, Overlay

if TYPE_CHECKING:
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.inspection.contract import Finding
    from napari_mits_gan.session import Voxel

NO_SCAN = "No scan is open yet; load a CT scan first."


class Inspecting(MarkedSites):
    """Keeps what the last inspection found, as long as the scan that is shown is the one that was looked at."""

    title, kind, reach_mm = "Inspecting the scan", INSPECTION, INSPECTED_MM

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self.found: Inspected | None = None
        """What is listed and marked."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings, rarest in untouched scans first."""
        return () if self.found is None else self.found.inspection.findings

    @property
    def sites(self) -> tuple[Voxel, ...]:
        """The voxels (z, y, x) that are marked."""
        return tuple(finding.at for finding in self.findings)

    def inspect(self) -> None:
        """Look for traces in the background, and mark them."""
        session, messages = self.parts.session, self.parts.messages
        if session.original is None:
            messages.complain(NO_SCAN)
            return

        def done(found: Inspected) -> None:
            if not found.is_of(session):
                messages.say("The scan was changed meanwhile; inspect it again.")
                return
            self.found = found
            self.mark()
            messages.say(found.inspection.headline)

        self.search(lambda progress: inspect_shown(session, progress), done)

    def clear(self) -> None:
        """Take list and marks away."""
        self.found = None
        self.mark()

    def drop_outdated(self) -> None:
        """Take them away where something else is shown by now."""
        if self.found is not None and not self.found.is_of(self.parts.session):
            self.clear()

    def on_visit(self, number: int) -> None:
        """Say what was found there."""
        self.parts.messages.say(self.findings[number].sentence)

    def overlay(self) -> Overlay | None:
        """How they are marked; None where there are none."""
        findings = self.findings
        if not findings:
            return None

        def options(volume: CTVolume, across: int | None) -> dict[str, Any]:
            return findings_options(volume, findings, across)

        return Overlay(findings_name(), self.sites, options, PLACE, self.go_to)
