"""What stands in the dock can be read in napari's dark and in its light theme."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from qtpy.QtCore import QPoint
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QLabel, QLineEdit, QWidget

PLACE = (20, 45, 34)
THEMES = ("dark", "light")
CONTRAST = 4.5
"""What the Web Content Accessibility Guidelines (WCAG 2.2, success criterion 1.4.3) ask of text."""
SHOWING = (QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QLabel, QLineEdit)


@pytest.mark.both_bindings
def test_words_stand_out_from_what_is_behind_them(shown_dock, settle, viewer_of, qtbot):
    dock = shown_dock
    dock.workspace.attacking.attack("inject", PLACE)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    dock.workspace.messages.complain("Something went wrong")
    faint = {}
    for theme, page in product(THEMES, dock.sections):
        viewer_of(dock).theme = theme
        dock.show_page(page)
        qtbot.waitUntil(lambda page=page: dock.sections[page].isVisible())
        pixels = _pixels(dock)  # of all of it: behind transparent widgets there is something
        for widget in dock.findChildren(QWidget):
            if isinstance(widget, SHOWING) and widget.isVisible() and widget.isEnabled() and _words(widget):
                corner, size = widget.mapTo(dock, QPoint(0, 0)), widget.size()
                part = pixels[corner.y() : corner.y() + size.height(), corner.x() : corner.x() + size.width()]
                if (contrast := _contrast(part.reshape(-1, 3))) < CONTRAST:
                    faint[theme, page, _words(widget)] = round(contrast, 1)
    assert not faint, "\n".join(f"{contrast}: {where}" for where, contrast in faint.items())


def _words(widget: QWidget) -> str:
    """What is written on a widget."""
    if isinstance(widget, QAbstractItemView):
        model = widget.model()
        return "" if model is None or not model.rowCount() else str(model.index(0, 0).data() or "")
    text = widget.currentText() if isinstance(widget, QComboBox) else widget.text()
    return str(text).strip()


def _pixels(widget: QWidget) -> NDArray[np.float64]:
    """The colours of a widget, 0 to 1, shape (y, x, 3)."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    bits = image.constBits()
    if hasattr(bits, "setsize"):  # PyQt6 does not know how much there is
        bits.setsize(image.sizeInBytes())
    rows = np.frombuffer(bytes(bits), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return rows[:, : image.width(), 2::-1] / 255


def _contrast(colours: NDArray[np.float64]) -> float:
    """Ratio of the relative luminances of the commonest colour and of that which differs most from it (WCAG 2.2)."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    luminances = linear @ (0.2126, 0.7152, 0.0722)
    values, counts = np.unique(luminances.round(4), return_counts=True)
    ratios = (values + 0.05) / (values[counts.argmax()] + 0.05)
    return float(max(ratios.max(), 1 / ratios.min()))
