"""The section where nodules are injected and removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QButtonGroup, QLabel, QPushButton

from napari_mits_gan.session import AttackVerdict, Injection
from napari_mits_gan.widgets.controls.attack_words import details, row_words, warning_words
from napari_mits_gan.widgets.controls.attacker_row import AttackerRow
from napari_mits_gan.widgets.controls.place_list import PlaceList
from napari_mits_gan.widgets.controls.rows import in_a_row
from napari_mits_gan.widgets.controls.suggestion_row import NEXT_SHORTCUT, SUGGEST_SHORTCUT, SuggestionRow
from napari_mits_gan.widgets.controls.voxel_boxes import VoxelBoxes
from napari_mits_gan.widgets.sections.section import Section

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Action

ARM_SHORTCUT = "Ctrl+Alt+A"
UNDO_SHORTCUT = "Ctrl+Alt+Z"
HERE_SHORTCUT = "Ctrl+Alt+H"
_CHOICE_STYLE = "QPushButton:checked { background: #2f6fb5; color: white; font-weight: bold; }"
_ARM_STYLE = (
    "QPushButton { padding: 5px; } QPushButton:checked { background: #a33a2c; color: white; font-weight: bold; }"
)


class AttackSection(Section):
    """Simulated attacks, by a click in the image or by numbers, and taking them back."""

    name, title = "attack", "Attack"
    help = "Simulate attacks: inject and remove nodules"
    stretches = True

    def build(self) -> None:
        """Action, attacker, sites, the list of attacks."""
        self.injections: tuple[Injection, ...] = ()
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
        self.arm = QPushButton()
        self.arm.setCheckable(True)
        self.arm.setStyleSheet(_ARM_STYLE)
        self.arm.setToolTip(
            f"While this is on, a click in any panel attacks there; dragging still moves ({ARM_SHORTCUT})"
        )
        self.voxel_boxes = VoxelBoxes("Voxel", "Voxel at the centre of the attack; one outside the scan is refused")
        self.here_button = QPushButton("Attack here")
        self.here_button.setToolTip(f"Attack at the voxel given by these numbers ({HERE_SHORTCUT})")
        self.attacker = AttackerRow()
        self.suggestions = SuggestionRow()
        self.list = PlaceList("Attacks", "The attacks, oldest first; choose one to go there")
        self.empty = QLabel("No attacks yet")
        self.undo_button = QPushButton("Undo last")
        self.undo_button.setToolTip(f"Take the last attack back ({UNDO_SHORTCUT})")
        self.clear_button = QPushButton("Clear all")
        self.clear_button.setToolTip("Take all attacks back")

        self.body.addLayout(in_a_row(self.inject_button, self.remove_button))
        self.body.addWidget(self.attacker)
        self.body.addWidget(self.arm)
        self.body.addWidget(self.suggestions)
        row = in_a_row(self.voxel_boxes, self.here_button)
        row.setStretchFactor(self.voxel_boxes, 3)
        self.body.addLayout(row)
        self.body.addWidget(self.list, 1)
        self.body.addLayout(in_a_row(self.empty, self.undo_button, self.clear_button))
        for keys, button in (
            (ARM_SHORTCUT, self.arm),
            (HERE_SHORTCUT, self.here_button),
            (UNDO_SHORTCUT, self.undo_button),
            (SUGGEST_SHORTCUT, self.suggestions.suggest_button),
            (NEXT_SHORTCUT, self.suggestions.next_button),
        ):
            self.on_keys(keys, button)
        self._connect()
        self._list_anew(())

    def _connect(self) -> None:
        work = self.workspace
        attacking, suggestions, session = work.attacking, work.suggestions, work.session
        self.inject_button.setChecked(attacking.action == "inject")
        self.remove_button.setChecked(attacking.action == "remove")
        self.inject_button.toggled.connect(self._choose_action)
        self.attacker.chosen.connect(lambda choice: attacking.use_attacker(choice))
        self.arm.toggled.connect(work.clicking.arm)
        self.suggestions.suggest_requested.connect(lambda: suggestions.suggest(attacking.action))
        self.suggestions.selected.connect(suggestions.go_to)
        self.suggestions.clear_requested.connect(suggestions.clear)
        self.here_button.clicked.connect(self._attack_here)
        self.undo_button.clicked.connect(lambda: session.undo())
        self.clear_button.clicked.connect(lambda: session.clear())
        self.list.chosen.connect(work.display.select)
        work.visited.connect(self.voxel_boxes.show_voxel)

    def _attack_here(self) -> None:
        attacking = self.workspace.attacking
        if attacking.attack(attacking.action, self.voxel_boxes.voxel):
            self.workspace.display.select(len(self.workspace.session.injections) - 1)

    def refresh(self) -> None:
        """What can be attacked, with what, and what was."""
        work = self.workspace
        for widget in (self.arm, self.here_button, self.voxel_boxes):
            widget.setEnabled(work.is_open)
        armed = work.clicking.armed
        self.arm.setChecked(armed)
        self.arm.setText("Click in the image to attack: ON" if armed else "Click in the image to attack: off")
        self.attacker.offer(work.session.networks.offered(work.attacking.action))
        self.attacker.show_attacker(work.session.networks.chosen(work.attacking.action))
        self.suggestions.set_ready(work.is_open and not work.busy)
        self.suggestions.show_suggestions(work.suggestions.suggested, work.suggestions.current)
        self._show_verdicts(work.judging.verdicts)

    def _choose_action(self, inject: bool) -> None:
        action: Action = "inject" if inject else "remove"
        self.workspace.attacking.choose(action)
        self.workspace.suggestions.show(action)

    def _show_verdicts(self, verdicts: Sequence[AttackVerdict]) -> None:
        injections = tuple(verdict.injection for verdict in verdicts)
        if self.injections != injections:
            self._list_anew(injections)
        for row, verdict in enumerate(verdicts):
            if (item := self.list.item(row)) is not None:
                item.setText(("⚠ " if warning_words(verdict) else "") + row_words(row + 1, verdict))
                item.setToolTip(details(verdict))

    def _list_anew(self, injections: Sequence[Injection]) -> None:
        self.injections = tuple(injections)
        self.list.clear()
        self.list.addItems([""] * len(injections))
        self.list.setCurrentRow(len(injections) - 1)
        self.list.scrollToBottom()
        if injections:
            self.voxel_boxes.show_voxel(injections[-1].at)
        self.empty.setVisible(not injections)
        self.undo_button.setEnabled(bool(injections))
        self.clear_button.setEnabled(bool(injections))
