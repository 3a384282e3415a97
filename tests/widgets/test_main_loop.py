from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication

from napari_mits_gan.session import Difference, Injection
from napari_mits_gan.widgets.layers.view import world_of
from napari_mits_gan.widgets.layers.volume_layer import SIMULATED_ATTACK_KEY, VOLUME_KEY

PLACE = (20, 45, 34)


def picture(viewer) -> np.ndarray:
    return viewer.screenshot(canvas_only=True, flash=False)


def names(viewer) -> list[str]:
    return [layer.name for layer in viewer.layers]


def test_a_scan_is_shown_in_a_lung_window_in_mm(dock, scan, viewer_of):
    layer = viewer_of(dock).layers["Scan · original"]
    assert layer.data is scan.hu or np.shares_memory(layer.data, scan.hu)
    assert tuple(layer.contrast_limits) == (-1350, 150)
    assert tuple(layer.scale) == scan.spacing
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 3
    assert layer.axis_labels == ("z", "y", "x")
    assert layer.metadata[VOLUME_KEY] is scan
    assert "40 × 90 × 120" in dock.sections["scan"].summary.text()


@pytest.mark.both_bindings
def test_a_click_injects_at_the_voxel_under_the_mouse(shown_dock, settle, click_at, viewer_of):
    viewer = viewer_of(shown_dock)
    shown_dock.sections["attack"].arm.click()
    click_at(shown_dock, PLACE)
    settle(shown_dock)
    assert shown_dock.workspace.session.injections == (Injection("inject", PLACE),)
    assert shown_dock.sections["attack"].voxel_boxes.voxel == PLACE
    attacked = viewer.layers["SIMULATED ATTACK · original"]
    assert attacked.data[PLACE] >= 40
    assert viewer.layers["Scan · original"].data[PLACE] < -700
    assert attacked.metadata[SIMULATED_ATTACK_KEY] is True


def test_the_nodule_is_seen_in_the_attacked_panel_and_not_in_the_scan(
    shown_dock, settle, click_at, viewer_of, pixel_of
):
    viewer = viewer_of(shown_dock)
    shown_dock.sections["compare"].marks.setChecked(False)
    shown_dock.sections["attack"].arm.click()
    click_at(shown_dock, PLACE)
    settle(shown_dock)
    image = picture(viewer).astype(int)
    layer = viewer.layers["Scan · original"]
    brightness = []
    for panel in range(3):
        point = pixel_of(viewer, layer, PLACE, panel)
        brightness.append(image[point.y() - 2 : point.y() + 3, point.x() - 2 : point.x() + 3, :3].mean())
    scan, attacked, difference = brightness
    assert attacked > scan + 80
    assert difference > 60


def test_a_click_in_any_panel_attacks_the_same_voxel(shown_dock, settle, click_at, viewer_of):
    shown_dock.sections["attack"].arm.click()
    click_at(shown_dock, PLACE)
    settle(shown_dock)
    for panel, place in enumerate([(18, 50, 80), (22, 40, 88), (16, 60, 30)]):
        click_at(shown_dock, place, panel)
        settle(shown_dock)
        assert shown_dock.workspace.session.injections[-1].at == place
    assert viewer_of(shown_dock).canvas.grid.enabled


def test_a_drag_moves_the_picture_and_attacks_nothing(shown_dock, qtbot, settle, viewer_of, drag, pixel_of):
    viewer = viewer_of(shown_dock)
    shown_dock.sections["attack"].arm.click()
    settle(shown_dock)
    native = viewer.window._qt_viewer.canvas.native

    def place() -> QPoint:
        return pixel_of(viewer, viewer.layers["Scan · original"], PLACE)

    qtbot.waitUntil(lambda: native.rect().contains(place()))  # the panels that came are drawn
    before = viewer.scene.camera.center
    drag(native, Qt.MouseButton.LeftButton, QPoint(12, 5), 5, at=place())
    settle(shown_dock)
    qtbot.waitUntil(lambda: viewer.scene.camera.center != before)
    assert shown_dock.workspace.session.injections == ()


def test_clicks_do_nothing_unless_they_are_switched_on(shown_dock, settle, click_at):
    click_at(shown_dock, PLACE)
    settle(shown_dock)
    assert shown_dock.workspace.session.injections == ()
    shown_dock.sections["attack"].arm.click()
    shown_dock.sections["attack"].arm.click()
    click_at(shown_dock, PLACE)
    settle(shown_dock)
    assert shown_dock.workspace.session.injections == ()


