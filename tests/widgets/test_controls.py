"""Every control of the dock says what it is, and nothing has to be scrolled on small screens."""

from __future__ import annotations

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

from napari_mits_gan.widgets.main_dock import arrange_window

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


def test_no_page_needs_scrolling_on_a_low_screen(shown_dock, settle, viewer_of, qtbot):
    """The whole window is as large as the screen; the pages hold all that they ever show."""
    dock, viewer = shown_dock, viewer_of(shown_dock)
    arrange_window(viewer, dock)
    dock.workspace.attacking.attack("inject", PLACE)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    dock.workspace.messages.complain("Something that takes two lines of the narrow dock to be said went wrong.")
    for width, height in LOW_SCREENS:
        viewer.window.resize(width, height)
        qtbot.waitUntil(lambda height=height: viewer.window._qt_window.height() == height, timeout=TIMEOUT_MS)
        qtbot.wait(300)  # a page chosen while the window is still being laid out keeps the height of before
        for page in dock.sections:
            dock.show_page(page)
            scroll = dock.pages.currentWidget()
            qtbot.waitUntil(
                lambda scroll=scroll: scroll.widget().width() == scroll.viewport().width(), timeout=TIMEOUT_MS
            )

            # a page that was not seen yet gets its size only now
            def fits(scroll=scroll, page=page):
                needed, there = scroll.widget().minimumSizeHint().height(), scroll.viewport().height()
                assert needed <= there, (page, width, height, needed, there)

            qtbot.waitUntil(fits, timeout=20_000)
        assert dock.width() <= 0.4 * width
