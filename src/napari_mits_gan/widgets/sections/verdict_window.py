"""A small window beside the main one with the table of verdicts: one row for each attack."""

from __future__ import annotations

from qtpy.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_mits_gan.widgets.controls.rows import note
from napari_mits_gan.widgets.controls.verdict_table import VerdictTable
from napari_mits_gan.widgets.workspace import Workspace

EXPLANATION = (
    "Detector: its score from 0 to 1, in bold where it reports a nodule. Deviation: how far what is painted into the "
    "protected scan differs from what is painted into the original, each attack on its own; disrupted from 0.0125 on. "
    "Core: mean HU of the 10 mm around the site after the attack. A click goes there."
)


class VerdictWindow(QDialog):
    """Shows the verdicts while it is open, goes to the attack that is clicked on, and saves them as CSV."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("MITS-GAN: what became of each attack")
        self.resize(1200, 300)  # all columns, where the screen is as wide
        self.workspace = workspace
        self.table = VerdictTable()
        self.save_button = QPushButton("Save as CSV…")
        self.save_button.setToolTip("Write the table into a new file, with all figures unrounded")
        self.nodule_button = QPushButton("Nodule in 3-D")
        self.nodule_button.setToolTip("Show the nodule of the selected attack by itself, in 3-D, in the main window")
        layout = QVBoxLayout(self)
        layout.addWidget(self.table, 1)
        row = QHBoxLayout()
        row.addWidget(note(EXPLANATION), 1)
        row.addWidget(self.nodule_button)
        row.addWidget(self.save_button)
        layout.addLayout(row)
        self.table.chosen.connect(self._go_to)
        self.nodule_button.clicked.connect(lambda: workspace.nodule_3d.start())
        self.save_button.clicked.connect(self._save)
        workspace.changed.connect(self.refresh)

    def open_table(self) -> None:
        """Show the window with what there is."""
        self.show()
        self.raise_()
        self.refresh()

    def refresh(self) -> None:
        """The verdicts as they are now."""
        if self.isVisible():
            self.table.show_verdicts(self.workspace.judging.verdicts)

    def _go_to(self, number: int) -> None:
        self.workspace.display.select(number)
        self.workspace.display.zoom()

    def _save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, "Verdicts as CSV", str(self.workspace.preferences.start_folder / "verdicts.csv"), "*.csv"
        )
        if path:
            self.workspace.judging.save(path)
