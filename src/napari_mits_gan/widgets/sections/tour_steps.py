"""What the guided tour says, and what it points at."""

from __future__ import annotations

from typing import Protocol, TypeVar

from napari_mits_gan.widgets.sections.attack import AttackSection
from napari_mits_gan.widgets.sections.compare import CompareSection
from napari_mits_gan.widgets.sections.evidence import EvidenceSection
from napari_mits_gan.widgets.sections.export import ExportSection
from napari_mits_gan.widgets.sections.header import Header
from napari_mits_gan.widgets.sections.scan import ScanSection
from napari_mits_gan.widgets.sections.section import Section
from napari_mits_gan.widgets.sections.tour import Step
from napari_mits_gan.widgets.workspace import Workspace

S = TypeVar("S", bound=Section)


class Dock(Protocol):
    """What the steps need of the dock."""

    workspace: Workspace
    header: Header

    def section(self, kind: type[S]) -> S:
        """A section by its class."""


def tour_steps(dock: Dock) -> tuple[Step, ...]:
    """The steps, from opening a scan to taking something along."""
    work, session = dock.workspace, dock.workspace.session
    return (
        Step(
            "scan",
            "Open a CT scan",
            "A folder with a DICOM series, a file, or “Sample”: a chest phantom that comes with this plugin. You can "
            "also drop a scan into the window.",
            dock.section(ScanSection).sample_button,
            lambda: work.is_open,
        ),
        Step(
            "attack",
            "Tamper with it",
            "While this is on, click into a lung: a generative network paints a nodule there, as an attacker would. "
            "It stays in this window; simulated attacks are never written as DICOM.",
            dock.section(AttackSection).arm,
            lambda: bool(session.injections),
        ),
        Step(
            "protect",
            "Protect it",
            "Press this. The protected scan takes the place of the original, and the same attack is made on it. Press "
            "it again to go from one to the other.",
            dock.header.switch,
            lambda: session.protected is not None,
        ),
        Step(
            "compare",
            "See what the protection did",
            "Both versions and both attacks side by side; or let two of them blink or share a picture, look at three "
            "planes at once, and read in the table what became of each attack.",
            dock.section(CompareSection).four_button,
        ),
        Step(
            "evidence",
            "Or find and undo what was changed",
            "Make a key and seal a scan: a check then names every block that was changed since, and “Recover” heals "
            "it.",
            dock.section(EvidenceSection).new_button,
            lambda: work.evidence.key_file is not None,
        ),
        Step(
            "export",
            "Take it along",
            "The protected or sealed scan as DICOM, the session as a file, a report with pictures, or the commands "
            "that do the same. The button “?” lists all keys and has this tour.",
            dock.section(ExportSection).report_button,
        ),
    )
