"""The buttons that choose which page of the dock is shown, and one for help."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QPushButton, QSizePolicy, QWidget

_COLUMNS = 4
_STYLE = (
    "QPushButton { padding: 4px 2px; border-radius: 3px; }"
    "QPushButton:checked { background: #2f6fb5; color: white; font-weight: bold; }"
)


class TaskBar(QWidget):
    """One button for each page, in rows of four; exactly one is down."""

    chosen = Signal(str)
    """The name of the page that the user asks for."""
    help_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(4, 0, 4, 0)
        self._grid.setSpacing(3)

    def add(self, name: str, title: str, tip: str) -> None:
        """Add a page."""
        button = QPushButton(title)
        button.setCheckable(True)
        button.setStyleSheet(_STYLE)
        button.setToolTip(tip)
        button.setAccessibleName(f"Page {title}")
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        row, column = divmod(len(self.buttons), _COLUMNS)
        self._grid.addWidget(button, row, column)
        self._group.addButton(button)
        self.buttons[name] = button
        button.clicked.connect(lambda _=False, name=name: self.chosen.emit(name))

    def add_help(self, tip: str) -> None:
        """Add a button for help, behind the pages."""
        button = self.help_button = QPushButton("?")
        button.setStyleSheet(_STYLE)
        button.setToolTip(tip)
        button.setAccessibleName("Help")
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        row, column = divmod(len(self.buttons), _COLUMNS)
        self._grid.addWidget(button, row, column)
        button.clicked.connect(lambda: self.help_requested.emit())

    def show_chosen(self, name: str) -> None:
        """Let the button of the page that is shown be down."""
        self.buttons[name].setChecked(True)
