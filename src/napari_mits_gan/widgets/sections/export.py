"""The section where the protected scan is written as DICOM."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLineEdit, QPushButton

from napari_mits_gan.widgets.controls.rows import in_a_row
from napari_mits_gan.widgets.sections.section import Section

PROTECTED, SHOWN, LAYER = "Protected scan", "Scan shown", "Selected layer"
SUBFOLDER = "protected_dicom"


class ExportSection(Section):
    """Writes a DICOM series into a new or an empty folder."""

    name, title = "export", "Export"
    help = "Write the protected or sealed scan as a DICOM series"

    def build(self) -> None:
        """Folder, what to write, and the button."""
        self.source = QComboBox()
        self.source.addItems([PROTECTED, SHOWN, LAYER])
        self.source.setAccessibleName("What to write")
        self.source.setToolTip(
            "What to write, with its seal if it has one; “Scan shown” leaves the attacks out: a simulated attack is "
            "never written as DICOM"
        )
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("New or empty folder")
        self.folder.setAccessibleName("Folder to write to")
        self.folder.setToolTip("Where to write; nothing is ever written over")
        self.choose_button = QPushButton("…")
        self.choose_button.setToolTip("Choose the folder")
        self.choose_button.setAccessibleName("Choose the folder")
        self.choose_button.setMaximumWidth(30)
        self.export_button = QPushButton("Export")
        self.export_button.setToolTip("Write a derived DICOM series; nothing is ever written over")
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.folder, 1)
        row.addWidget(self.choose_button)
        self.body.addLayout(row)
        self.body.addLayout(in_a_row(self.source, self.export_button))
        self.choose_button.clicked.connect(self._choose)
        self.export_button.clicked.connect(self._export)

    def refresh(self) -> None:
        """Whether there is a scan and no other long work runs."""
        self.export_button.setEnabled(self.workspace.is_open and not self.workspace.busy)

    def _export(self) -> None:
        source = self.source.currentText()
        self.workspace.exporting.export(
            self.folder.text().strip(), selected_layer=source == LAYER, shown=source == SHOWN
        )

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the DICOM series", self.folder.text())
        if chosen:
            folder = Path(chosen)
            self.folder.setText(str(folder / SUBFOLDER if any(folder.iterdir()) else folder))
