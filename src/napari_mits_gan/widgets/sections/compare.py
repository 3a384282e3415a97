"""The section where the panels and the difference are chosen, beside the figures."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QPushButton

from napari_mits_gan.session import Figures
from napari_mits_gan.widgets.controls.figures_table import FiguresTable
from napari_mits_gan.widgets.controls.rows import in_a_row
from napari_mits_gan.widgets.layers.panel_names import (
    ATTACK,
    DIFFERENCE,
    HEALED,
    MOST_PANELS,
    OTHER_ATTACK,
    OTHER_SCAN,
    PANELS,
    SCAN,
)
from napari_mits_gan.widgets.sections.section import Section
from napari_mits_gan.widgets.sections.verdict_window import VerdictWindow

ZOOM_SHORTCUT = "Ctrl+Alt+F"
TABLE_SHORTCUT = "Ctrl+Alt+T"
_TITLES = {
    SCAN: "The version shown",
    OTHER_SCAN: "The other version",
    ATTACK: "Attack on it",
    OTHER_ATTACK: "Attack on that one",
    HEALED: "Healed scan",
    DIFFERENCE: "Difference",
}
FOUR = (SCAN, OTHER_SCAN, ATTACK, OTHER_ATTACK)


class CompareSection(Section):
    """Up to four panels side by side or one alone, marks, a difference, a closer look, the table of verdicts."""

    name, title = "compare", "Compare"
    help = "Choose the panels and the difference; figures and verdicts"

    def build(self) -> None:
        """The panels, switches, the choice of the difference, and the table."""
        panels = self.workspace.panels
        grid = QGridLayout()
        grid.setVerticalSpacing(2)
        self.panels: dict[str, QCheckBox] = {}
        for number, role in enumerate(PANELS):
            box = self.panels[role] = QCheckBox(_TITLES[role])
            box.setToolTip(f"Show this panel; at most {MOST_PANELS} stand beside each other")
            box.clicked.connect(self._choose_panels)
            grid.addWidget(box, number // 2, number % 2)
        self.four_button = QPushButton("Four: both versions")
        self.four_button.setToolTip("Original, protected, and the attacks on either, in two rows")
        self.usual_button = QPushButton("Usual panels")
        self.usual_button.setToolTip("Scan, attack and difference beside each other")
        self.side_by_side = QCheckBox("Side by side")
        self.side_by_side.setChecked(panels.side_by_side)
        self.side_by_side.setToolTip("All panels beside each other, with the same zoom and slice; else one panel alone")
        self.marks = QCheckBox("Marks")
        self.marks.setChecked(panels.marks_on)
        self.marks.setToolTip("A ring around every site that was attacked, and the suggested sites")
        self.zoom_button = QPushButton("Zoom in")
        self.zoom_button.setToolTip(f"A closer look at the selected attack ({ZOOM_SHORTCUT})")
        self.whole_button = QPushButton("Whole slice")
        self.whole_button.setToolTip("Fit the whole slice into each panel (napari: Ctrl+R)")
        self.difference = QComboBox()
        self.difference.setAccessibleName("Difference")
        self.difference.setToolTip(
            "What the difference panel shows, in HU; “between the attacks” is the attack on the protected scan minus "
            "the same attack on the original"
        )
        self.blink = QComboBox()
        self.blink.setAccessibleName("Panels that blink")
        self.blink.setToolTip("Let these two panels take turns in the same place; “Blink” above stops it")
        self.blink.setPlaceholderText("choose two panels")
        self.restore_button = QPushButton("Restore the panels")
        self.restore_button.setToolTip("Show again what was removed from the layer list")
        self.table_button = QPushButton("Table of verdicts…")
        self.table_button.setToolTip(
            "What became of each attack: detector, deviation, HU, found and healed; sorted by any column, saved as CSV "
            f"({TABLE_SHORTCUT})"
        )
        self.verdicts = VerdictWindow(self.workspace, self)
        self.figures = FiguresTable()
        self.body.addLayout(grid)
        self.body.addLayout(in_a_row(self.usual_button, self.four_button))
        self.body.addLayout(in_a_row(self.side_by_side, self.marks, self.zoom_button, self.whole_button))
        row = in_a_row(QLabel("Difference"), self.difference)
        self.body.addLayout(row)
        self.body.addLayout(in_a_row(QLabel("Blink"), self.blink))
        self.body.addWidget(self.restore_button)
        self.body.addWidget(self.table_button)
        self.body.addWidget(self.figures)
        self.on_keys(ZOOM_SHORTCUT, self.zoom_button)
        self.on_keys(TABLE_SHORTCUT, self.table_button)
        self._connect()

    def _connect(self) -> None:
        display, panels, blinking = self.workspace.display, self.workspace.panels, self.workspace.blinking
        self.usual_button.clicked.connect(lambda: self._show_panels((SCAN, ATTACK, HEALED, DIFFERENCE)))
        self.four_button.clicked.connect(lambda: self._show_panels(FOUR))
        self.side_by_side.toggled.connect(panels.set_side_by_side)
        self.marks.toggled.connect(panels.set_marks)
        self.zoom_button.clicked.connect(lambda: display.zoom())
        self.whole_button.clicked.connect(lambda: panels.view.show_whole())
        self.difference.activated.connect(lambda _: display.choose_difference(self.difference.currentData()))
        self.blink.activated.connect(lambda _: blinking.start(self.blink.currentData()))
        self.restore_button.clicked.connect(lambda: display.refresh())
        self.table_button.clicked.connect(lambda: self.verdicts.open_table())
        display.figures_ready.connect(self._show_figures)
        self._show_figures(display.figures)

    def refresh(self) -> None:
        """Which panels and differences there are, whether there is an attack, and whether all panels are there."""
        display, panels, blinking = self.workspace.display, self.workspace.panels, self.workspace.blinking
        shown = panels.shown
        for role, box in self.panels.items():
            there = panels.available(role)
            box.setText(panels.short_title(role) if there else _TITLES[role])
            box.setChecked(role in panels.chosen)
            box.setEnabled(there and (role in shown or len(shown) < MOST_PANELS) and panels.pair is None)
        self.four_button.setEnabled(all(panels.available(role) for role in FOUR))
        self.usual_button.setEnabled(self.workspace.is_open)
        kinds = display.kinds
        if [self.difference.itemData(row) for row in range(self.difference.count())] != list(kinds):
            self.difference.clear()
            for kind in kinds:
                self.difference.addItem(str(kind), kind)
        if display.kind is not None:
            self.difference.setCurrentIndex(self.difference.findText(str(display.kind)))
        self.difference.setEnabled(bool(kinds))
        pairs = blinking.pairs
        names = [" ↔ ".join(panels.short_title(role) for role in pair) for pair in pairs]
        if [self.blink.itemText(row) for row in range(self.blink.count())] != names:
            self.blink.clear()
            for name, pair in zip(names, pairs, strict=True):
                self.blink.addItem(name, pair)
        self.blink.setCurrentIndex(pairs.index(panels.pair) if panels.pair in pairs else -1)
        self.blink.setEnabled(bool(pairs))
        attacked = bool(self.workspace.session.injections)
        self.zoom_button.setEnabled(attacked)
        self.table_button.setEnabled(attacked)
        self.restore_button.setVisible(not panels.is_complete)

    def _show_figures(self, figures: Figures) -> None:
        self.figures.show_figures(figures)
        self.figures.setVisible(self.figures.any)

    def _choose_panels(self) -> None:
        self._show_panels(tuple(role for role, box in self.panels.items() if box.isChecked()))

    def _show_panels(self, roles: tuple[str, ...]) -> None:
        self.workspace.blinking.stop()
        self.workspace.panels.choose(roles)
        self.refresh()
