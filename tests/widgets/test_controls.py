"""Every control of the dock says what it is, and nothing has to be scrolled on small screens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QWidget,
)

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
)
LOW_SCREENS = ((1280, 720), (1366, 768))
PLACE = (20, 45, 34)
TIMEOUT_MS = 60_000


def _is_part_of_another(widget: QWidget) -> bool:
    """Popups of combo boxes, the line of a spin box, scroll bars: their owner speaks for them."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QAbstractSpinBox | QComboBox | QAbstractItemView | QAbstractSlider):
            return True
        if type(parent).__name__.startswith("QLabeledSlider"):
            return True
        parent = parent.parentWidget()
    return isinstance(widget, QScrollBar)


@pytest.mark.both_bindings
def test_every_control_has_a_tooltip_and_a_name(dock):
    dock.sections["protect"].options_button.click()
    unnamed = []
    for widget in dock.findChildren(QWidget):
        if not isinstance(widget, CONTROLS) or _is_part_of_another(widget):
            continue
        text = widget.text() if isinstance(widget, QAbstractButton) else ""
        name = widget.accessibleName() or text
        if len(name.strip("…× ")) < 2 or not widget.toolTip():
            unnamed.append((type(widget).__name__, name, widget.toolTip()))
    assert unnamed == []


def test_every_key_stands_in_the_documents(dock):
    text = (Path(__file__).parents[2] / "docs" / "window.md").read_text("utf-8")
    told = [key for row in re.findall(r"^\| Ctrl\+Alt\+(.+?) \|", text, re.MULTILINE) for key in row.split(", ")]
    keys = [keys for section in (dock.header, *dock.sections.values()) for keys, _ in section.shortcuts]
    assert sorted(f"Ctrl+Alt+{key}" for key in told) == sorted(keys)
    assert f"Alt+1 … Alt+{len(dock.sections)} " in text
