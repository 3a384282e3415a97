"""Two plots beside each other: HU along a line, one curve for each volume, and a histogram of changes in HU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_mits_gan.session.profile import ChangeHistogram, Profile

COLORS = ("#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#0072b2")
"""The colours of Okabe and Ito, which all can tell apart."""
_LINE_PIXELS = 2
_LEGEND_SHARE = 0.16
"""Of the height of the curves, for each line of the legend."""


class AttackPlots(QWidget):
    """Draws what it is given; pyqtgraph is loaded with the first of these.

    Parameters
    ----------
    ground, text : str
        Colours.
    """

    def __init__(self, ground: str = "#ffffff", text: str = "#000000", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph as pg

        self._pg = pg
        self.profile, self.histogram = (pg.PlotWidget(background=ground) for _ in range(2))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for plot, name, below, beside in (
            (self.profile, "Profile through the attack", "distance from the place of the attack (mm)", "HU"),
            (self.histogram, "Change around the attack", "change (HU)", "voxels, log scale"),
        ):
            plot.setAccessibleName(name)
            plot.setToolTip(f"{name}: drag to move, wheel to zoom, right click for more")
            for side, label in (("bottom", below), ("left", beside)):
                plot.getAxis(side).enableAutoSIPrefix(False)
                plot.getAxis(side).setPen(text)
                plot.getAxis(side).setTextPen(text)
                plot.setLabel(side, label, color=text)
            plot.setTitle(name, color=text, size="10pt")
            plot.getPlotItem().layout.setContentsMargins(4, 4, 12, 8)
            plot.showGrid(x=True, y=True, alpha=0.25)
            plot.addLegend(offset=(-1, 1), labelTextColor=text, labelTextSize="9pt")
            row.addWidget(plot, 1)
        self.histogram.setLogMode(y=True)

    def show_profiles(self, profiles: Mapping[str, Profile]) -> None:
        """One curve for each, in steps: a voxel has one value."""
        self.profile.clear()
        for number, (name, found) in enumerate(profiles.items()):
            half = (found.mm[1] - found.mm[0]) / 2 if len(found.mm) > 1 else 0.5
            edges = np.append(found.mm - half, found.mm[-1] + half)
            self.profile.plot(edges, found.hu, stepMode="center", name=name, pen=self._pen(number))
        self.profile.addItem(self._pg.InfiniteLine(0.0, pen=self._pg.mkPen("#888888", style=Qt.PenStyle.DashLine)))
        if profiles:
            values = [value for found in profiles.values() for value in (found.hu.min(), found.hu.max())]
            self._leave_room(self.profile, float(min(values)), float(max(values)), len(profiles))

    def show_changes(self, changes: Mapping[str, ChangeHistogram]) -> None:
        """One histogram for each."""
        self.histogram.clear()
        for number, (name, found) in enumerate(changes.items()):
            told = f"{name}: {found.changed} of {found.voxels} voxels"
            # an empty bin has no logarithm; below one voxel there is nothing
            counts = np.maximum(found.counts, 0.5)
            self.histogram.plot(found.edges, counts, stepMode="center", name=told, pen=self._pen(number))
        if changes:
            most = max(int(found.counts.max()) for found in changes.values())
            self._leave_room(self.histogram, float(np.log10(0.5)), float(np.log10(max(most, 1))), len(changes))

    def curves(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """What is drawn: the values of each curve by its name."""
        drawn = (*self.profile.listDataItems(), *self.histogram.listDataItems())
        return {item.name(): item.getOriginalDataset() for item in drawn}

    def _leave_room(self, plot: Any, low: float, high: float, curves: int) -> None:
        """Show all curves, and room above them for the legend."""
        plot.getPlotItem().enableAutoRange(x=True)
        plot.setYRange(low, high + (high - low + 1e-6) * _LEGEND_SHARE * curves, padding=0.02)

    def _pen(self, number: int) -> Any:
        return self._pg.mkPen(COLORS[number % len(COLORS)], width=_LINE_PIXELS)
