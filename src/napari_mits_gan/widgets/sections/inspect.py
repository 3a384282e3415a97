"""The section where a scan that nobody sealed is looked through for traces of tampering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QPushButton

from napari_mits_gan.inspection.result import CANNOT_SEE
from napari_mits_gan.widgets.controls.place_list import PlaceList
from napari_mits_gan.widgets.controls.rows import in_a_row, note
from napari_mits_gan.widgets.sections.section import Section

if TYPE_CHECKING:
    from napari_mits_gan.session.inspection import Inspected

INSPECT_SHORTCUT = "Ctrl+Alt+I"
NOT_INSPECTED = "Not inspected yet"
PURPOSE = (
    "Looks for what tampering leaves in a scan that nobody sealed. Finding nothing does not show that the scan is "
    "untouched; a seal, made beforehand on the page Evidence, tells any change."
)
_FOUND_STYLE = "QLabel { background: #8c2323; color: white; font-weight: bold; padding: 4px; border-radius: 3px; }"


class InspectSection(Section):
    """Inspect, headline, findings."""

    name, title = "inspect", "Inspect"
    help = "Look for traces of tampering in a scan that nobody sealed"
    stretches = True

    def build(self) -> None:
        """Buttons, headline and list."""
        self._shown: Inspected | None = None
        self.inspect_button = QPushButton("Inspect")
        self.on_keys(INSPECT_SHORTCUT, self.inspect_button)
        self.inspect_button.setToolTip(
            f"Look for traces of tampering in the scan that is shown, without a key ({INSPECT_SHORTCUT}). Not seen: "
            f"{'; '.join(CANNOT_SEE)}"
        )
        self.clear_button = QPushButton("×")
        self.clear_button.setMaximumWidth(26)
        self.clear_button.setAccessibleName("Put the findings away")
        self.clear_button.setToolTip("Put the findings and their marks away")
        self.headline = note(NOT_INSPECTED)
        self.hint = note()
        self.findings = PlaceList("Traces found", "What untouched scans hardly ever show; choose one to go there")
        row = in_a_row(self.inspect_button)
        row.addWidget(self.clear_button)
        self.body.addLayout(row)
        self.body.addWidget(self.headline)
        self.body.addWidget(self.hint)
        self.body.addWidget(self.findings, 100)
        self.body.addStretch(1)
        inspecting = self.workspace.inspecting
        self.inspect_button.clicked.connect(lambda: inspecting.inspect())
        self.clear_button.clicked.connect(lambda: inspecting.clear())
        self.findings.chosen.connect(inspecting.go_to)

    def refresh(self) -> None:
        """What was found, and whether it can be asked for."""
        work = self.workspace
        found = work.inspecting.found
        self.inspect_button.setEnabled(work.is_open and not work.busy)
        self.clear_button.setEnabled(found is not None)
        first = "Press Inspect" if work.is_open else "First open a scan on the page Scan, then press Inspect"
        self.hint.setText(f"{PURPOSE}\n{first}: traces are listed here, and marked in the panels.")
        self.hint.setVisible(found is None)
        if found is self._shown and found is not None:
            return
        self._shown = found
        self.headline.setText(NOT_INSPECTED if found is None else found.inspection.headline)
        self.headline.setStyleSheet(_FOUND_STYLE if found is not None and found.inspection.found else "")
        self.findings.clear()
        for finding in work.inspecting.findings:
            z, y, x = finding.at
            self.findings.addItem(f"z {z}, y {y}, x {x}: {finding.sentence}")
        self.findings.setVisible(self.findings.count() > 0)
