"""The section where the protected scan is written as DICOM, and the session as a file, a report, or commands."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
)

from napari_mits_gan.widgets.controls.rows import in_a_row
from napari_mits_gan.widgets.sections.replacing import may_replace
from napari_mits_gan.widgets.sections.section import Section

PROTECTED, SHOWN, LAYER = "Protected scan", "Scan shown", "Selected layer"
SUBFOLDER = "protected_dicom"


class ExportSection(Section):
    """Writes a DICOM series into a new or an empty folder; saves, loads and copies what was done."""

    name, title = "export", "Export"
    help = "Write the scan as a DICOM series; save the session, a report, or what was done as commands"

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
        self.anonymise = QCheckBox("Anonymise")
        self.anonymise.setToolTip(
            "Take the patient out of the series (DICOM PS3.15, basic profile): names, dates, identifiers, private "
            "attributes; all UIDs become others. The pixels stay as they are"
        )
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.folder, 1)
        row.addWidget(self.choose_button)
        self.body.addLayout(row)
        self.body.addLayout(in_a_row(self.source, self.anonymise, self.export_button))
        self.save_button = QPushButton("Save session…")
        self.save_button.setToolTip(
            "Write down path of the scan, protection, attacks, view and figures; neither the scan nor keys"
        )
        self.load_button = QPushButton("Load session…")
        self.load_button.setToolTip(
            "Open the scan of a saved session, protect it as it was and make its attacks anew; where a key was used, "
            "type it on the page Protect first"
        )
        self.commands_button = QPushButton("Copy as command line")
        self.commands_button.setToolTip("Copy the commands that protect the scan and make each of the attacks")
        self.python_button = QPushButton("Copy as Python")
        self.python_button.setToolTip("Copy a script that does the same")
        self.report_button = QPushButton("Write a report (HTML)…")
        self.report_button.setToolTip(
            "One page with pictures: every attack on either version, its figures, the findings"
        )
        self.body.addSpacing(8)
        self.body.addWidget(QLabel("This session"))
        self.body.addLayout(in_a_row(self.save_button, self.load_button))
        self.body.addLayout(in_a_row(self.commands_button, self.python_button))
        self.body.addWidget(self.report_button)
        recording = self.workspace.recording
        self.save_button.clicked.connect(self._save)
        self.load_button.clicked.connect(self._load)
        self.commands_button.clicked.connect(lambda: self._copy(recording.as_commands()))
        self.python_button.clicked.connect(lambda: self._copy(recording.as_python()))
        self.report_button.clicked.connect(self._report)
        self.choose_button.clicked.connect(self._choose)
        self.export_button.clicked.connect(self._export)

    def refresh(self) -> None:
        """Whether there is a scan and no other long work runs."""
        is_open, busy = self.workspace.is_open, self.workspace.busy
        for button in (self.export_button, self.report_button):
            button.setEnabled(is_open and not busy)
        for button in (self.save_button, self.commands_button, self.python_button):
            button.setEnabled(is_open)
        self.load_button.setEnabled(not busy)

    @property
    def _begin(self) -> Path:
        """Where a file dialog begins."""
        return self.workspace.preferences.start_folder

    def _save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the session", str(self._begin / "session.json"), "*.json")
        if path:
            self.workspace.recording.save(path)

    def _load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load a session", str(self._begin), "Sessions (*.json)")
        if path and may_replace(self.workspace, self):
            self.workspace.recording.load(path, self.workspace.protecting.typed_key)

    def _report(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Write a report", str(self._begin / "report.html"), "*.html")
        if path:
            self.workspace.recording.report(path)

    def _copy(self, text: str | None) -> None:
        clipboard = QApplication.clipboard()
        if text is not None and clipboard is not None:
            clipboard.setText(text)
            self.workspace.messages.say("Copied; paste it where you need it.")

    def _export(self) -> None:
        source = self.source.currentText()
        self.workspace.exporting.export(
            self.folder.text().strip(),
            selected_layer=source == LAYER,
            shown=source == SHOWN,
            anonymise=self.anonymise.isChecked(),
        )

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self, "Folder for the DICOM series", self.folder.text() or str(self._begin)
        )
        if chosen:
            folder = Path(chosen)
            self.folder.setText(str(folder / SUBFOLDER if any(folder.iterdir()) else folder))
