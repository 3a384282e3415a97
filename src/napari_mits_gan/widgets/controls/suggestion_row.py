"""One row of the attack part: ask for plausible sites, and go from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSizePolicy, QWidget

if TYPE_CHECKING:
    from napari_mits_gan.detection.sites import Site

SUGGEST_SHORTCUT = "Ctrl+Alt+C"
NEXT_SHORTCUT = "Ctrl+Alt+N"
NONE_YET = "none yet"


class SuggestionRow(QWidget):
    """Asks for suggestions, lists them, and asks to go to one."""

    suggest_requested = Signal()
    selected = Signal(int)
    """Which of the suggestions the user wants to look at."""
    clear_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.suggest_button = QPushButton("Suggest sites")
        self.suggest_button.setToolTip(
            f"Search for sites where such an attack would be plausible, and mark them ({SUGGEST_SHORTCUT})"
        )
        self.list = QComboBox()
        self.list.setPlaceholderText(NONE_YET)
        self.list.setToolTip("The suggestions, best first; choose one to go there, then press “Attack here”")
        self.list.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.next_button = QPushButton("Next")
        self.next_button.setToolTip(f"Go to the next suggestion ({NEXT_SHORTCUT})")
        self.clear_button = QPushButton("×")
        self.clear_button.setMaximumWidth(26)
        self.clear_button.setToolTip("Take the suggestions away")
        self.clear_button.setAccessibleName("Take the suggestions away")
        self.list.setAccessibleName("Suggested sites")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.suggest_button)
        row.addWidget(self.list, 1)
        row.addWidget(self.next_button)
        row.addWidget(self.clear_button)

        self.suggest_button.clicked.connect(lambda: self.suggest_requested.emit())
        self.list.activated.connect(self.selected)
        self.next_button.clicked.connect(self._go_on)
        self.clear_button.clicked.connect(lambda: self.clear_requested.emit())
        self.show_suggestions((), -1)

    def set_ready(self, ready: bool) -> None:
        """Whether a scan is open and no other long work runs."""
        self.suggest_button.setEnabled(ready)

    def show_suggestions(self, sites: Sequence[Site], current: int) -> None:
        """List the suggestions; `current` is the one that is looked at, -1 for none."""
        texts = [f"{number}. {_voxel(site)} · {site.score:.2f}" for number, site in enumerate(sites, start=1)]
        if texts != [self.list.itemText(row) for row in range(self.list.count())]:
            self.list.clear()
            self.list.addItems(texts)
        self.list.setPlaceholderText(f"{len(texts)} found" if texts else NONE_YET)
        self.list.setCurrentIndex(current)
        for widget in (self.list, self.next_button, self.clear_button):
            widget.setEnabled(bool(texts))

    def _go_on(self) -> None:
        self.selected.emit((self.list.currentIndex() + 1) % max(self.list.count(), 1))


def _voxel(site: Site) -> str:
    """Short, since the row is narrow."""
    return " ".join(f"{axis}{value}" for axis, value in zip("zyx", site.at, strict=True))
