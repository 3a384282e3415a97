"""The part of the dock where nodules are put in and taken out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QButtonGroup, QLabel, QListWidget, QPushButton, QSpinBox, QWidget

from napari_mits_gan.session import Action, Choice, Injection, Verdict
from napari_mits_gan.widgets.attack_words import attack_details, attack_words
from napari_mits_gan.widgets.attacker_row import AttackerRow
from napari_mits_gan.widgets.section import Section, in_a_row
from napari_mits_gan.widgets.suggestion_row import SuggestionRow

if TYPE_CHECKING:
    pass

ARM_SHORTCUT = "Ctrl+Alt+A"
UNDO_SHORTCUT = "Ctrl+Alt+Z"
HERE_SHORTCUT = "Ctrl+Alt+H"
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
    action_chosen = Signal(str)
    suggest_requested = Signal(str)
    """Action."""
    attacker_chosen = Signal(str, object)
    """Action, and the attacker's name or the path of its weights, or None for the usual one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Simulated attack", parent)
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
        self.here_button.setShortcut(HERE_SHORTCUT)
        self.here_button.setToolTip(f"Attack at the place given by these numbers ({HERE_SHORTCUT})")
        self.attacker = AttackerRow()
        self.suggestions = SuggestionRow()
        self.list = QListWidget()
        self.list.setMaximumHeight(84)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setWordWrap(True)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.list.setToolTip("The attacks, oldest first; choose one to go there")
        self.undo_button = QPushButton("Undo last")
        self.undo_button.setShortcut(UNDO_SHORTCUT)
        self.undo_button.setToolTip(f"Take the last attack back ({UNDO_SHORTCUT})")
        self.clear_button = QPushButton("Clear all")
        self.clear_button.setToolTip("Take all attacks back")

        self.body.addLayout(in_a_row(self.inject_button, self.remove_button))
        self.body.addWidget(self.attacker)
        self.body.addWidget(self.arm)
        self.body.addWidget(self.suggestions)
        self.body.addLayout(in_a_row(*self.place, self.here_button))
        self.body.addWidget(self.list)
        self.empty = QLabel("No attacks yet")
        self.body.addLayout(in_a_row(self.empty, self.undo_button, self.clear_button))

        self.arm.toggled.connect(self._on_arm)
        self.here_button.clicked.connect(lambda: self.attack_requested.emit(self.action, self.voxel))
        self.undo_button.clicked.connect(lambda: self.undo_requested.emit())
        self.clear_button.clicked.connect(lambda: self.clear_requested.emit())
        self.list.itemClicked.connect(lambda _: self.injection_selected.emit(self.list.currentRow()))
        self.inject_button.toggled.connect(lambda: self.action_chosen.emit(self.action))
        self.attacker.chosen.connect(lambda choice: self._choose_attacker(choice))
        self.suggestions.suggest_requested.connect(lambda: self.suggest_requested.emit(self.action))
        self._on_arm(False)
        self.set_ready(False)
        self._list_anew(())

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

    def show_injections(self, injections: Sequence[Injection], verdicts: Sequence[Verdict | None] = ()) -> None:
        """List the attacks with what the judge says of them; a newest one is selected.

        Parameters
        ----------
        injections : sequence of Injection
            Oldest first.
        verdicts : sequence of Verdict or None
            One per injection; may be shorter where the judge was not asked.
        """
        if self.list.count() != len(injections) or self.injections != tuple(injections):
            self._list_anew(injections)
        for row, injection in enumerate(injections):
            verdict = verdicts[row] if row < len(verdicts) else None
            if (item := self.list.item(row)) is not None:
                item.setText(attack_words(row + 1, injection, verdict))
                item.setToolTip(attack_details(injection, verdict))

    def show_attacker(self, name: str) -> None:
        """Say which attacker the next attack of the chosen action is made with."""
        self.attacker.show_attacker(name)

    def _list_anew(self, injections: Sequence[Injection]) -> None:
        self.injections = tuple(injections)
        self.list.clear()
        self.list.addItems([""] * len(injections))
        self.list.setCurrentRow(len(injections) - 1)
        self.list.scrollToBottom()
        if injections:
            self.show_place(injections[-1].at)
        self.list.setVisible(bool(injections))
        self.empty.setVisible(not injections)
        self.undo_button.setEnabled(bool(injections))
        self.clear_button.setEnabled(bool(injections))

    def _choose_attacker(self, choice: Choice | None) -> None:
        self.attacker_chosen.emit(self.action, choice)

    def _on_arm(self, on: bool) -> None:
        self.arm.setText("Click in the image to attack: ON" if on else "Click in the image to attack: off")
        self.arm.setShortcut(ARM_SHORTCUT)
        self.armed.emit(on)
