"""The part of the dock where a CT scan is chosen."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from napari_mits_gan.ct.suffixes import READABLE_SUFFIXES
from napari_mits_gan.widgets.section import Section, note

FILE_FILTER = f"CT scans ({' '.join(f'*{suffix}' for suffix in READABLE_SUFFIXES)});;All files (*)"


class LoadWidget(Section):
    """Asks for a scan: a folder, a file, the sample, or a layer that is open already."""

    open_requested = Signal(str)
    """A path to read."""
    sample_requested = Signal()
    layer_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("CT scan", parent)
        self.path = QLineEdit()
        self.path.setPlaceholderText("Folder or file; press Enter to open")
        self.path.setToolTip("A DICOM folder or file, or a NIfTI, MetaImage or NRRD file")
        self.folder_button = QPushButton("Folder…")
        self.folder_button.setToolTip("Open a folder with a DICOM series")
        self.file_button = QPushButton("File…")
        self.file_button.setToolTip("Open a DICOM file (its whole series), NIfTI, MetaImage or NRRD")
        self.sample_button = QPushButton("Sample")
        self.sample_button.setToolTip("Open the chest phantom that comes with this plugin")
        self.layer_button = QPushButton("Layer")
        self.layer_button.setToolTip(
            "Take the selected image layer for a CT scan in HU; its scale is the spacing in mm"
        )
        self.summary = note("No scan is open yet. You can also drop one into the window.")

        self.body.addWidget(self.path)
        row = QHBoxLayout()
        for button in (self.folder_button, self.file_button, self.sample_button, self.layer_button):
            row.addWidget(button)
        self.body.addLayout(row)
        self.body.addWidget(self.summary)

        self.path.returnPressed.connect(self._open)
        self.folder_button.clicked.connect(self._choose_folder)
        self.file_button.clicked.connect(self._choose_file)
        self.sample_button.clicked.connect(lambda: self.sample_requested.emit())
        self.layer_button.clicked.connect(lambda: self.layer_requested.emit())

    def show_scan(self, text: str) -> None:
        """Say which scan is open."""
        self.summary.setText(text)

    def set_busy(self, busy: bool) -> None:
        """Whether another scan can be asked for now."""
        for widget in (self.path, self.folder_button, self.file_button, self.sample_button, self.layer_button):
            widget.setEnabled(not busy)

    def _open(self) -> None:
        if path := self.path.text().strip():
            self.open_requested.emit(path)

    def _choose_folder(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, "Folder with a CT series", self.path.text()):
            self.path.setText(path)
            self._open()

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "CT scan", self.path.text(), FILE_FILTER)
        if path:
            self.path.setText(path)
            self._open()
