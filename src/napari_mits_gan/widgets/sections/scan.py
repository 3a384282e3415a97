"""The section where a CT scan is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QLineEdit, QPushButton

from napari_mits_gan.ct.suffixes import READABLE_SUFFIXES
from napari_mits_gan.widgets.controls.rows import in_a_row, note
from napari_mits_gan.widgets.controls.series_chooser import SeriesChooser
from napari_mits_gan.widgets.sections.replacing import may_replace
from napari_mits_gan.widgets.sections.section import Section

if TYPE_CHECKING:
    from napari_mits_gan.ct.read import SeriesInfo

FILE_FILTER = f"CT scans ({' '.join(f'*{suffix}' for suffix in READABLE_SUFFIXES)});;All files (*)"
NONE_YET = "No scan is open yet. You can also drop one into the window."


class ScanSection(Section):
    """Opens a scan: a folder, a file, the sample, or a layer that is open already."""

    name, title = "scan", "Scan"
    help = "Open a CT scan"

    def build(self) -> None:
        """Path, four buttons, and what is open."""
        loading = self.workspace.loading
        self.path = QLineEdit()
        self.path.setPlaceholderText("Folder or file; press Enter to open")
        self.path.setAccessibleName("Folder or file")
        self.path.setToolTip("A DICOM folder or file, a zip or tar file, or a NIfTI, MetaImage or NRRD file")
        self.folder_button = QPushButton("Folder…")
        self.folder_button.setToolTip("Open a folder with a DICOM series")
        self.file_button = QPushButton("File…")
        self.file_button.setToolTip("Open a DICOM file (its whole series), a zip or tar file, NIfTI, MetaImage or NRRD")
        self.sample_button = QPushButton("Sample")
        self.sample_button.setToolTip("Open the chest phantom that comes with this plugin")
        self.layer_button = QPushButton("Layer")
        self.layer_button.setToolTip(
            "Take the selected image layer for a CT scan in HU; its scale is the spacing in mm"
        )
        self.summary = note(NONE_YET)
        self.notes = note("")
        self.earlier = note()
        self._controls = (self.path, self.folder_button, self.file_button, self.sample_button, self.layer_button)

        self.body.addWidget(self.path)
        self.body.addLayout(in_a_row(*self._controls[1:]))
        self.body.addWidget(self.summary)
        self.body.addWidget(self.notes)
        self.body.addWidget(self.earlier)

        self.path.returnPressed.connect(self._open)
        self.folder_button.clicked.connect(self.choose_folder)
        self.file_button.clicked.connect(self._choose_file)
        self.sample_button.clicked.connect(self._open_sample)
        self.layer_button.clicked.connect(self._open_layer)
        loading.several_series.connect(self.choose_series)

    def refresh(self) -> None:
        """What is open, and whether another scan can be asked for now."""
        loading = self.workspace.loading
        self.summary.setText(loading.summary or NONE_YET)
        self.earlier.setText(loading.earlier)
        self.earlier.setVisible(bool(loading.earlier))
        self.notes.setText(" ".join(loading.notes))
        self.notes.setVisible(bool(loading.notes))
        for widget in self._controls:
            widget.setEnabled(not self.workspace.busy)

    def choose_folder(self) -> None:
        """Ask for a folder and open it."""
        if path := QFileDialog.getExistingDirectory(self, "Folder with a CT series", self._begin()):
            self.path.setText(path)
            self._open()

    def choose_series(self, path: str, series: list[SeriesInfo]) -> SeriesChooser:
        """Ask which of several series to open; returns the dialog, which does not block the window."""
        chooser = SeriesChooser(series, self)
        chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chooser.accepted.connect(lambda: self.workspace.loading.open_path(path, chooser.chosen))
        chooser.open()
        return chooser

    def _begin(self) -> str:
        """Where a file dialog begins."""
        return self.path.text() or str(self.workspace.preferences.start_folder)

    def _open(self) -> None:
        if (path := self.path.text().strip()) and may_replace(self.workspace, self):
            self.workspace.loading.open_path(path)

    def _open_sample(self) -> None:
        if may_replace(self.workspace, self):
            self.workspace.loading.open_sample()

    def _open_layer(self) -> None:
        self.workspace.loading.open_selected_layer(lambda: may_replace(self.workspace, self))

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "CT scan", self._begin(), FILE_FILTER)
        if path:
            self.path.setText(path)
            self._open()
