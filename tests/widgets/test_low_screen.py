"""On a low screen the pages have all the room that header and messages leave, and need no scrolling."""

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
    dock.sections["compare"].measure_button.click()
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

            def fits(scroll=scroll, told=(page, width, height)):
                assert scroll.widget().minimumSizeHint().height() <= scroll.viewport().height(), told

            qtbot.waitUntil(fits, timeout=TIMEOUT_MS)  # a page that was not seen yet gets its size only now
        assert dock.width() <= 0.4 * width


def test_a_dock_opened_after_others_gives_its_pages_all_the_room(make_dock):
    """napari adds a stretch to the layout of a dock that does not want the height; it grows from dock to dock."""
    for dock in (make_dock(), make_dock()):
        layout = dock.layout()
        assert [layout.itemAt(n).widget() for n in range(layout.count())] == [
            *(dock.header, dock.tasks, dock.pages, dock.message)
        ]
