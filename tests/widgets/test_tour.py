"""The guided tour, and the list of keys that has it."""

from __future__ import annotations

import pytest

from napari_mits_gan.widgets.preferences import preferences

PLACE = (20, 45, 34)
TIMEOUT_MS = 60_000


@pytest.fixture
def settings(plugin_settings, plugin):
    from napari.settings import get_plugin_settings

    return get_plugin_settings("napari-mits-gan")


def test_a_tour_begins_with_the_window_and_goes_on_with_what_the_user_does(
    settings, make_dock, scan, settle, qtbot, open_menu, viewer_of
):
    dock = make_dock(show=True)
    work, tour = dock.workspace, dock.tour
    qtbot.waitUntil(lambda: tour.on, timeout=TIMEOUT_MS)
    assert dock.page == "scan"
    bubble = tour.bubble
    assert bubble.title.text() == "Open a CT scan"
    assert bubble.isVisible()
    assert bubble.frame.isVisible()
    # beside the dock, and not above anything that is to be pressed
    assert bubble.geometry().right() < dock.mapTo(dock.window(), dock.rect().topLeft()).x()
    work.session.open(scan)
    settle(dock)
    assert (dock.page, bubble.number.text()) == ("attack", "2 of 6")
    work.attacking.attack("inject", PLACE)
    settle(dock)
    assert dock.page == "protect"
    bubble.back_button.click()
    work.changed.emit()
    assert dock.page == "attack", "a step that one goes back to stays"
    bubble.next_button.click()
    dock.header.switch.click()
    settle(dock)
    assert dock.page == "compare"
    bubble.close_button.click()
    assert not tour.on
    assert preferences().tour, "later is not never"
    tour.start()
    assert dock.page == "compare"
    tour.bubble.never_button.click()
    assert not preferences().tour
    assert "tour: false" in settings.config_path.read_text()


def test_a_tour_that_was_seen_to_its_end_is_not_offered_again_and_stands_beside_the_keys(settings, make_dock, scan):
    dock = make_dock(scan)
    assert dock.offers_tour
    window = dock.show_help()
    told = dict(window.rows())
    keys = [keys for section in (dock.header, *dock.sections.values()) for keys, _ in section.shortcuts]
    assert set(keys) < set(told)
    assert told["Alt+4"] == "Page Compare"
    assert told["Ctrl+Alt+Z"] == "Take the last attack back"
    assert all(len(words) > 3 and "(Ctrl" not in words for words in told.values())
    window.tour_button.click()
    pages = [dock.page]
    while dock.tour.on:
        dock.tour.bubble.next_button.click()
        pages.append(dock.page)
    assert pages == ["attack", "protect", "compare", "evidence", "export", "export"]
    assert not preferences().tour
