"""The part of the dock where the protected scan is written as DICOM."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from napari_mits_gan.widgets.section import Section

PROTECTED, LAYER = "Protected scan", "Selected layer"
SUBFOLDER = "protected_dicom"


class ExportWidget(Section):
    """Asks for a DICOM series in a new or an empty folder."""

    export_requested = Signal(str, str)
    """What to export (`PROTECTED` or `LAYER`), and the folder."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Export as DICOM", parent)
        self.source = QComboBox()
        self.source.addItems([PROTECTED, LAYER])
        self.source.setToolTip("What to write; a simulated attack is never written as DICOM")
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("New or empty folder")
        self.choose_button = QPushButton("…")
        self.choose_button.setToolTip("Choose the folder")
        self.choose_button.setMaximumWidth(30)
        self.export_button = QPushButton("Export")
        self.export_button.setToolTip("Write a derived DICOM series; nothing is ever written over")
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.folder, 1)
        row.addWidget(self.choose_button)
        self.body.addLayout(row)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.source, 1)
        row.addWidget(self.export_button, 1)
        self.body.addLayout(row)

        self.choose_button.clicked.connect(self._choose)
        self.export_button.clicked.connect(
            lambda: self.export_requested.emit(self.source.currentText(), self.folder.text().strip())
        )
        self.set_ready(False)

    def set_ready(self, ready: bool) -> None:
        """Whether a scan is open and no other long work runs."""
        self.export_button.setEnabled(ready)

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the DICOM series", self.folder.text())
        if chosen:
            folder = Path(chosen)
            self.folder.setText(str(folder / SUBFOLDER if any(folder.iterdir()) else folder))
