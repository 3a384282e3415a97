"""The part of the dock where the scan is protected, and where the protection is switched on and off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QPushButton, QSlider, QSpinBox, QWidget

from napari_mits_gan.widgets.section import Section, in_a_row
from napari_mits_gan.widgets.vulnerability_row import VulnerabilityRow

MIN_BUDGET_HU, DEFAULT_BUDGET_HU, MAX_BUDGET_HU = 1, 20, 40
SWITCH_SHORTCUT = "Ctrl+Alt+X"
LONGEST_KEY = 500
_SWITCH_STYLE = (
    "QPushButton { font-weight: bold; padding: 6px; border-radius: 4px; }"
    "QPushButton:checked { background: #1d7f4f; color: white; }"
    "QPushButton:!checked:enabled { background: #8a4b12; color: white; }"
)


class ProtectionWidget(Section):
    """Asks for a protection, and for the protected or the original version to be shown."""

    protect_requested = Signal(str, int, str)
    """Method, largest change in HU, key; an empty one is none."""
    device_chosen = Signal(str)
    switched = Signal(bool)
    """Protection on or off, as the user wants it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Protection", parent)
        self.method = QComboBox()
        self.method.addItem("mits-gan")
        self.method.setToolTip("How the protective pattern is made; the others are there to compare with")
        self.device = QComboBox()
        self.device.addItems(["auto", "cpu"])
        self.device.setToolTip("Where networks are computed; auto takes the fastest that this computer has")
        self.budget = QSpinBox()
        self.budget_slider = QSlider(Qt.Orientation.Horizontal)
        for control in (self.budget, self.budget_slider):
            control.setRange(MIN_BUDGET_HU, MAX_BUDGET_HU)
            control.setValue(DEFAULT_BUDGET_HU)
            control.setToolTip("No voxel changes by more than this")
        self.budget.setSuffix(" HU")
        self.budget.valueChanged.connect(self.budget_slider.setValue)
        self.budget_slider.valueChanged.connect(self.budget.setValue)
        self.key = QLineEdit()
        self.key.setEchoMode(QLineEdit.EchoMode.PasswordEchoOnEdit)
        self.key.setMaxLength(LONGEST_KEY)
        self.key.setPlaceholderText("none")
        self.key.setToolTip(
            "Any text that only you know: the same one gives the same protection again, another one another pattern. "
            "It is not stored or exported. Somebody who studies the scan can measure the pattern all the same"
        )
        self.protect_button = QPushButton("Protect")
        self.protect_button.setToolTip(
            "Compute the protected version of the whole scan; you can go on working meanwhile"
        )
        self.switch = QPushButton("Not protected yet")
        self.switch.setCheckable(True)
        self.switch.setEnabled(False)
        self.switch.setStyleSheet(_SWITCH_STYLE)
        self.switch.setShortcut(SWITCH_SHORTCUT)
        self.switch.setToolTip(
            f"Show and attack the protected or the original scan; the attacks are replayed ({SWITCH_SHORTCUT})"
        )

        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.addRow("Method", in_a_row(self.method, QLabel("on"), self.device))
        form.addRow("Budget", in_a_row(self.budget_slider, self.budget))
        form.addRow("Key", in_a_row(self.key, self.protect_button))
        self.body.addLayout(form)
        self.vulnerability = VulnerabilityRow()
        self.body.addWidget(self.switch)
        self.body.addWidget(self.vulnerability)

        self.device.currentTextChanged.connect(self.device_chosen)
        self.protect_button.clicked.connect(
            lambda: self.protect_requested.emit(self.method.currentText(), self.budget.value(), self.key.text())
        )
        self.switch.clicked.connect(self.switched)
        self.set_ready(False)

    def offer(self, devices: Sequence[str], methods: Mapping[str, str]) -> None:
        """Say what can be chosen from; what is chosen stays, where it can.

        Parameters
        ----------
        devices : sequence of str
            Where networks can be computed.
        methods : mapping of str to str
            The protections, and what each is in one line.
        """
        for box, names in ((self.device, devices), (self.method, methods)):
            chosen = box.currentText()
            box.blockSignals(True)
            box.clear()
            box.addItems(list(names))
            box.setCurrentText(chosen)
            box.blockSignals(False)
        for row, words in enumerate(methods.values()):
            self.method.setItemData(row, words, Qt.ItemDataRole.ToolTipRole)

    def set_ready(self, ready: bool) -> None:
        """Whether a scan is open and no other long work runs."""
        self.protect_button.setEnabled(ready)

    def show_protection(self, exists: bool, on: bool) -> None:
        """Say whether there is a protected version, and whether it is the one that is shown."""
        self.switch.setEnabled(exists)
        self.switch.setChecked(on)
        self.switch.setText(
            "Not protected yet" if not exists else "Protection is ON" if on else "Protection is OFF: original scan"
        )
        # a button loses its shortcut with its text
        self.switch.setShortcut(SWITCH_SHORTCUT)
