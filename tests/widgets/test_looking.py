"""What a reader of CT expects of the panels: planes, letters, window, wheel, readout, a choice of panels, blinking."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_mits_gan.widgets.layers.view import world_of

PLACE = (20, 45, 34)
TIMEOUT_MS = 60_000


def letters(viewer) -> dict[str, str]:
    overlays = viewer.canvas.overlays
    return {edge: overlays[f"mits_gan_{edge}"].text for edge in ("top", "bottom", "left", "right")}


def test_planes_are_upright_and_named_and_napari_rolls_through_them(dock, settle, viewer_of):
    viewer, view = viewer_of(dock), dock.workspace.panels.view
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    assert letters(viewer) == {"top": "A", "bottom": "P", "left": "R", "right": "L"}
    assert viewer.scene.camera.orientation2d == ("down", "right")
    assert viewer.canvas.overlays.scale_bar.visible
    dock.header.plane_buttons["coronal"].click()
    assert letters(viewer) == {"top": "H", "bottom": "F", "left": "R", "right": "L"}
    assert viewer.scene.camera.orientation2d == ("up", "right")
    assert tuple(viewer.dims.order) == (1, 0, 2)
    marks = next(layer for layer in viewer.layers if layer.name == "Marks · attack")
    assert set(marks.data[:, 0]) == {PLACE[0]}
    assert len(set(marks.data[:, 1])) > 10
    viewer.dims.roll()
    assert view.plane == "sagittal" or view.plane == "axial"
    planes = {view.plane}
    for _ in range(2):
        viewer.dims.roll()
        planes.add(view.plane)
        assert letters(viewer)["top"] in ("H", "A")
    assert planes == {"axial", "coronal", "sagittal"}
    viewer.dims.ndisplay = 3
    assert not viewer.canvas.overlays["mits_gan_top"].visible
    assert dock.header.planes.checkedButton() is None
    dock.header.plane_buttons["axial"].click()
    assert viewer.dims.ndisplay == 2
    assert view.plane == "axial"
    assert dock.header.plane_buttons["axial"].isChecked()


def test_windows_in_hu_and_the_readout_hold_for_every_panel(dock, settle, viewer_of):
    viewer, work, header = viewer_of(dock), dock.workspace, dock.header
    work.attacking.attack("inject", PLACE)
    settle(dock)
    assert header.window_box.currentText() == "Lung"
    for name, limits in (("Mediastinum", (-135, 215)), ("Bone", (-100, 900)), ("Brain", (0, 100))):
        row = header.window_box.findText(name)
        header.window_box.activated.emit(row)
        for role in ("scan", "attack"):
            assert tuple(dock.workspace.panels.image(role).contrast_limits) == limits
        assert header.window_box.currentText() == name
    low, high = dock.workspace.panels.image("difference").contrast_limits
    assert low == -high
    viewer.layers["Scan · original"].contrast_limits = (-500, 700)
    dock.workspace.changed.emit()
    assert header.window_box.currentIndex() == -1
    assert header.window_box.placeholderText() == "1200 / 100"

    scan, attacked = work.session.original, work.session.attacked("original")
    viewer.mouse_over_canvas = True
    viewer.cursor.position = world_of(scan, PLACE)
    viewer.status = {"coordinates": "anything that napari says", "layer_base": "", "source_type": "", "plugin": ""}
    before, after = int(scan.hu[PLACE]), int(attacked.hu[PLACE])
    assert viewer.status == (
        "z 20, y 45, x 34 · R 26.0, P 0.0, H 50.0 mm · "
        f"HU: original {before}, attack on original {after}, difference {after - before}"
    )
    assert work.readout.text(world_of(scan, (99, 0, 0))) is None
    work.session.undo()
    settle(dock)
    assert viewer.status.endswith(f"HU: original {before}")
    viewer.mouse_over_canvas = False
    work.changed.emit()
    assert viewer.status == ""
    viewer.status = {"coordinates": "anything that napari says", "layer_base": "", "source_type": "", "plugin": ""}
    assert viewer.status == ""
    viewer.status = "Ready"
    assert viewer.status == "Ready"


def test_panels_and_lines_that_come_while_marks_are_off_are_hidden_as_well(dock, settle, viewer_of):
    dock.sections["compare"].marks.click()
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    dock.sections["compare"].three_planes.click()

    def seen() -> list[str]:
        return [layer.name.split(" · ")[0] for layer in viewer_of(dock).layers if layer.visible]

    images = ["Scan", "SIMULATED ATTACK", "Difference (HU)"]
    assert seen() == images
    dock.sections["compare"].marks.click()
    assert len(seen()) == 3 * len(images)


@pytest.mark.both_bindings
def test_wheel_and_right_button_in_the_canvas(shown_dock, qtbot, settle, viewer_of, drag):
    viewer = viewer_of(shown_dock)
    native = viewer.window._qt_viewer.canvas.native
    shown_dock.workspace.panels.go_to(shown_dock.workspace.session.original, PLACE)
    center = native.rect().center()
    zoom = viewer.scene.camera.zoom

    def wheel(notches: int, modifiers) -> None:
        event = QWheelEvent(
            QPointF(center),
            QPointF(native.mapToGlobal(center)),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(native, event)

    wheel(1, Qt.KeyboardModifier.NoModifier)
    assert viewer.dims.current_step[0] == PLACE[0] + 1
    wheel(-1, Qt.KeyboardModifier.NoModifier)
    assert viewer.dims.current_step[0] == PLACE[0]
    assert viewer.scene.camera.zoom == zoom
    wheel(1, Qt.KeyboardModifier.ShiftModifier)
    assert viewer.scene.camera.zoom > zoom
    zoom = viewer.scene.camera.zoom
    low, high = shown_dock.workspace.panels.image("scan").contrast_limits
    drag(native, Qt.MouseButton.RightButton, QPoint(20, 10), 3)
    window = shown_dock.workspace.windowing.window
    assert window.width == (high - low) + 4 * 60
    assert window.level == (high + low) / 2 + 4 * 30
    assert viewer.scene.camera.zoom == zoom


@pytest.mark.both_bindings
def test_both_versions_and_both_attacks_stand_in_two_rows_or_take_turns(dock, settle, viewer_of, qtbot):
    viewer, work, section = viewer_of(dock), dock.workspace, dock.sections["compare"]
    assert not dock.header.blink_button.isEnabled()
    work.attacking.attack("inject", PLACE)
    settle(dock)
    assert not section.four_button.isEnabled()
    assert not section.figures.isVisibleTo(section)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    assert section.figures.isVisibleTo(section)
    section.four_button.click()
    names = [layer.name for layer in viewer.layers if not layer.name.startswith("Marks")]
    assert names == [
        "Scan · original",
        "Scan · protected",
        "SIMULATED ATTACK · original",
        "SIMULATED ATTACK · protected",
    ]
    np.testing.assert_array_equal(viewer.layers[names[3]].data, work.session.attacked("protected").hu)
    assert not section.panels["difference"].isEnabled()
    dock.header.switch.click()
    settle(dock)
    assert [layer.name for layer in viewer.layers if not layer.name.startswith("Marks")] == names
    np.testing.assert_array_equal(viewer.layers[names[3]].data, work.session.attacked("protected").hu)
    section.panels["other scan"].click()
    section.panels["difference"].click()
    assert work.panels.shown == ("scan", "attack", "other attack", "difference")
    section.usual_button.click()
    assert work.panels.shown == ("scan", "attack", "difference")

    dock.header.switch.click()
    settle(dock)

    def seen() -> list[str]:
        return [layer.name for layer in viewer.layers if layer.visible and not layer.name.startswith("Marks")]

    dock.header.blink_button.click()
    assert seen() == ["SIMULATED ATTACK · original"]
    qtbot.waitUntil(lambda: seen() == ["SIMULATED ATTACK · protected"], timeout=TIMEOUT_MS)
    qtbot.waitUntil(lambda: seen() == ["SIMULATED ATTACK · original"], timeout=TIMEOUT_MS)
    dock.header.blink_button.click()
    assert seen() == ["Scan · protected", "SIMULATED ATTACK · protected", "Difference (HU) · attacked − scan"]
    dock.header.blink_button.click()
    work.session.clear()
    settle(dock)
    assert work.panels.pair is None
