"""One row of the attack part: which attacker the next attack is made with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QAction
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QPushButton, QSizePolicy, QWidget
from superqt import QElidingLabel

from napari_mits_gan.session import BUILT_IN

FILE_FILTER = "Attacker's weights (*.safetensors);;All files (*)"


class AttackerRow(QWidget):
    """Says which attacker is in use, and asks for another."""

    chosen = Signal(object)
    """An attacker's name, or the path of its weights, or None for the usual one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = QElidingLabel()
        self.name.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.button = QPushButton("Choose…")
        self.button.setAccessibleName("Choose the attacker")
        self.button.setToolTip(
            "Make the next attacks with another attacker; attacks in the list keep the attacker they were made with"
        )
        menu = self.menu = QMenu(self.button)
        self.folder_action = QAction("Folder of CT-GAN's authors (Keras)…", menu)
        self.file_action = QAction("Weights file (safetensors)…", menu)
        self.built_in_action = QAction("Built in", menu)
        self.named_actions: list[QAction] = []
        """Attackers that can be chosen by their names, beside the usual one."""
        self._offered: dict[str, str] = {}
        menu.addAction(self.built_in_action)
        self._end_of_names = menu.addSeparator()
        menu.addActions([self.file_action, self.folder_action])
        self.button.setMenu(menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.name, 1)
        row.addWidget(self.button)

        self.folder_action.triggered.connect(lambda: self._choose_folder())
        self.file_action.triggered.connect(lambda: self._choose_file())
        self.built_in_action.triggered.connect(lambda: self.chosen.emit(None))
        self.show_attacker(BUILT_IN)

    def offer(self, attackers: Mapping[str, str]) -> None:
        """List the attackers of one action, each with a few words about it; the first is the usual one."""
        if dict(attackers) == self._offered:
            return
        self._offered = dict(attackers)
        for action in self.named_actions:
            self.menu.removeAction(action)
            action.deleteLater()
        self.named_actions = []
        for name, description in list(attackers.items())[1:]:
            action = QAction(f"{name} · {description}", self.menu)
            action.triggered.connect(lambda _=False, name=name: self.chosen.emit(name))
            self.menu.insertAction(self._end_of_names, action)
            self.named_actions.append(action)

    def show_attacker(self, name: str) -> None:
        """Say which attacker the next attack is made with."""
        self.name.setText(f"Attacker: {'built in' if name == BUILT_IN else name}")
        self.name.setToolTip("The attacker that comes with this plugin" if name == BUILT_IN else name)
        self.built_in_action.setEnabled(name != BUILT_IN)

    def _choose_folder(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, "Folder with G_model.h5 and its calibration"):
            self.chosen.emit(Path(path))

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Attacker's weights", "", FILE_FILTER)
        if path:
            self.chosen.emit(Path(path))
