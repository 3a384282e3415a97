"""A distance in mm, drawn with the mouse in any panel and plane, or given by the keyboard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from drags import drag_in
from napari_mits_gan.widgets.layers.view import world_of

PLACE = (20, 45, 34)


def lines(viewer) -> dict[str, str]:
    """The panels in which a line is seen, and what is written beside it."""
    layers = [layer for layer in viewer.layers if layer.name.startswith("Distance") and layer.nshapes]
    return {layer.metadata["mits_gan_panel"]: str(layer.text.string.constant) for layer in layers}


def test_a_line_is_measured_in_every_panel_and_plane(dock, scan, settle, viewer_of):
    viewer, work, section = viewer_of(dock), dock.workspace, dock.sections["compare"]
    work.attacking.attack("inject", PLACE)
    settle(dock)
    dock.sections["attack"].arm.click()
    work.panels.set_marks(False)
    section.measure_button.click()
    assert work.measuring.on
    assert not work.clicking.armed
    assert work.panels.marks_on, "else the line would not be seen"
    center = tuple(viewer.scene.camera.center)
    drag_in(viewer, world_of(scan, (20, 40, 30)), world_of(scan, (20, 41, 30)), world_of(scan, (20, 43, 34)))
    assert lines(viewer) == {"scan": "5.0 mm", "attack": "5.0 mm", "difference": "5.0 mm"}
    assert section.measure_button.text() == "5.0 mm"
    assert tuple(viewer.scene.camera.center) == center
    ends = viewer.layers["Distance · attack"].data[0]
    np.testing.assert_allclose(ends, [(20, 40, 30), (20, 43, 34)])
    section.three_planes.click()
    coronal, sagittal = (side.model for side in work.three_planes.sides)
    assert lines(coronal) == lines(sagittal) == {}, "it lies across their slices"
    # slices are 2 mm apart
    drag_in(sagittal, world_of(scan, (10, 30, 60)), world_of(scan, (14, 36, 60)))
    assert work.measuring.length_mm == pytest.approx(10)
    assert lines(sagittal) == {"attack": "10.0 mm"}
    assert lines(viewer) == lines(coronal) == {}
    dock.header.plane_buttons["sagittal"].click()
    assert lines(viewer)["scan"] == "10.0 mm"

    work.session.open(replace(scan, name="another"))
    settle(dock)
    assert lines(viewer) == {}
    dock.sections["attack"].arm.click()
    assert not work.measuring.on
    assert not any(layer.name.startswith("Distance") for layer in (*viewer.layers, *sagittal.layers))
    assert section.measure_button.text() == "Measure"
    assert section.measured_row.isHidden()


@pytest.mark.both_bindings
def test_a_line_is_measured_by_the_keyboard_alone(shown_dock, scan, viewer_of, qtbot):
    dock, viewer = shown_dock, viewer_of(shown_dock)
    work, section, window = dock.workspace, dock.sections["compare"], dock.main_window
    work.panels.view.zoom_to(scan, PLACE)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    qtbot.keyClick(window, Qt.Key.Key_L, keys)
    assert dock.page == "compare"
    starts, ends = (section.measured_ends[end] for end in ("start", "end"))
    assert starts.voxel == ends.voxel == PLACE, "both in the middle of what is seen"
    assert lines(viewer) == {}, "a point is no line"
    assert section.measure_button.text() == "Measure"
    assert starts.boxes[0].hasFocus()
    _type(qtbot, "21\t")  # the slice: nothing until the other end lies there too
    assert lines(viewer) == {}
    assert section.measure_button.text() == "2.0 mm"
    assert viewer.dims.current_step[0] == 21
    _type(qtbot, "40\t30\t21\t43\t34\t")
    assert (starts.voxel, ends.voxel) == ((21, 40, 30), (21, 43, 34))
    assert lines(viewer) == {"scan": "5.0 mm"}
    assert section.measure_button.accessibleDescription() == "5.0 mm"
    qtbot.keyClick(ends.boxes[2], Qt.Key.Key_Down)
    assert lines(viewer) == {"scan": "4.2 mm"}
    assert ends.boxes[0].maximum() == 39
    qtbot.keyClick(window, Qt.Key.Key_L, keys)
    assert not work.measuring.on
    assert section.measured_row.isHidden()


def _type(qtbot, text: str) -> None:
    """Press keys wherever the keyboard's focus is; a tab goes to the next control."""
    for character in text:
        widget = QApplication.focusWidget()
        if character == "\t":
            qtbot.keyClick(widget, Qt.Key.Key_Tab)
        else:
            qtbot.keyClicks(widget, character)
