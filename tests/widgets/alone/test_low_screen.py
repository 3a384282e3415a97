"""Pages on a low screen."""

from __future__ import annotations

from napari_mits_gan.widgets.main_dock import arrange_window

LOW_SCREENS = ((1280, 720), (1366, 768))
PLACE = (20, 45, 34)
TIMEOUT_MS = 60_000


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
        for page in dock.sections:
            dock.show_page(page)
            scroll = dock.pages.currentWidget()
            qtbot.waitUntil(
                lambda scroll=scroll: scroll.widget().width() == scroll.viewport().width(), timeout=TIMEOUT_MS
            )

            qtbot.wait(200)  # the layout of a page that was not seen yet comes after it is shown
            needed, there = scroll.widget().minimumSizeHint().height(), scroll.viewport().height()
            assert needed <= there, (page, width, height)
        assert dock.width() <= 0.4 * width