@pytest.mark.both_bindings
def test_the_place_can_be_typed_and_lists_are_gone_through_by_keys(dock, scan, settle, viewer_of, qtbot):
    viewer, section = viewer_of(dock), dock.sections["attack"]
    section.remove_button.click()
    dock.workspace.panels.view.zoom_to(scan, (5, 45, 86))
    for box, value in zip(section.voxel_boxes.boxes, PLACE, strict=True):
        box.setValue(value)
    section.here_button.click()
    settle(dock)
    assert dock.workspace.session.injections == (Injection("remove", PLACE),)
    assert viewer.layers["SIMULATED ATTACK · original"].data[PLACE] == -880

    def seen() -> tuple[float, ...]:
        return (viewer.dims.current_step[0], *viewer.scene.camera.center[1:])

    there = seen()
    assert there == (PLACE[0], *world_of(scan, PLACE)[1:]), "the attack is shown, and not where one looked before"
    dock.workspace.attacking.attack("remove", (30, 45, 86))
    settle(dock)
    assert seen() == there, "a click is where one looks already"
    qtbot.keyClick(section.list, Qt.Key.Key_Return)
    assert seen() == (30, *world_of(scan, (30, 45, 86))[1:])
    qtbot.keyClick(section.list, Qt.Key.Key_Up)
    assert seen() == there


def test_three_panels_stand_side_by_side_with_one_window_and_symmetric_difference(dock, settle, viewer_of):
    viewer = viewer_of(dock)
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    assert names(viewer) == [
        "Scan · original",
        "Marks · scan",
        "SIMULATED ATTACK · original",
        "Marks · attack",
        "Difference (HU) · attacked − scan",
        "Marks · difference",
    ]
    assert viewer.canvas.grid.enabled
    assert viewer.canvas.grid.stride == 2
    assert len(viewer.window._qt_viewer.canvas.grid_views) >= 3
    viewer.layers["Scan · original"].contrast_limits = (-1000, 400)
    assert tuple(viewer.layers["SIMULATED ATTACK · original"].contrast_limits) == (-1000, 400)
    low, high = viewer.layers["Difference (HU) · attacked − scan"].contrast_limits
    assert low == -high
    assert viewer.layers.extent.units is not None


def test_side_by_side_can_be_switched_off_and_on(dock, settle, viewer_of):
    viewer = viewer_of(dock)
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    dock.sections["compare"].side_by_side.click()
    assert not viewer.canvas.grid.enabled
    assert [layer.name for layer in viewer.layers if layer.visible] == ["SIMULATED ATTACK · original", "Marks · attack"]
    dock.sections["compare"].side_by_side.click()
    assert viewer.canvas.grid.enabled
    assert all(layer.visible for layer in viewer.layers)


def test_marks_can_be_hidden(dock, settle, viewer_of):
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    dock.sections["compare"].marks.click()
    assert [layer.visible for layer in viewer_of(dock).layers] == [True, False] * 3


@pytest.mark.both_bindings
def test_one_switch_replays_the_injections_on_the_other_version(dock, settle, viewer_of):
    viewer = viewer_of(dock)
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    dock.sections["protect"].budget.setValue(11)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    assert dock.header.switch.isChecked()
    protected = viewer.layers["Scan · protected"].data
    assert np.abs(protected.astype(int) - dock.workspace.session.original.hu).max() == 11
    on_protected = viewer.layers["SIMULATED ATTACK · protected"].data
    dock.header.switch.click()
    settle(dock)
    assert "OFF" in dock.header.switch.text()
    on_original = viewer.layers["SIMULATED ATTACK · original"].data
    assert on_original[PLACE] != on_protected[PLACE]
    assert viewer.layers["Scan · original"].data[PLACE] == dock.workspace.session.original.hu[PLACE]
    dock.header.switch.click()
    settle(dock)
    assert viewer.layers["SIMULATED ATTACK · protected"].data is on_protected


