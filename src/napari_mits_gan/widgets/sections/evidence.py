"""The section where the scan is sealed, checked and healed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QSizePolicy

from napari_mits_gan.evidence.mark.settings import MarkSettings
from napari_mits_gan.widgets.controls.place_list import PlaceList
from napari_mits_gan.widgets.controls.rows import in_a_row, note
from napari_mits_gan.widgets.sections.section import Section

if TYPE_CHECKING:
    from napari_mits_gan.session import Examined

NO_KEY = "none chosen"
NEW_KEY_NAME = "seal.key"
CHECK_SHORTCUT = "Ctrl+Alt+K"
NOT_CHECKED = "Not checked yet"
PURPOSE = (
    "A seal lets Check tell whether a scan was changed, and where, and lets Recover undo it, with nothing but the scan "
    "and the key."
)
_COLORS = {"intact": "#1d7f4f", "tampered": "#8c2323", "no seal": "#6b5310"}
"""Behind white words, so that they are read in light and in dark themes."""
_SEALED_STYLE = "QPushButton:checked { background: #1d7f4f; color: white; font-weight: bold; }"


def _headline_style(color: str | None) -> str:
    if color is None:
        return ""
    return f"QLabel {{ background: {color}; color: white; font-weight: bold; padding: 4px; border-radius: 3px; }}"


class EvidenceSection(Section):
    """Key, seal, check, findings, recovery."""

    name, title = "evidence", "Evidence"
    stretches = True
    help = "Seal the scan, check whether it was tampered with, and heal it"

    def build(self) -> None:
        """Key row, seal row, check row, headline and findings."""
        self._shown: Examined | None = None
        self.key_name = QLabel(NO_KEY)
        self.key_name.setTextFormat(Qt.TextFormat.PlainText)
        self.key_name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.key_name.setToolTip("The file of the key; its content is shown nowhere")
        self.choose_button = QPushButton("Key file…")
        self.choose_button.setToolTip("Choose the key that the scan is sealed, checked and healed with")
        self.new_button = QPushButton("New key…")
        self.new_button.setToolTip(
            "Make a new key that only you may read, and beside it its public half, which checks manifests"
        )
        self.bits = QComboBox()
        self.bits.addItem("1 bit", 1)
        self.bits.addItem("2 bits", 2)
        self.bits.setCurrentIndex(self.bits.findData(self.workspace.evidence.bits))
        self.bits.setAccessibleName("Bits of the seal")
        self.bits.setToolTip(
            "Lowest bits of a value that the seal may use: one changes it by at most 1, two by at most 3; with two the "
            "healed scan is finer"
        )
        self.mark_too = QCheckBox(f"and mark the lungs (at most {MarkSettings().lungs_rms_hu:.0f} HU RMS)")
        self.mark_too.setToolTip(
            "Before it is sealed, add a pattern within the scanner's noise to the lungs and 10 mm around them, which "
            "outlives lossy coding, filters and resampling. Check looks for it where the seal is lost: where it is "
            "missing, something was replaced"
        )
        self.seal_button = QPushButton("Seal the scan")
        self.seal_button.setCheckable(True)
        self.seal_button.setStyleSheet(_SEALED_STYLE)
        self.seal_button.setToolTip(
            "Seal the version that is shown, original or protected, without the attacks on it; press again to take the "
            "seal off. Attacks are replayed on the sealed version, and exports of it carry the seal"
        )
        self.check_button = QPushButton("Check")
        self.check_button.setToolTip(
            f"Is the scan that is shown, attacks and all, what was sealed with this key? ({CHECK_SHORTCUT})"
        )
        self.recover_button = QPushButton("Recover")
        self.recover_button.setToolTip("Undo what was done to it, from the copy in its seal, in a panel of its own")
        self.clear_button = QPushButton("×")
        self.clear_button.setMaximumWidth(26)
        self.clear_button.setAccessibleName("Put the findings away")
        self.clear_button.setToolTip("Put the findings, the healed scan and the marks of checked sites away")
        self.sites_button = QPushButton("Check all sites")
        self.sites_button.setToolTip(
            "Attack a copy of the scan at up to 20 suggested sites at once, injecting or removing as chosen on the "
            "page Attack, and mark what the check finds of them; the scan that is shown stays as it is"
        )
        self.headline = note(NOT_CHECKED)
        self.hint = note()
        self.findings = PlaceList("Findings", "What is not as it was sealed; choose one to go there")

        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(QLabel("Key"))
        row.addWidget(self.key_name, 1)
        row.addWidget(self.choose_button)
        row.addWidget(self.new_button)
        self.body.addLayout(row)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.seal_button, 1)
        row.addWidget(QLabel("in"))
        row.addWidget(self.bits)
        self.body.addLayout(row)
        self.body.addWidget(self.mark_too)
        row = in_a_row(self.check_button, self.recover_button, self.sites_button)
        row.addWidget(self.clear_button)
        self.body.addLayout(row)
        self.body.addWidget(self.headline)
        self.body.addWidget(self.hint)
        self.body.addWidget(self.findings, 100)
        self.body.addStretch(1)
        self.on_keys(CHECK_SHORTCUT, self.check_button)
        self._connect()

    def _connect(self) -> None:
        evidence = self.workspace.evidence
        self.choose_button.clicked.connect(self._choose)
        self.new_button.clicked.connect(self._make)
        self.seal_button.clicked.connect(self._seal)
        self.check_button.clicked.connect(lambda: evidence.check())
        self.recover_button.clicked.connect(lambda: evidence.recover())
        self.clear_button.clicked.connect(self._clear)
        self.sites_button.clicked.connect(self._check_sites)
        self.bits.currentIndexChanged.connect(self._choose_bits)
        self.mark_too.toggled.connect(self._choose_mark)
        self.findings.chosen.connect(evidence.go_to)

    def refresh(self) -> None:
        """Which key, whether the version shown is sealed, and what was found."""
        work = self.workspace
        session, key_file = work.session, work.evidence.key_file
        name = NO_KEY if key_file is None else key_file.name
        self.key_name.setText(self.key_name.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, 160))
        sealed = session.sealed(session.shown) is not None
        ready = work.is_open and not work.busy
        self.seal_button.setChecked(sealed)
        self.seal_button.setText("Sealed: take the seal off" if sealed else "Seal the scan")
        self.seal_button.setEnabled(ready and (sealed or key_file is not None))
        self.bits.setEnabled(not sealed)
        self.mark_too.setEnabled(not sealed)
        for button in (self.check_button, self.recover_button, self.sites_button):
            button.setEnabled(ready and key_file is not None)
        for button in (self.choose_button, self.new_button):
            button.setEnabled(not work.busy)
        self._show(session.examined)

    def _show(self, found: Examined | None) -> None:
        self.clear_button.setEnabled(found is not None or self.workspace.sealed_sites.any)
        self.hint.setVisible(found is None)
        self.hint.setText(f"{PURPOSE}\n{self._next_step()}")
        if found is self._shown and found is not None:
            return
        self._shown = found
        self.headline.setText(NOT_CHECKED if found is None else found.headline)
        color = None if found is None else _COLORS[found.state]
        self.headline.setStyleSheet(_headline_style(color))
        self.findings.clear()
        if found is not None:
            self.findings.addItems(found.sentences)
            signed = ("The manifest beside the files agrees.",) if found.manifest == () else ()
            self.headline.setToolTip("\n".join((*found.verdict.notes, *signed)))
        self.findings.setVisible(self.findings.count() > 0)

    def _next_step(self) -> str:
        work = self.workspace
        if not work.is_open:
            return "First open a scan on the page Scan."
        if work.evidence.key_file is None:
            return "First press New key…, or choose a key file; then Seal the scan."
        if work.session.sealed(work.session.shown) is None:
            return "Next press Seal the scan; or Check, if it was sealed before it was opened."
        return "Next attack it on the page Attack, come back, and press Check."

    def _seal(self) -> None:
        evidence, session = self.workspace.evidence, self.workspace.session
        if session.sealed(session.shown) is not None:
            evidence.take_seal_off()
        else:
            evidence.seal()
        self.refresh()

    def _check_sites(self) -> None:
        work = self.workspace
        if work.evidence.key_file is not None:
            work.sealed_sites.compute(work.attacking.action, work.evidence.key_file)

    def _clear(self) -> None:
        self.workspace.evidence.clear()
        self.workspace.sealed_sites.clear()

    def _choose_mark(self, chosen: bool) -> None:
        self.workspace.evidence.mark_too = chosen

    def _choose_bits(self) -> None:
        self.workspace.evidence.bits = self.bits.currentData()

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Key file", self._folder())
        if path:
            self.workspace.evidence.choose_key(path)

    def _make(self) -> None:
        # Qt's question whether to overwrite would mislead: a key is never overwritten, and the refusal says so.
        path, _ = QFileDialog.getSaveFileName(
            self,
            "New key file",
            str(Path(self._folder()) / NEW_KEY_NAME),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if path:
            self.workspace.evidence.make_key(path)

    def _folder(self) -> str:
        key_file = self.workspace.evidence.key_file
        return str(Path.home() if key_file is None else key_file.parent)
