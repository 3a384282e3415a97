"""The table of verdicts: one row for each attack, sorted by any column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_mits_gan.session import AttackVerdict, Detection
from napari_mits_gan.widgets.controls.attack_words import WORDS, details

TITLES = (
    "#",
    "Site z, y, x",
    "Action",
    "Place",
    "Detector\nbefore",
    "attacked\noriginal",
    "attacked\nprotected",
    "Deviation",
    "Disrupted",
    "Core HU\noriginal",
    "Core HU\nprotected",
    "Found",
    "Healed",
)
UNKNOWN = "–"


class VerdictTable(QTableWidget):
    """Figures only; what is not known is a dash."""

    chosen = Signal(int)
    """Which attack, from 0 on, the user wants to look at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(TITLES), parent)
        self.setHorizontalHeaderLabels(TITLES)
        self.setAccessibleName("Verdicts")
        self.setToolTip("One row for each attack; a click goes there, a click on a title sorts")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        if (rows := self.verticalHeader()) is not None:
            rows.setVisible(False)
        if (titles := self.horizontalHeader()) is not None:
            titles.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.itemClicked.connect(lambda item: self.chosen.emit(self._number(item)))
        self.itemActivated.connect(lambda item: self.chosen.emit(self._number(item)))

    def show_verdicts(self, verdicts: Sequence[AttackVerdict]) -> None:
        """Fill the table; the order that the user chose stays."""
        self.setSortingEnabled(False)
        self.setRowCount(len(verdicts))
        for row, verdict in enumerate(verdicts):
            for column, (text, value, bold) in enumerate(_cells(row, verdict)):
                item = _Cell(text, value)
                if bold:
                    font = item.font()
                    font.setBold(True)
                    item.setFont(font)
                item.setToolTip(details(verdict))
                item.setData(Qt.ItemDataRole.UserRole, row)
                self.setItem(row, column, item)
        self.setSortingEnabled(True)

    def texts(self) -> list[list[str]]:
        """What stands in the table, row by row."""
        return [
            [item.text() if (item := self.item(row, column)) else "" for column in range(self.columnCount())]
            for row in range(self.rowCount())
        ]

    def _number(self, item: QTableWidgetItem) -> int:
        return int(item.data(Qt.ItemDataRole.UserRole))


class _Cell(QTableWidgetItem):
    """Sorted by its value, not by its text."""

    def __init__(self, text: str, value: Any) -> None:
        super().__init__(text)
        self.value = value

    def __lt__(self, other: QTableWidgetItem) -> bool:
        mine, others = self.value, getattr(other, "value", None)
        if mine is None or others is None:
            return mine is None and others is not None
        return bool(mine < others)


def _cells(row: int, verdict: AttackVerdict) -> list[tuple[str, Any, bool]]:
    """Text, value to sort by, and whether it is bold, of each column."""
    injection = verdict.injection
    known = verdict.original or verdict.protected
    return [
        (str(row + 1), row, False),
        (", ".join(map(str, injection.at)), injection.at, False),
        (WORDS[injection.action], injection.action, False),
        (verdict.place or UNKNOWN, verdict.place, False),
        _number(None if known is None else known.before, "{:.2f}", bold=known is not None and known.seen_before),
        _after(verdict.original),
        _after(verdict.protected),
        _number(verdict.deviation, "{:.4f}"),
        _yes_or_no(verdict.disrupted),
        _number(verdict.core_hu_original, "{:.0f}"),
        _number(verdict.core_hu_protected, "{:.0f}"),
        _yes_or_no(verdict.found),
        _yes_or_no(verdict.healed),
    ]


def _after(detection: Detection | None) -> tuple[str, Any, bool]:
    if detection is None:
        return UNKNOWN, None, False
    return _number(detection.after, "{:.2f}", bold=detection.seen)


def _number(value: float | None, pattern: str, *, bold: bool = False) -> tuple[str, Any, bool]:
    return (UNKNOWN, None, False) if value is None else (pattern.format(value), value, bold)


def _yes_or_no(value: bool | None) -> tuple[str, Any, bool]:
    return (UNKNOWN, None, False) if value is None else ("yes" if value else "no", value, False)
