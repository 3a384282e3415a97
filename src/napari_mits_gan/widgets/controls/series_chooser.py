"""The question which of several series in a folder to open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDialog, QDialogButtonBox, QListWidget, QVBoxLayout, QWidget

from napari_mits_gan.widgets.controls.rows import note

if TYPE_CHECKING:
    from napari_mits_gan.ct.read import SeriesInfo


class SeriesChooser(QDialog):
    """A list of series, one of which can be chosen; the largest is chosen to begin with.

    Parameters
    ----------
    series : sequence of SeriesInfo
        What to choose from.
    """

    def __init__(self, series: Sequence[SeriesInfo], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose a series")
        self.setMinimumWidth(560)
        self._series = list(series)
        self.list = QListWidget()
        self.list.setAccessibleName("Series")
        self.list.setToolTip("The series of this folder; a double click opens one")
        for info in self._series:
            self.list.addItem(row_text(info))
        sizes = [info.number_of_images for info in self._series]
        if sizes:
            self.list.setCurrentRow(sizes.index(max(sizes)))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel)
        layout = QVBoxLayout(self)
        layout.addWidget(note("This folder holds several series. Which one do you want to open?"))
        layout.addWidget(self.list)
        layout.addWidget(self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.list.itemDoubleClicked.connect(lambda _: self.accept())

    @property
    def chosen(self) -> str | None:
        """UID of the series in the selected row."""
        row = self.list.currentRow()
        return self._series[row].uid if row >= 0 else None


def row_text(info: SeriesInfo) -> str:
    """One series in a line, with what tells it from its neighbours: number, kernel, slice thickness, date, patient."""
    told = [info.description or "no description", info.modality or "unknown", f"{info.number_of_images} images"]
    told += [f"number {info.number}"] if info.number is not None else []
    told += [info.kernel] if info.kernel else []
    told += [f"{info.thickness_mm:g} mm"] if info.thickness_mm else []
    date = info.study_date
    told += [f"{date[:4]}-{date[4:6]}-{date[6:]}" if len(date) == 8 and date.isdigit() else date] if date else []
    told += [info.patient_words] if info.patient_words else []
    return " · ".join(told)
