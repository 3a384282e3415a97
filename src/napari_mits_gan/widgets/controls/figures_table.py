"""The figures beside the pictures: how far two versions of the scan lie apart."""

from __future__ import annotations

from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_mits_gan.session import Figures

ROWS = (
    ("Largest change (HU)", "max_change_hu", "{:.0f}"),
    ("RMS change (HU)", "rms_hu", "{:.1f}"),
    ("PSNR (dB)", "psnr_db", "{:.1f}"),
    ("SSIM", "ssim", "{:.4f}"),
)
"""What stands in each row: title with unit, name in `Fidelity`, and how a number is written."""
COLUMNS = ("protection_slice", "protection_cuboid", "attack_slice", "attack_cuboid")
NOTHING = "–"
CELL_PIXELS = 54
"""Wide enough for every figure, so that the dock keeps its width when they come."""


class FiguresTable(QWidget):
    """Four figures for each pair of volumes, in the slice that is shown and in the tampered cuboid."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 2, 0, 0)
        grid.setVerticalSpacing(1)
        grid.addWidget(QLabel("Protected vs original"), 0, 0)
        for column, title, tip in (
            (1, "scan", "What the protection changes in the scan"),
            (3, "attacked scan", "What the protection changes in the attack's result"),
        ):
            label = QLabel(title)
            label.setToolTip(tip)
            grid.addWidget(label, 0, column, 1, 2)
        for column in range(4):
            label = QLabel("slice" if column % 2 == 0 else "cuboid")
            label.setToolTip(
                "In the slice that is shown" if column % 2 == 0 else "In the cuboid of 32 mm around the selected attack"
            )
            grid.addWidget(label, 1, 1 + column)
        self.any = False
        """Whether there is any figure to show."""
        self._cells: dict[tuple[str, str], QLabel] = {}
        for row, (title, name, _) in enumerate(ROWS, start=2):
            grid.addWidget(QLabel(title), row, 0)
            for column, part in enumerate(COLUMNS, start=1):
                cell = self._cells[part, name] = QLabel(NOTHING)
                cell.setMinimumWidth(CELL_PIXELS)
                grid.addWidget(cell, row, column)
        for column in range(1, 5):
            grid.setColumnStretch(column, 1)

    def show_figures(self, figures: Figures) -> None:
        """Fill the table; what there is not to compare stays a dash."""
        self.any = any(getattr(figures, part) is not None for part in COLUMNS)
        for part in COLUMNS:
            fidelity = getattr(figures, part)
            for _, name, pattern in ROWS:
                text = NOTHING if fidelity is None else pattern.format(getattr(fidelity, name)).replace("inf", "∞")
                self._cells[part, name].setText(text)

    def text(self, part: str, name: str) -> str:
        """What stands in one cell: `part` as in `Figures`, `name` as in `Fidelity`."""
        return self._cells[part, name].text()
