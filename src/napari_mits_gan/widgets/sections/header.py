"""What stands above the pages of the dock, whichever is shown: the switch, the plane, the window, blinking."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QButtonGroup, QComboBox, QPushButton, QSizePolicy

from napari_mits_gan.widgets.controllers.windowing import PRESETS
from napari_mits_gan.widgets.controls.rows import in_a_row
from napari_mits_gan.widgets.layers.planes import PLANES, Plane
from napari_mits_gan.widgets.sections.section import Section

SWITCH_SHORTCUT = "Ctrl+Alt+X"
BLINK_SHORTCUT = "Ctrl+Alt+B"
PLANE_SHORTCUTS: dict[Plane, str] = {"axial": "Ctrl+Alt+1", "coronal": "Ctrl+Alt+2", "sagittal": "Ctrl+Alt+3"}
_SWITCH_STYLE = (
    "QPushButton { font-weight: bold; padding: 6px; border-radius: 4px; }"
    "QPushButton:checked { background: #1d7f4f; color: white; }"
    "QPushButton:!checked:enabled { background: #8a4b12; color: white; }"
)
_CHOICE_STYLE = (
    "QPushButton { padding: 3px 2px; } QPushButton:checked { background: #2f6fb5; color: white; font-weight: bold; }"
)


class Header(Section):
    """Switches the protection; chooses plane, window in HU, and blinking."""

    name, title = "header", ""

    protect_requested = Signal()
    """There is no protected version yet, and the user asks for one."""

    def build(self) -> None:
        """The switch in a row of its own, the rest below it."""
        self.switch = QPushButton()
        self.switch.setCheckable(True)
        self.switch.setStyleSheet(_SWITCH_STYLE)
        self.switch.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.on_keys(SWITCH_SHORTCUT, self.switch)
        self.planes = QButtonGroup(self)
        self.plane_buttons: dict[Plane, QPushButton] = {}
        for plane in PLANES:
            button = self.plane_buttons[plane] = QPushButton(plane.capitalize())
            button.setCheckable(True)
            button.setStyleSheet(_CHOICE_STYLE)
            button.setToolTip(f"Show {plane} slices, upright ({PLANE_SHORTCUTS[plane]})")
            button.setAccessibleName(f"{plane.capitalize()} slices")
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            self.planes.addButton(button)
            self.on_keys(PLANE_SHORTCUTS[plane], button)
        self.window_box = QComboBox()
        self.window_box.setAccessibleName("Window in HU")
        self.window_box.setToolTip(
            "Window in HU of all panels (width / level); drag with the right mouse button to set your own. The wheel "
            "scrolls slices, with Shift it zooms"
        )
        for preset in PRESETS:
            self.window_box.addItem(preset.name, preset)
            tip = f"Width {preset.width:.0f}, level {preset.level:.0f} HU"
            self.window_box.setItemData(self.window_box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.window_box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.window_box.setMinimumWidth(110)
        self.blink_button = QPushButton("Blink")
        self.blink_button.setCheckable(True)
        self.blink_button.setStyleSheet(_CHOICE_STYLE)
        self.blink_button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.blink_button.setAccessibleName("Blink between two panels")
        self.on_keys(BLINK_SHORTCUT, self.blink_button)
        self.body.addWidget(self.switch)
        row = in_a_row(*self.plane_buttons.values(), self.window_box, self.blink_button)
        row.setStretchFactor(self.window_box, 2)
        self.body.addLayout(row)

        work = self.workspace
        self.switch.clicked.connect(self._switch)
        for plane, button in self.plane_buttons.items():
            button.clicked.connect(lambda _=False, plane=plane: work.panels.view.turn_to(plane))
        self.window_box.activated.connect(self._use_window)
        self.blink_button.clicked.connect(self._blink)

    def refresh(self) -> None:
        """What is shown, and in what way."""
        work = self.workspace
        session = work.session
        exists, on = session.protected is not None, session.protection_on
        self.switch.setEnabled(exists or (work.is_open and not work.busy))
        self.switch.setChecked(on)
        how = work.protecting.words
        scan = session.original
        before = [] if scan is None else [step for step in scan.earlier if step.kind == "protection"]
        self.switch.setText(
            "No scan is open yet"
            if not work.is_open
            else "Protected before it was opened"
            if not exists and before
            else "Not protected yet: protect now"
            if not exists
            else f"Protection is ON: {how}"
            if on
            else "Protection is OFF: original scan"
        )
        self.switch.setAccessibleName("Protection")
        self.switch.setToolTip(
            f"Show and attack the protected or the original scan; the attacks are replayed ({SWITCH_SHORTCUT}). "
            + (f"The protected version was made by {how}" if exists else "Protects as set on the page Protect")
        )
        shown = work.panels.view.plane
        self.planes.setExclusive(False)
        for plane, button in self.plane_buttons.items():
            button.setEnabled(work.is_open)
            button.setChecked(plane == shown)
        self.planes.setExclusive(True)
        window = work.windowing.window
        self.window_box.setEnabled(window is not None)
        row = -1 if window is None else self.window_box.findText(window.name)
        if window is not None and row < 0:
            self.window_box.setPlaceholderText(f"{window.width:.0f} / {window.level:.0f}")
        self.window_box.setCurrentIndex(row)
        blinks, pairs = work.blinking.on, work.panels.pairs
        self.blink_button.setEnabled(blinks or bool(pairs))
        self.blink_button.setChecked(blinks)
        panels = work.panels
        told = " and ".join(panels.short_title(role) for role in (panels.pair or work.blinking.chosen or ()))
        self.blink_button.setToolTip(
            f"Let two panels take turns in the same place ({BLINK_SHORTCUT}); choose others on the page Compare"
            + (f": {told}" if told else "")
        )

    def _switch(self, on: bool) -> None:
        if self.workspace.session.protected is None:
            self.switch.setChecked(False)
            self.protect_requested.emit()
        else:
            self.workspace.protecting.switch(on)

    def _use_window(self, row: int) -> None:
        self.workspace.windowing.use(self.window_box.itemData(row))

    def _blink(self, on: bool) -> None:
        blinking = self.workspace.blinking
        if on and self.workspace.panels.pairs:
            blinking.start(blinking.chosen)
        else:
            blinking.stop()
