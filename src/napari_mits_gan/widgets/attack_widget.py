"""The part of the dock where nodules are put in and taken out."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QLabel, QListWidget, QPushButton, QSpinBox, QWidget

from napari_mits_gan.session import Action, Injection
from napari_mits_gan.widgets.section import Section, in_a_row

ARM_SHORTCUT = "Ctrl+Alt+A"
UNDO_SHORTCUT = "Ctrl+Alt+Z"
WORDS: dict[Action, str] = {"inject": "Inject", "remove": "Remove"}
_CHOICE_STYLE = "QPushButton:checked { background: #2f6fb5; color: white; font-weight: bold; }"
_ARM_STYLE = (
    "QPushButton { padding: 5px; } QPushButton:checked { background: #a33a2c; color: white; font-weight: bold; }"
)


class AttackWidget(Section):
    """Asks for simulated attacks, by a click in the image or by numbers, and for taking them back."""

    armed = Signal(bool)
    """Whether a click in the image is an attack."""
    attack_requested = Signal(str, tuple)
    """Action, and voxel (z, y, x)."""
    undo_requested = Signal()
    clear_requested = Signal()
    injection_selected = Signal(int)
    """Row of the injection that the user wants to look at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Simulated attack (CT-GAN)", parent)
        self.inject_button = QPushButton("Inject a nodule")
        self.remove_button = QPushButton("Remove a nodule")
        self.choice = QButtonGroup(self)
        for button, tip in (
            (self.inject_button, "An attack puts a nodule in that is not there"),
            (self.remove_button, "An attack makes a nodule disappear"),
        ):
            button.setCheckable(True)
            button.setStyleSheet(_CHOICE_STYLE)
            button.setToolTip(tip)
            self.choice.addButton(button)
        self.inject_button.setChecked(True)
        self.arm = QPushButton()
        self.arm.setCheckable(True)
        self.arm.setStyleSheet(_ARM_STYLE)
        self.arm.setToolTip(
            f"While this is on, a click in any panel attacks there; dragging still moves ({ARM_SHORTCUT})"
        )
        self.place = tuple(QSpinBox() for _ in range(3))
        for box, axis in zip(self.place, "zyx", strict=True):
            box.setRange(0, 9999)
            box.setPrefix(f"{axis} ")
            box.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
            box.setToolTip("Voxel at the centre of the attack; a place outside the scan is refused")
        self.here_button = QPushButton("Attack here")
        self.here_button.setToolTip("Attack at the place given by these numbers")
        self.list = QListWidget()
        self.list.setMaximumHeight(66)
        self.list.setToolTip("The attacks, oldest first; choose one to go there")
        self.undo_button = QPushButton("Undo last")
        self.undo_button.setShortcut(UNDO_SHORTCUT)
        self.undo_button.setToolTip(f"Take the last attack back ({UNDO_SHORTCUT})")
        self.clear_button = QPushButton("Clear all")
        self.clear_button.setToolTip("Take all attacks back")

        self.body.addLayout(in_a_row(self.inject_button, self.remove_button))
        self.body.addWidget(self.arm)
        self.body.addLayout(in_a_row(*self.place, self.here_button))
        self.body.addWidget(self.list)
        self.empty = QLabel("No attacks yet")
        self.body.addLayout(in_a_row(self.empty, self.undo_button, self.clear_button))

        self.arm.toggled.connect(self._on_arm)
        self.here_button.clicked.connect(lambda: self.attack_requested.emit(self.action, self.voxel))
        self.undo_button.clicked.connect(lambda: self.undo_requested.emit())
        self.clear_button.clicked.connect(lambda: self.clear_requested.emit())
        self.list.itemClicked.connect(lambda _: self.injection_selected.emit(self.list.currentRow()))
        self._on_arm(False)
        self.set_ready(False)
        self.show_injections(())

    @property
    def action(self) -> Action:
        """Whether to inject or to remove."""
        return "inject" if self.inject_button.isChecked() else "remove"

    @property
    def voxel(self) -> tuple[int, int, int]:
        """The place (z, y, x) that the numbers give."""
        z, y, x = (box.value() for box in self.place)
        return (z, y, x)

    def set_ready(self, ready: bool) -> None:
        """Whether there is a scan to attack."""
        for widget in (self.arm, self.here_button, *self.place):
            widget.setEnabled(ready)

    def show_place(self, at: Sequence[int]) -> None:
        """Show a voxel (z, y, x) in the numbers."""
        for box, value in zip(self.place, at, strict=True):
            box.setValue(int(value))

    def show_injections(self, injections: Sequence[Injection]) -> None:
        """List the attacks; the newest is selected."""
        self.injections = tuple(injections)
        self.list.clear()
        for number, injection in enumerate(injections, start=1):
            z, y, x = injection.at
            self.list.addItem(f"{number}. {WORDS[injection.action]} at z {z}, y {y}, x {x}")
        self.list.setCurrentRow(len(injections) - 1)
        self.list.scrollToBottom()
        if injections:
            self.show_place(injections[-1].at)
        self.list.setVisible(bool(injections))
        self.empty.setVisible(not injections)
        self.undo_button.setEnabled(bool(injections))
        self.clear_button.setEnabled(bool(injections))

    def _on_arm(self, on: bool) -> None:
        self.arm.setText("Click in the image to attack: ON" if on else "Click in the image to attack: off")
        self.arm.setShortcut(ARM_SHORTCUT)
        self.armed.emit(on)
