"""The dock in a window that is too low for it: nothing lies under the scroll bar, and nothing is cut off."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QWidget

TIMEOUT_MS = 60_000


def right_edge(widget, of) -> int:
    """Where a widget ends, in pixels from the left edge of another that holds it."""
    return widget.mapTo(of, widget.rect().topRight()).x()


def test_no_part_of_the_dock_lies_under_the_scroll_bar(shown_dock, settle, viewer_of, qtbot):
    dock, window = shown_dock, viewer_of(shown_dock).window._qt_window
    dock.workspace.attacking.attack("inject", (20, 45, 34))
    settle(dock)
    dock.show_page("compare")
    dock.sections["compare"].figures.setVisible(True)
    scroll = dock.pages.currentWidget()
    content, bar = scroll.widget(), scroll.verticalScrollBar()
    (holder,) = [d for d in window.findChildren(QDockWidget) if d.isAncestorOf(dock)]
    content.setMinimumHeight(450)  # what a page of one's own may need
    scrolled = set()
    for width, height in ((1600, 1000), (1100, 600), (1600, 930)):
        window.resize(width, height)
        # As narrow as the user can make it; a dock narrower than what it holds cuts that off.
        window.resizeDocks([holder], [100], Qt.Orientation.Horizontal)
        qtbot.waitUntil(lambda height=height: window.height() == height, timeout=TIMEOUT_MS)
        qtbot.waitUntil(lambda: content.width() == scroll.viewport().width(), timeout=TIMEOUT_MS)
        qtbot.waitUntil(lambda: bar.isEnabled() == (content.height() > scroll.viewport().height()), timeout=TIMEOUT_MS)
        left_of_bar = bar.mapTo(scroll, bar.rect().topLeft()).x()
        for part in content.findChildren(QWidget):
            if part.isVisible():
                assert right_edge(part, scroll) < left_of_bar, (type(part).__name__, width, height)
        qtbot.waitUntil(lambda: right_edge(bar, dock) <= dock.rect().right(), timeout=TIMEOUT_MS)
        scrolled.add(bar.isEnabled())
    assert scrolled == {True, False}