@pytest.mark.both_bindings
def test_each_difference_can_be_looked_at(dock, settle, viewer_of):
    dock.workspace.attacking.attack("inject", PLACE)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    session = dock.workspace.session
    expected = {
        Difference.ATTACK: (session.attacked("protected").hu, session.protected.hu),
        Difference.PROTECTION: (session.protected.hu, session.original.hu),
        Difference.EFFECT: (session.attacked("protected").hu, session.attacked("original").hu),
    }
    for kind, (minuend, subtrahend) in expected.items():
        index = dock.sections["compare"].difference.findText(str(kind))
        dock.sections["compare"].difference.setCurrentIndex(index)
        dock.sections["compare"].difference.activated.emit(index)
        settle(dock)
        layer = viewer_of(dock).layers[f"Difference (HU) · {kind}"]
        assert np.array_equal(layer.data, minuend.astype(int) - subtrahend)


def test_figures_stand_beside_the_pictures(dock, settle):
    table = dock.sections["compare"].figures
    assert table.text("protection_slice", "max_change_hu") == "–"
    dock.workspace.attacking.attack("inject", PLACE)
    dock.sections["protect"].budget.setValue(14)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    assert table.text("protection_slice", "max_change_hu") == "14"
    assert 40 < float(table.text("protection_cuboid", "psnr_db")) < 60
    assert 0 < float(table.text("attack_cuboid", "ssim")) < 1
    assert float(table.text("attack_cuboid", "rms_hu")) > 0


def test_undo_takes_the_last_attack_back_and_clear_takes_all(dock, settle, viewer_of):
    viewer = viewer_of(dock)
    other = (20, 45, 86)
    dock.workspace.attacking.attack("inject", PLACE)
    dock.workspace.attacking.attack("inject", other)
    settle(dock)
    assert dock.sections["attack"].list.count() == 2
    dock.sections["attack"].undo_button.click()
    settle(dock)
    attacked = viewer.layers["SIMULATED ATTACK · original"].data
    assert attacked[other] == dock.workspace.session.original.hu[other]
    assert attacked[PLACE] >= 40
    dock.workspace.attacking.attack("inject", other)
    dock.sections["attack"].clear_button.click()
    settle(dock)
    assert names(viewer) == ["Scan · original", "Marks · scan"]
    assert not viewer.canvas.grid.enabled
    assert not dock.sections["attack"].undo_button.isEnabled()


def test_choosing_an_attack_goes_to_its_slice_and_zoom_brings_it_close(dock, settle, viewer_of):
    viewer = viewer_of(dock)
    dock.workspace.attacking.attack("inject", PLACE)
    dock.workspace.attacking.attack("inject", (30, 45, 86))
    settle(dock)
    whole = viewer.scene.camera.zoom
    dock.sections["attack"].list.setCurrentRow(0)
    dock.sections["attack"].list.itemClicked.emit(dock.sections["attack"].list.item(0))
    settle(dock)
    layer = viewer.layers["Scan · original"]
    assert round(layer.world_to_data(viewer.dims.point)[0]) == 20
    dock.sections["compare"].zoom_button.click()
    assert viewer.scene.camera.zoom > whole
    assert np.allclose(viewer.scene.camera.center[1:], layer.data_to_world(PLACE)[1:])
    dock.sections["compare"].whole_button.click()
    assert np.isclose(viewer.scene.camera.zoom, whole)


def test_a_close_up_survives_the_next_attack(dock, settle, viewer_of):
    viewer = viewer_of(dock)
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    dock.sections["compare"].zoom_button.click()
    close_up = (viewer.scene.camera.center, viewer.scene.camera.zoom)
    dock.workspace.attacking.attack("inject", (21, 48, 36))
    settle(dock)
    assert (viewer.scene.camera.center, viewer.scene.camera.zoom) == close_up


@pytest.mark.both_bindings
def test_shortcuts_work_and_stand_in_their_tooltips(shown_dock, settle, qtbot, viewer_of):
    window = viewer_of(shown_dock).window._qt_window
    QApplication.setActiveWindow(window)
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    for section in (shown_dock.header, *shown_dock.sections.values()):
        for keys, button in section.shortcuts:
            assert keys in button.toolTip()
    shown_dock.show_page("scan")
    qtbot.keyClick(window, Qt.Key.Key_A, modifiers)
    qtbot.waitUntil(shown_dock.sections["attack"].arm.isChecked)
    shown_dock.workspace.attacking.attack("inject", PLACE)
    settle(shown_dock)
    qtbot.keyClick(window, Qt.Key.Key_Z, modifiers)
    qtbot.waitUntil(lambda: shown_dock.workspace.session.injections == ())
