"""Suggested sites in the window: found, marked, gone to, attacked."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_mits_gan.detection.sites import Site
from napari_mits_gan.errors import WeightsError
from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.controls.suggestion_row import SuggestionRow
from napari_mits_gan.widgets.layers.marks import CURRENT_COLOR, SITE

NODULE = (20, 45, 86)
TIMEOUT_MS = 120_000


@pytest.fixture
def ill(scan):
    """The small scan with one nodule in it."""
    hu = scan.hu.copy()
    grids = np.ogrid[tuple(slice(0, n) for n in hu.shape)]
    away = sum(((g - a) * s) ** 2 for g, a, s in zip(grids, NODULE, scan.spacing, strict=True))
    hu[away < 36] = 40
    return type(scan)(hu, spacing=scan.spacing, origin=scan.origin, name="ill")


@pytest.fixture
def suggested(make_dock, ill, settle):
    """A dock with suggestions for injections."""
    dock = make_dock(ill)
    dock.sections["attack"].suggestions.suggest_button.click()
    settle(dock)
    return dock


def suggestion_layers(viewer):
    return [layer for layer in viewer.layers if layer.name.startswith("Suggested sites")]


def slice_shown(viewer) -> int:
    return round(float(viewer.layers["Scan · original"].world_to_data(viewer.dims.point)[0]))


def test_the_row_lists_places_with_scores_and_goes_round(qtbot):
    row = SuggestionRow()
    qtbot.addWidget(row)
    assert not row.next_button.isEnabled()
    row.show_suggestions([Site((1, 2, 3), "inject", 0.934), Site((4, 5, 6), "inject", 0.5)], -1)
    assert [row.list.itemText(i) for i in range(2)] == ["1. z1 y2 x3 · 0.93", "2. z4 y5 x6 · 0.50"]
    asked = []
    row.selected.connect(asked.append)
    for current in (-1, 0, 1):
        row.show_suggestions([Site((1, 2, 3), "inject", 0.934), Site((4, 5, 6), "inject", 0.5)], current)
        row.next_button.click()
    assert asked == [0, 1, 0]


def test_suggestions_are_marked_with_their_score_and_listed(suggested, viewer_of):
    dock, viewer = suggested, viewer_of(suggested)
    sites = dock.workspace.suggestions.suggested
    assert sites
    assert dock.sections["attack"].suggestions.list.count() == len(sites)
    (layer,) = suggestion_layers(viewer)
    assert layer.name == "Suggested sites to inject · scan"
    assert tuple(layer.scale) == dock.workspace.session.original.spacing
    for number, site in enumerate(sites):
        own = layer.features[layer.features[SITE] == number]
        assert np.allclose(own["score"], site.score)
        assert site.at in {tuple(int(v) for v in layer.data[i]) for i in own.index}
    assert set(layer.text.values) == {f"{site.score:.2f}" for site in sites}
    assert "to inject" in dock.message.text.text()


def test_next_goes_there_and_one_more_click_attacks_there(suggested, settle, viewer_of):
    dock = suggested
    sites = dock.workspace.suggestions.suggested
    dock.sections["attack"].suggestions.next_button.click()
    assert dock.sections["attack"].voxel_boxes.voxel == sites[0].at
    assert slice_shown(viewer_of(dock)) == sites[0].at[0]
    assert dock.sections["attack"].suggestions.list.currentIndex() == 0
    (layer,) = suggestion_layers(viewer_of(dock))
    current = layer.border_color[(layer.features[SITE] == 0).to_numpy()]
    assert np.allclose(current, [1, 1, 1, 1]), CURRENT_COLOR
    dock.sections["attack"].here_button.click()
    settle(dock)
    assert dock.workspace.session.injections == (Injection("inject", sites[0].at),)
    # the ring says so now, and the marker would hide what was injected
    for layer in suggestion_layers(viewer_of(dock)):
        assert np.array_equal(layer.shown, layer.features[SITE] != 0)
    dock.sections["attack"].undo_button.click()
    settle(dock)
    assert all(layer.shown.all() for layer in suggestion_layers(viewer_of(dock)))


def test_a_choice_in_the_list_goes_there(suggested, viewer_of):
    row = suggested.sections["attack"].suggestions
    last = len(suggested.workspace.suggestions.suggested) - 1
    row.list.setCurrentIndex(last)
    row.list.activated.emit(last)
    assert suggested.sections["attack"].voxel_boxes.voxel == suggested.workspace.suggestions.suggested[last].at
    assert suggested.workspace.suggestions.current == last


def test_selecting_a_marker_in_its_layer_goes_there(suggested, viewer_of):
    (layer,) = suggestion_layers(viewer_of(suggested))
    last = len(suggested.workspace.suggestions.suggested) - 1
    layer.selected_data = {int(np.flatnonzero(layer.features[SITE] == last)[0])}
    assert suggested.sections["attack"].voxel_boxes.voxel == suggested.workspace.suggestions.suggested[last].at


def test_a_click_on_a_marker_goes_there_and_attacks_nothing(make_dock, ill, settle, click_at, viewer_of):
    dock = make_dock(ill, show=True)
    dock.sections["attack"].suggestions.suggest_button.click()
    settle(dock)
    site = dock.workspace.suggestions.suggested[-1]
    click_at(dock, site.at)
    settle(dock)
    assert dock.sections["attack"].voxel_boxes.voxel == site.at
    assert dock.workspace.session.injections == ()
    dock.sections["attack"].arm.click()
    click_at(dock, site.at)
    settle(dock)
    assert dock.workspace.session.injections == (Injection("inject", site.at),)


def test_every_panel_gets_the_markers_and_each_panel_keeps_its_cell(suggested, settle, viewer_of):
    dock, viewer = suggested, viewer_of(suggested)
    dock.workspace.attacking.attack("inject", (20, 45, 34))
    settle(dock)
    assert [layer.name for layer in viewer.layers] == [
        "Scan · original",
        "Marks · scan",
        "Suggested sites to inject · scan",
        "SIMULATED ATTACK · original",
        "Marks · attack",
        "Suggested sites to inject · attack",
        "Difference (HU) · attacked − scan",
        "Marks · difference",
        "Suggested sites to inject · difference",
    ]
    cells = [viewer.canvas.grid.position(index, viewer.layers) for index in range(9)]
    assert [len(set(cells[i : i + 3])) for i in (0, 3, 6)] == [1, 1, 1]
    assert len(set(cells)) == 3
    dock.sections["compare"].marks.click()
    assert [layer.visible for layer in viewer.layers] == [True, False, False] * 3
    dock.sections["compare"].marks.click()
    dock.sections["attack"].suggestions.clear_button.click()
    assert suggestion_layers(viewer) == []
    assert viewer.canvas.grid.stride == 2
    assert len(viewer.layers) == 6


def test_each_action_has_its_own_suggestions(suggested, settle, viewer_of):
    dock, viewer = suggested, viewer_of(suggested)
    for_injection = dock.workspace.suggestions.suggested
    dock.sections["attack"].remove_button.click()
    assert suggestion_layers(viewer) == []
    dock.sections["attack"].suggestions.suggest_button.click()
    settle(dock)
    (site,) = dock.workspace.suggestions.suggested
    assert site.action == "remove"
    assert np.abs(np.subtract(site.at, NODULE)).max() <= 2
    assert [layer.name for layer in suggestion_layers(viewer)] == ["Suggested sites to remove · scan"]
    dock.sections["attack"].inject_button.click()
    assert dock.workspace.suggestions.suggested == for_injection
    assert [layer.name for layer in suggestion_layers(viewer)] == ["Suggested sites to inject · scan"]


def test_nothing_found_is_said(dock, settle, viewer_of):
    dock.sections["attack"].remove_button.click()
    dock.sections["attack"].suggestions.suggest_button.click()
    settle(dock)
    assert "looks like a nodule" in dock.message.text.text()
    assert suggestion_layers(viewer_of(dock)) == []


def test_another_scan_has_no_suggestions_of_the_last_one(suggested, settle, scan, viewer_of):
    suggested.workspace.session.open(scan)
    settle(suggested)
    assert suggestion_layers(viewer_of(suggested)) == []
    assert suggested.sections["attack"].suggestions.list.count() == 0
    assert not suggested.sections["attack"].suggestions.next_button.isEnabled()


def test_markers_that_were_removed_come_back_with_restore(suggested, settle, viewer_of):
    dock, viewer = suggested, viewer_of(suggested)
    viewer.layers.remove("Suggested sites to inject · scan")
    viewer.layers.remove("Marks · scan")
    assert not dock.sections["compare"].restore_button.isHidden()
    dock.sections["compare"].restore_button.click()
    settle(dock)
    assert len(suggestion_layers(viewer)) == 1
    viewer.layers.remove("Marks · scan")
    dock.sections["attack"].suggestions.clear_button.click()
    assert [layer.name for layer in viewer.layers] == ["Scan · original", "Marks · scan"]


def test_the_search_can_be_cancelled(make_dock, ill, settle, qtbot):
    class Slow:
        threshold = 0.5
        asked = 0

        def scores(self, volume, places):
            if not searching.is_set():  # it is asked once beforehand, to be warm
                return np.zeros(len(places))
            Slow.asked += 1
            dock.message.cancel_requested.emit()
            assert heard.wait(30), "the window's thread has taken the request in"
            return np.full(len(places), 0.9)

    searching, heard = threading.Event(), threading.Event()
    dock = make_dock(ill, load_detector=lambda device: Slow())
    settle(dock)
    searching.set()
    # Connected last, so it is told after all others.
    dock.message.cancel_requested.connect(lambda: heard.set())
    dock.sections["attack"].suggestions.suggest_button.click()
    settle(dock)
    assert Slow.asked == 1
    assert dock.workspace.suggestions.suggested == ()
    assert "stopped" in dock.message.text.text()


def test_healthy_lung_is_suggested_without_a_detector_and_nodules_are_not(make_dock, ill, settle):
    def missing(device):
        raise WeightsError("the file 'detector.safetensors' is missing.")

    dock = make_dock(ill, load_detector=missing)
    dock.sections["attack"].suggestions.suggest_button.click()
    settle(dock)
    assert dock.workspace.suggestions.suggested
    dock.sections["attack"].remove_button.click()
    dock.sections["attack"].suggestions.suggest_button.click()
    settle(dock)
    assert "detector.safetensors" in dock.message.complaint.text()


def test_the_keyboard_suffices(make_dock, ill, settle, qtbot, viewer_of):
    dock = make_dock(ill, show=True)
    window = viewer_of(dock).window._qt_window
    QApplication.setActiveWindow(window)
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    qtbot.keyClick(window, Qt.Key.Key_C, modifiers)
    qtbot.waitUntil(lambda: bool(dock.workspace.suggestions.suggested), timeout=TIMEOUT_MS)
    settle(dock)
    qtbot.keyClick(window, Qt.Key.Key_N, modifiers)
    qtbot.waitUntil(lambda: dock.workspace.suggestions.current == 0)
    qtbot.keyClick(window, Qt.Key.Key_H, modifiers)
    qtbot.waitUntil(lambda: bool(dock.workspace.session.injections))
    settle(dock)
    assert dock.workspace.session.injections[0].at == dock.workspace.suggestions.suggested[0].at
