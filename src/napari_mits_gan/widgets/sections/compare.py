"""The section where the panels and the difference are chosen, beside the figures."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QPushButton

from napari_mits_gan.widgets.controls.figures_table import FiguresTable
from napari_mits_gan.widgets.sections.section import Section

ZOOM_SHORTCUT = "Ctrl+Alt+F"


class CompareSection(Section):
    """Panels side by side or alone, marks, a difference, a closer look."""

    name, title = "compare", "Compare"

    def build(self) -> None:
        """Switches, the choice of the difference, and the table."""
        display, panels = self.workspace.display, self.workspace.panels
        self.side_by_side = QCheckBox("Side by side")
        self.side_by_side.setChecked(panels.side_by_side)
        self.side_by_side.setToolTip("All panels beside each other, with the same zoom and slice; else one panel alone")
        self.marks = QCheckBox("Marks")
        self.marks.setChecked(panels.marks_on)
        self.marks.setToolTip("A ring around every site that was attacked, and the suggested sites")
        self.zoom_button = QPushButton("Zoom in")
        self.zoom_button.setShortcut(ZOOM_SHORTCUT)
        self.zoom_button.setToolTip(f"A closer look at the selected attack ({ZOOM_SHORTCUT})")
        self.whole_button = QPushButton("Whole slice")
        self.whole_button.setToolTip("Fit the whole slice into each panel (napari: Ctrl+R)")
        self.difference = QComboBox()
        self.difference.setToolTip(
            "What the difference panel shows, in HU; “between the attacks” is the attack on the protected scan minus "
            "the same attack on the original"
        )
        self.restore_button = QPushButton("Restore the panels")
        self.restore_button.setToolTip("Show again what was removed from the layer list")
        self.figures = FiguresTable()
        row = QHBoxLayout()
        row.setSpacing(6)
        for widget in (self.side_by_side, self.marks, self.zoom_button, self.whole_button):
            row.addWidget(widget)
        self.body.addLayout(row)
        row = QHBoxLayout()
        row.addWidget(QLabel("Difference"))
        row.addWidget(self.difference, 1)
        self.body.addLayout(row)
        self.body.addWidget(self.restore_button)
        self.body.addWidget(self.figures)

        self.side_by_side.toggled.connect(panels.set_side_by_side)
        self.marks.toggled.connect(panels.set_marks)
        self.zoom_button.clicked.connect(lambda: display.zoom())
        self.whole_button.clicked.connect(lambda: panels.view.show_whole())
        self.difference.activated.connect(lambda _: display.choose_difference(self.difference.currentData()))
        self.restore_button.clicked.connect(lambda: display.refresh())
        display.figures_ready.connect(self.figures.show_figures)
        self.figures.show_figures(display.figures)

    def refresh(self) -> None:
        """Which differences there are, whether there is an attack, and whether all panels are there."""
        display = self.workspace.display
        kinds, shown = display.kinds, display.kind
        if [self.difference.itemData(row) for row in range(self.difference.count())] != list(kinds):
            self.difference.clear()
            for kind in kinds:
                self.difference.addItem(str(kind), kind)
        if shown is not None:
            self.difference.setCurrentIndex(self.difference.findText(str(shown)))
        self.difference.setEnabled(bool(kinds))
        self.zoom_button.setEnabled(bool(self.workspace.session.injections))
        self.restore_button.setVisible(not self.workspace.panels.is_complete)
