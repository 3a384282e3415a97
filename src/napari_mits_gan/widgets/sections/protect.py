"""The section where the scan is protected, and where the protection is switched on and off."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QLineEdit, QPushButton
from superqt import QLabeledSlider

from napari_mits_gan.options import summary_of
from napari_mits_gan.widgets.controls.options_form import OptionsForm
from napari_mits_gan.widgets.controls.rows import in_a_row
from napari_mits_gan.widgets.controls.vulnerability_row import VulnerabilityRow
from napari_mits_gan.widgets.sections.section import Section
from napari_mits_gan.workflow.protect_series import ProtectionOptions

MIN_BUDGET_HU, DEFAULT_BUDGET_HU, MAX_BUDGET_HU = 1, 20, 40
DEFAULT_METHOD = "mits-gan"
SWITCH_SHORTCUT = "Ctrl+Alt+X"
LONGEST_KEY = 500
_SWITCH_STYLE = (
    "QPushButton { font-weight: bold; padding: 6px; border-radius: 4px; }"
    "QPushButton:checked { background: #1d7f4f; color: white; }"
    "QPushButton:!checked:enabled { background: #8a4b12; color: white; }"
)


class ProtectSection(Section):
    """Makes the protected version, switches it on and off, and maps where it gives way."""

    name, title = "protect", "Protection"

    def build(self) -> None:
        """Method with its options, budget, key, the switch, and the vulnerability map."""
        self.method = QComboBox()
        self.method.addItem(DEFAULT_METHOD)
        self.method.setToolTip("How the protective pattern is made; the others are there to compare with")
        self.device = QComboBox()
        self.device.addItems(self.workspace.preparing.devices)
        self.device.setCurrentText(self.workspace.session.networks.device)
        self.device.setToolTip("Where networks are computed; auto takes the fastest that this computer has")
        self.options = OptionsForm()
        self.options_button = QPushButton("Options…")
        self.options_button.setCheckable(True)
        self.options_button.setToolTip("Settings of the chosen method, and scans without lungs")
        self.without_lungs = QCheckBox("Also a scan without lungs")
        self.without_lungs.setToolTip(
            "Protect the whole body of a scan in which no lung is found, which is refused otherwise"
        )
        self.budget = QLabeledSlider(Qt.Orientation.Horizontal)
        self.budget.setRange(MIN_BUDGET_HU, MAX_BUDGET_HU)
        self.budget.setValue(DEFAULT_BUDGET_HU)
        self.budget.setToolTip("No voxel changes by more than this, in HU")
        self.seal_too = QCheckBox("and seal")
        self.seal_too.setToolTip(
            "Seal the protected scan as well, with the key and the bits chosen under Evidence; choose a key there first"
        )
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
        self.switch.setStyleSheet(_SWITCH_STYLE)
        self.switch.setToolTip(
            f"Show and attack the protected or the original scan; the attacks are replayed ({SWITCH_SHORTCUT})"
        )
        self.vulnerability = VulnerabilityRow()

        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.addRow("Method", in_a_row(self.method, self.options_button, QLabel("on"), self.device))
        form.addRow(self.options)
        form.addRow(self.without_lungs)
        row = in_a_row(self.budget)
        row.addWidget(self.seal_too)
        form.addRow("Budget (HU)", row)
        form.addRow("Key", in_a_row(self.key, self.protect_button))
        self.body.addLayout(form)
        self.body.addWidget(self.switch)
        self.body.addWidget(self.vulnerability)
        self._connect()

    def _connect(self) -> None:
        work = self.workspace
        self.device.currentTextChanged.connect(self._choose_device)
        self.method.currentTextChanged.connect(self._show_options)
        self.options_button.toggled.connect(self._show_options)
        self.protect_button.clicked.connect(lambda: self._protect())
        self.switch.clicked.connect(work.protecting.switch)
        self.vulnerability.map_requested.connect(lambda: work.vulnerability.compute(work.attacking.action))
        self.vulnerability.clear_requested.connect(work.vulnerability.clear)

    def refresh(self) -> None:
        """What can be chosen from, whether there is a protected version, and which version is shown."""
        work = self.workspace
        session, found = work.session, work.vulnerability.found
        _offer(self.device, work.preparing.devices)
        if work.preparing.methods:
            _offer(self.method, tuple(work.preparing.methods))
            for row, kind in enumerate(work.preparing.methods.values()):
                self.method.setItemData(row, f"{summary_of(kind)}.", Qt.ItemDataRole.ToolTipRole)
        self._show_options()
        self.protect_button.setEnabled(work.is_open and not work.busy)
        self.seal_too.setEnabled(work.evidence.key_file is not None)
        exists, on = session.protected is not None, session.protection_on
        self.switch.setEnabled(exists)
        self.switch.setChecked(on)
        self.switch.setText(
            "Not protected yet" if not exists else "Protection is ON" if on else "Protection is OFF: original scan"
        )
        self.switch.setShortcut(SWITCH_SHORTCUT)  # a button loses its shortcut with its text
        self.vulnerability.set_ready(exists and not work.busy)
        self.vulnerability.show_map(found)

    def _show_options(self, _: object = None) -> None:
        kind = self.workspace.preparing.methods.get(self.method.currentText())
        self.options.show_options(kind)
        has_options = bool(self.options.rows)
        unfolded = self.options_button.isChecked()
        self.options.setVisible(has_options and unfolded)
        self.without_lungs.setVisible(unfolded)

    def _protect(self) -> None:
        work = self.workspace
        options = work.messages.attempt("Protecting", self._options)
        if options is not None:
            work.protecting.protect(options, work.evidence.seal if self.seal_too.isChecked() else None)

    def _options(self) -> ProtectionOptions:
        return ProtectionOptions(
            method=self.options.made() or self.method.currentText(),
            max_change_hu=self.budget.value(),
            key=self.key.text() or None,
            device=self.workspace.session.networks.device,
            without_lungs=self.without_lungs.isChecked(),
        )

    def _choose_device(self, device: str) -> None:
        self.workspace.session.networks.device = device


def _offer(box: QComboBox, names: tuple[str, ...]) -> None:
    """Give a box other entries; what is chosen stays, where it can."""
    if [box.itemText(row) for row in range(box.count())] == list(names):
        return
    chosen = box.currentText()
    box.blockSignals(True)
    box.clear()
    box.addItems(list(names))
    box.setCurrentText(chosen)
    box.blockSignals(False)
