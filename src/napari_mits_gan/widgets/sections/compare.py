"""The section where the panels and the difference are chosen, beside the figures."""

from __future__ import annotations

from typing import Literal

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QPushButton, QSlider, QWidget

from napari_mits_gan.session import Figures
from napari_mits_gan.widgets.controls.figures_table import FiguresTable
from napari_mits_gan.widgets.controls.rows import in_a_row
from napari_mits_gan.widgets.controls.voxel_boxes import VoxelBoxes
from napari_mits_gan.widgets.layers.panel_names import (
    ATTACK,
    DIFFERENCE,
    HEALED,
    MOST_PANELS,
    OTHER_ATTACK,
    OTHER_SCAN,
    PAIRS,
    PANELS,
    SCAN,
)
from napari_mits_gan.widgets.layers.shared_picture import How
from napari_mits_gan.widgets.sections.header import BLINK_SHORTCUT
from napari_mits_gan.widgets.sections.nodule_dock import NoduleDock
from napari_mits_gan.widgets.sections.planes_dock import PlanesDock
from napari_mits_gan.widgets.sections.plots_window import PlotsWindow
from napari_mits_gan.widgets.sections.section import Section
from napari_mits_gan.widgets.sections.verdict_window import VerdictWindow

ZOOM_SHORTCUT = "Ctrl+Alt+F"
TABLE_SHORTCUT = "Ctrl+Alt+T"
PLOTS_SHORTCUT = "Ctrl+Alt+G"
SWIPE_SHORTCUT = "Ctrl+Alt+W"
FADE_SHORTCUT = "Ctrl+Alt+D"
THREE_PLANES_SHORTCUT = "Ctrl+Alt+4"
NODULE_SHORTCUT = "Ctrl+Alt+5"
MEASURE_SHORTCUT = "Ctrl+Alt+L"
_SHARE_STEPS = 500
_TITLES = {
    SCAN: "The version shown",
    OTHER_SCAN: "The other version",
    ATTACK: "Attack on it",
    OTHER_ATTACK: "Attack on that one",
    HEALED: "Healed scan",
    DIFFERENCE: "Difference",
}
_SLIDER: dict[How, tuple[str, str]] = {
    "swipe": ("Place of the line", "Where the picture is divided between the two panels"),
    "fade": ("Opacity of the second panel", "At the left only the first panel is seen, at the right only the second"),
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
        self.pair = QComboBox()
        self.pair.setAccessibleName("Two panels")
        self.pair.setToolTip("The two panels that blink or share a picture")
        self.pair.setMinimumContentsLength(12)
        self.pair.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.blink_button = QPushButton("Blink")
        self.blink_button.setCheckable(True)
        self.blink_button.setToolTip(f"Let these two panels take turns in the same place ({BLINK_SHORTCUT})")
        self.swipe_button = QPushButton("Swipe")
        self.swipe_button.setCheckable(True)
        self.swipe_button.setToolTip(
            "Show these two panels in one picture, one left and one right of a line; drag the line with the mouse, or "
            f"move the slider ({SWIPE_SHORTCUT})"
        )
        self.fade_button = QPushButton("Fade")
        self.fade_button.setCheckable(True)
        self.fade_button.setToolTip(
            f"Lay the second of these panels over the first, as opaque as the slider says ({FADE_SHORTCUT})"
        )
        self.share_at = QSlider(Qt.Orientation.Horizontal)
        self.share_at.setRange(0, _SHARE_STEPS)
        self.three_planes = QCheckBox("Three planes of")
        self.three_planes.setToolTip(
            "Show axial, coronal and sagittal slices at once, linked by a crosshair; a click in one moves the others "
            f"({THREE_PLANES_SHORTCUT})"
        )
        self.planes_of = QComboBox()
        self.planes_of.setAccessibleName("Panel in three planes")
        self.planes_of.setToolTip("Which panel the other two planes show")
        self.nodule = QCheckBox("Nodule in 3-D")
        self.nodule.setToolTip(
            "Show the 32 mm around the selected attack as a surface in 3-D, before the attack and after it "
            f"({NODULE_SHORTCUT})"
        )
        self.measure_button = QPushButton()
        self.measure_button.setCheckable(True)
        self.measure_button.setToolTip(
            "While this is on, drag with the left button in any panel and plane to draw a line, or give its ends as "
            f"voxels below; its length is shown in mm, in all panels ({MEASURE_SHORTCUT})"
        )
        self.measured_ends: dict[Literal["start", "end"], VoxelBoxes] = {
            "start": VoxelBoxes("Line from voxel", "Where the line begins, as a voxel; the arrow keys move it"),
            "end": VoxelBoxes(
                "Line to voxel",
                "Where the line ends, as a voxel; the arrow keys move it. It is drawn in planes that hold both ends",
            ),
        }
        self.measured_row = QWidget()
        self.restore_button = QPushButton("Restore the panels")
        self.restore_button.setToolTip("Show again what was removed from the layer list")
        self.table_button = QPushButton("Table of verdicts…")
        self.table_button.setToolTip(
            "What became of each attack: detector, deviation, HU, found and healed; sorted by any column, saved as CSV "
            f"({TABLE_SHORTCUT})"
        )
        self.verdicts = VerdictWindow(self.workspace, self)
        self.plots_button = QPushButton("Profile and changes…")
        self.plots_button.setToolTip(
            "HU along a line through the selected attack, one curve for each panel, and a histogram of what changed "
            f"around it ({PLOTS_SHORTCUT})"
        )
        self.plots = PlotsWindow(self.workspace, self)
        self.figures = FiguresTable()
        self.body.addLayout(grid)
        self.body.addLayout(in_a_row(self.usual_button, self.four_button))
        self.body.addLayout(in_a_row(self.side_by_side, self.marks, self.zoom_button, self.whole_button))
        row = in_a_row(QLabel("Difference"), self.difference)
        self.body.addLayout(row)
        row = in_a_row(self.pair, self.blink_button, self.swipe_button, self.fade_button)
        row.setStretchFactor(self.pair, 2)
        self.body.addLayout(row)
        self.body.addWidget(self.share_at)
        row = in_a_row(self.three_planes, self.planes_of, self.nodule)
        for box in (self.three_planes, self.nodule):
            row.setStretchFactor(box, 0)  # the choice between them gets the room
        self.body.addLayout(row)
        self.body.addWidget(self.restore_button)
        self.body.addLayout(in_a_row(self.table_button, self.plots_button, self.measure_button))
        row = in_a_row(self.measured_ends["start"], QLabel("to"), self.measured_ends["end"])
        row.setContentsMargins(0, 0, 0, 0)
        self.measured_row.setLayout(row)
        self.body.addWidget(self.measured_row)
        self.body.addWidget(self.figures)
        self.on_keys(ZOOM_SHORTCUT, self.zoom_button)
        self.on_keys(TABLE_SHORTCUT, self.table_button)
        self.on_keys(PLOTS_SHORTCUT, self.plots_button)
        self.on_keys(SWIPE_SHORTCUT, self.swipe_button)
        self.on_keys(FADE_SHORTCUT, self.fade_button)
        self.on_keys(THREE_PLANES_SHORTCUT, self.three_planes)
        self.on_keys(NODULE_SHORTCUT, self.nodule)
        self.on_keys(MEASURE_SHORTCUT, self.measure_button)
        self.planes_dock = PlanesDock(self.workspace, self)
        self.nodule_dock = NoduleDock(self.workspace, self)
        self._connect()

    def _connect(self) -> None:
        display, panels, planes = self.workspace.display, self.workspace.panels, self.workspace.three_planes
        blinking, sharing = self.workspace.blinking, self.workspace.sharing
        self.usual_button.clicked.connect(lambda: self._show_panels((SCAN, ATTACK, HEALED, DIFFERENCE)))
        self.four_button.clicked.connect(lambda: self._show_panels(FOUR))
        self.side_by_side.toggled.connect(panels.set_side_by_side)
        self.marks.toggled.connect(panels.set_marks)
        self.zoom_button.clicked.connect(lambda: display.zoom())
        self.whole_button.clicked.connect(lambda: panels.view.show_whole())
        self.difference.activated.connect(lambda _: display.choose_difference(self.difference.currentData()))
        self.pair.activated.connect(self._choose_pair)
        self.blink_button.clicked.connect(lambda on: blinking.start(self.pair.currentData()) if on else blinking.stop())
        self.swipe_button.clicked.connect(lambda on: self._share("swipe", on))
        self.fade_button.clicked.connect(lambda on: self._share("fade", on))
        self.share_at.valueChanged.connect(lambda value: sharing.move(value / _SHARE_STEPS))
        sharing.moved.connect(self._show_share)
        self.three_planes.clicked.connect(lambda on: planes.start() if on else planes.stop())
        self.planes_of.activated.connect(lambda _: planes.choose(self.planes_of.currentData()))
        nodule, measuring = self.workspace.nodule_3d, self.workspace.measuring
        measuring.measured.connect(self._refresh_measured)
        self.measure_button.clicked.connect(self._measure)
        for end, boxes in self.measured_ends.items():
            boxes.edited.connect(lambda axis, index, end=end: measuring.move_end(end, axis, index))
        self.nodule.clicked.connect(lambda on: nodule.start() if on else nodule.stop())
        self.restore_button.clicked.connect(lambda: display.refresh())
        self.table_button.clicked.connect(lambda: self.verdicts.open_table())
        self.plots_button.clicked.connect(lambda: self.plots.open_plots())
        display.figures_ready.connect(self._show_figures)
        self._show_figures(display.figures)

    def refresh(self) -> None:
        """Which panels and differences there are, whether there is an attack, and whether all panels are there."""
        display, panels = self.workspace.display, self.workspace.panels
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
        self._refresh_pair()
        self._refresh_planes()
        attacked = bool(self.workspace.session.injections)
        self.zoom_button.setEnabled(attacked)
        self.table_button.setEnabled(attacked)
        self.plots_button.setEnabled(attacked)
        self.nodule.setEnabled(attacked)
        self.nodule.setChecked(self.workspace.nodule_3d.on)
        self._refresh_measured()
        self.restore_button.setVisible(not panels.is_complete)

    def _choose_pair(self) -> None:
        """Another pair: goes on with that one where one blinks or shares a picture already."""
        pair = self.pair.currentData()
        if (how := self.workspace.sharing.how) is not None:
            self.workspace.sharing.start(pair, how)
        self.workspace.blinking.choose(pair)

    def _refresh_pair(self) -> None:
        panels, work = self.workspace.panels, self.workspace
        pairs = panels.pairs
        if [self.pair.itemData(row) for row in range(self.pair.count())] != list(pairs):
            self.pair.clear()
            for pair in pairs:
                self.pair.addItem(PAIRS[pair], pair)
        for row, pair in enumerate(pairs):
            told = " ↔ ".join(panels.short_title(role) for role in pair)
            self.pair.setItemData(row, told, Qt.ItemDataRole.ToolTipRole)
        if (chosen := panels.pair or work.blinking.chosen) in pairs:
            self.pair.setCurrentIndex(pairs.index(chosen))
        self.blink_button.setChecked(work.blinking.on)
        how = work.sharing.how
        self.swipe_button.setChecked(how == "swipe")
        self.fade_button.setChecked(how == "fade")
        for control in (self.pair, self.blink_button, self.swipe_button, self.fade_button):
            control.setEnabled(bool(pairs))
        self.share_at.setVisible(how is not None)
        name, tip = _SLIDER[how or "swipe"]
        self.share_at.setAccessibleName(name)
        self.share_at.setToolTip(tip)
        self._show_share(panels.shared.at)

    def _refresh_planes(self) -> None:
        planes, panels = self.workspace.three_planes, self.workspace.panels
        offered = planes.offered
        names = [panels.short_title(role) for role in offered]
        if [self.planes_of.itemText(row) for row in range(self.planes_of.count())] != names:
            self.planes_of.clear()
            for name, role in zip(names, offered, strict=True):
                self.planes_of.addItem(name, role)
        if planes.role in offered:
            self.planes_of.setCurrentIndex(offered.index(planes.role))
        self.three_planes.setChecked(planes.on)
        for control in (self.three_planes, self.planes_of):
            control.setEnabled(self.workspace.is_open)

    def _refresh_measured(self) -> None:
        measuring = self.workspace.measuring
        self.measure_button.setEnabled(self.workspace.is_open)
        self.measure_button.setChecked(measuring.on)
        length = measuring.length_mm
        self.measure_button.setText("Measure" if length is None else f"{length:.1f} mm")
        self.measure_button.setAccessibleName("Measure a distance")
        self.measure_button.setAccessibleDescription("" if length is None else f"{length:.1f} mm")
        scan, line = self.workspace.session.original, measuring.line
        self.measured_row.setVisible(line is not None)
        if scan is not None and line is not None:
            for boxes, at in zip(self.measured_ends.values(), (line.start, line.end), strict=True):
                boxes.take(scan.shape)
                boxes.show_voxel(at)

    def _measure(self, on: bool) -> None:
        if on:
            self.workspace.measuring.start()
            self.measured_ends["start"].boxes[0].setFocus(Qt.FocusReason.ShortcutFocusReason)
        else:
            self.workspace.measuring.stop()

    def _share(self, how: How, on: bool) -> None:
        if on:
            self.workspace.sharing.start(self.pair.currentData(), how)
        else:
            self.workspace.sharing.stop()

    def _show_share(self, at: float) -> None:
        self.share_at.blockSignals(True)
        self.share_at.setValue(round(at * _SHARE_STEPS))
        self.share_at.blockSignals(False)

    def _show_figures(self, figures: Figures) -> None:
        self.figures.show_figures(figures)
        self.figures.setVisible(self.figures.any)

    def _choose_panels(self) -> None:
        self._show_panels(tuple(role for role, box in self.panels.items() if box.isChecked()))

    def _show_panels(self, roles: tuple[str, ...]) -> None:
        self.workspace.blinking.stop()
        self.workspace.sharing.stop()
        self.workspace.panels.choose(roles)
        self.refresh()
