"""The section where the scan is protected, and where the vulnerability map is asked for."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QLineEdit, QPushButton
from superqt import QLabeledSlider

from napari_mits_gan.options import summary_of
from napari_mits_gan.session.record import Record
from napari_mits_gan.widgets.controls.options_form import OptionsForm
from napari_mits_gan.widgets.controls.rows import in_a_row, note
from napari_mits_gan.widgets.controls.vulnerability_row import MAP_SHORTCUT, VulnerabilityRow
from napari_mits_gan.widgets.sections.section import Section
from napari_mits_gan.workflow.protect_series import ProtectionOptions

MIN_BUDGET_HU, MAX_BUDGET_HU = 1, 40
DEFAULT_METHOD = "mits-gan"
LONGEST_KEY = 500


class ProtectSection(Section):
    """Makes the protected version, and maps where it gives way."""

    name, title = "protect", "Protect"
    help = "Protect the scan, and map where it still gives way"

    def build(self) -> None:
        """Method with its options, budget, key, and the vulnerability map."""
        self.method = QComboBox()
        self.method.addItem(DEFAULT_METHOD)
        self.method.setAccessibleName("Method")
        self.method.setToolTip("How the protective pattern is made; the others are there to compare with")
        self.device = QComboBox()
        self.device.addItems(self.workspace.preparing.devices)
        self.device.setCurrentText(self.workspace.session.networks.device)
        self.device.setAccessibleName("Device")
        self.device.setToolTip("Where networks are computed; auto takes the fastest that this computer has")
        self.options = OptionsForm()
        self.options_button = QPushButton("Options…")
        self.options_button.setCheckable(True)
        self.options_button.setToolTip("Settings of the chosen method, and scans that are refused otherwise")
        self.again = QCheckBox("Also a scan that is protected already")
        self.again.setToolTip(
            "Protect a scan once more that this software has protected before it was opened, which is refused "
            "otherwise: the two changes add up to more than the budget"
        )
        self.without_lungs = QCheckBox("Also a scan without lungs")
        self.without_lungs.setToolTip(
            "Protect the whole body of a scan in which no lung is found, which is refused otherwise"
        )
        self.budget = QLabeledSlider(Qt.Orientation.Horizontal)
        self.budget.setRange(MIN_BUDGET_HU, MAX_BUDGET_HU)
        self.budget.setValue(self.workspace.preferences.budget_hu)
        self.budget.setToolTip(
            "No voxel changes by more than this, in HU. At 20 HU fine stripes are faint in a lung window and plain in "
            "a mediastinal one"
        )
        self.budget.setAccessibleName("Budget in HU")
        self.seal_too = QCheckBox("and seal")
        self.seal_too.setToolTip(
            "Seal the protected scan as well, with the key and the bits chosen on the page Evidence"
        )
        self.key = QLineEdit()
        self.key.setEchoMode(QLineEdit.EchoMode.PasswordEchoOnEdit)
        self.key.setMaxLength(LONGEST_KEY)
        self.key.setPlaceholderText("none")
        self.key.setAccessibleName("Key of the protection")
        self.key.setToolTip(
            "Any text that only you know: the same one gives the same protection again, another one another pattern. "
            "It is not stored or exported. Somebody who studies the scan can measure the pattern all the same"
        )
        self.protect_button = QPushButton("Protect")
        self.protect_button.setToolTip(
            "Compute the protected version of the whole scan; you can go on working meanwhile"
        )
        self.outdated = note()
        self.vulnerability = VulnerabilityRow()

        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.addRow("Method", in_a_row(self.method, self.options_button, QLabel("on"), self.device))
        form.addRow(self.options)
        form.addRow(self.without_lungs)
        form.addRow(self.again)
        row = in_a_row(self.budget)
        row.addWidget(self.seal_too)
        form.addRow("Budget (HU)", row)
        form.addRow("Key", in_a_row(self.key, self.protect_button))
        self.body.addLayout(form)
        self.body.addWidget(self.outdated)
        self.body.addWidget(self.vulnerability)
        self.on_keys(MAP_SHORTCUT, self.vulnerability.map_button)
        self._connect()

    def _connect(self) -> None:
        work = self.workspace
        self.device.currentTextChanged.connect(self._choose_device)
        self.method.currentTextChanged.connect(self._show_options)
        self.options_button.toggled.connect(self._show_options)
        self.protect_button.clicked.connect(lambda: self.protect())
        self.budget.valueChanged.connect(self._show_outdated)
        self.method.currentTextChanged.connect(self._show_outdated)
        self.key.textChanged.connect(self._on_key)
        work.recording.loaded.connect(self._show_loaded)
        self.vulnerability.map_requested.connect(lambda: work.vulnerability.compute(work.attacking.action))
        self.vulnerability.clear_requested.connect(work.vulnerability.clear)

    def refresh(self) -> None:
        """What can be chosen from, whether there is a protected version, and which version is shown."""
        work = self.workspace
        session, found = work.session, work.vulnerability.found
        _offer(self.device, work.preparing.devices)
        self.device.setCurrentText(session.networks.device)
        if work.preparing.methods:
            _offer(self.method, tuple(work.preparing.methods))
            for row, kind in enumerate(work.preparing.methods.values()):
                self.method.setItemData(row, f"{summary_of(kind)}.", Qt.ItemDataRole.ToolTipRole)
        self._show_options()
        self.protect_button.setEnabled(work.is_open and not work.busy)
        self.seal_too.setEnabled(work.evidence.key_file is not None)
        exists = session.protected is not None
        self.protect_button.setText("Protect again" if exists else "Protect")
        self._show_outdated()
        self.vulnerability.set_ready(exists and not work.busy)
        self.vulnerability.show_map(found)

    def _show_options(self, _: object = None) -> None:
        kind = self.workspace.preparing.methods.get(self.method.currentText())
        self.options.show_options(kind)
        has_options = bool(self.options.rows)
        unfolded = self.options_button.isChecked()
        self.options.setVisible(has_options and unfolded)
        self.without_lungs.setVisible(unfolded)
        self.again.setVisible(unfolded)

    def _on_key(self, text: str) -> None:
        self.workspace.protecting.typed_key = text or None
        self._show_outdated()

    def _show_loaded(self, record: Record) -> None:
        """A session was loaded: show how it is protected."""
        if record.protection is not None:
            self.method.setCurrentText(record.protection.method)
            self.budget.setValue(record.protection.max_change_hu)

    def _show_outdated(self, _: object = None) -> None:
        """Say that what is set here is not what the protected version was made with."""
        made_with = self.workspace.protecting.made_with
        method = "" if made_with is None else made_with.method
        name = (
            method
            if isinstance(method, str)
            else next((name for name, kind in self.workspace.preparing.methods.items() if isinstance(method, kind)), "")
        )
        same = made_with is None or (
            made_with.max_change_hu == self.budget.value()
            and name == self.method.currentText()
            and (made_with.key or "") == self.key.text()
        )
        self.outdated.setVisible(not same)
        if not same:
            self.outdated.setText(
                f"The protected version is still the one made by {self.workspace.protecting.words}; press Protect "
                "again to use what is set here."
            )

    def protect(self) -> None:
        """Protect as it is set here."""
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
            again=self.again.isChecked(),
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
