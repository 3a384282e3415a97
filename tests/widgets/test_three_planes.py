"""Axial, coronal and sagittal at once, linked by a crosshair; and a picture that two panels share."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget

from drags import drag_in
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.layers.contents import Contents
from napari_mits_gan.widgets.layers.crosshair import GAP_MM, crosshair_dots
from napari_mits_gan.widgets.layers.swipe import Swiped
from napari_mits_gan.widgets.layers.view import voxel_at, world_of

PLACE = (20, 45, 34)
TIMEOUT_MS = 60_000


def point(viewer, scan) -> tuple[int, ...]:
    return tuple(round(value) for value in voxel_at(scan, viewer.dims.point))


def test_three_planes_show_one_point_and_a_click_in_one_moves_the_others(dock, scan, settle, viewer_of, qtbot):
    viewer, work = viewer_of(dock), dock.workspace
    section = dock.sections["compare"]
    work.attacking.attack("inject", PLACE)
    settle(dock)
    dock.show_page("compare")
    section.three_planes.click()
    work.display.select(0)
    coronal, sagittal = (side.model for side in work.three_planes.sides)
    widget = section.planes_dock.widget
    assert widget.window() is dock.main_window
    assert [title.text() for title in widget.titles] == ["Coronal", "Sagittal"]
    assert [model.canvas.overlays["mits_gan_top"].text for model in (coronal, sagittal)] == ["H", "H"]
    assert sagittal.canvas.overlays["mits_gan_left"].text == "A"
    assert tuple(coronal.dims.order) == (1, 0, 2)
    for model in (viewer, coronal, sagittal):
        assert point(model, scan) == PLACE
    # the panel that is chosen, with the window, the ring and the lines of the main canvas
    assert coronal.layers[0].name == "SIMULATED ATTACK · original"
    assert np.shares_memory(coronal.layers[0].data, work.session.attacked("original").hu)
    assert [layer.name for layer in coronal.layers[1:]] == ["Marks · attack", "Crosshair · attack"]
    dock.header.window_box.activated.emit(1)
    assert tuple(sagittal.layers[0].contrast_limits) == (-135, 215)
    assert {layer.name for layer in viewer.layers if layer.name.startswith("Crosshair")} == {
        *("Crosshair · scan", "Crosshair · attack", "Crosshair · difference")
    }
    section.planes_of.setCurrentIndex(section.planes_of.findText("Original"))
    section.planes_of.activated.emit(section.planes_of.currentIndex())
    assert coronal.layers[0].name == "Scan · original"

    drag_in(coronal, world_of(scan, (26, 45, 80)))
    assert point(viewer, scan) == (26, 45, 80)
    assert point(sagittal, scan) == (26, 45, 80)
    np.testing.assert_allclose(viewer.layers["Crosshair · scan"].data, crosshair_dots(scan, (26, 45, 80), 0))
    drag_in(coronal, world_of(scan, (2, 45, 8)), world_of(scan, (9, 45, 9)))
    assert point(viewer, scan) == (26, 45, 80), "a drag is no click"
    drag_in(viewer, world_of(scan, (26, 30, 60)))
    assert point(sagittal, scan) == point(coronal, scan) == (26, 30, 60)
    work.three_planes.sides[1].panels.view.step(3)
    assert point(viewer, scan) == point(coronal, scan) == (26, 30, 63)
    assert viewer.layers["Crosshair · scan"].data[:, 2].max() == 119

    dock.sections["attack"].arm.click()
    drag_in(sagittal, world_of(scan, (14, 45, 63)))
    settle(dock)
    assert work.session.injections[-1].at == (14, 45, 63)
    dock.sections["attack"].arm.click()

    dock.header.plane_buttons["sagittal"].click()
    assert [side.panels.view.plane for side in work.three_planes.sides] == ["axial", "coronal"]
    assert [title.text() for title in widget.titles] == ["Axial", "Coronal"]
    across = viewer.layers["Crosshair · scan"].data
    assert set(across[:, 2]) == {63}

    canvases = [weakref.ref(canvas) for canvas in widget.canvases]
    (holder,) = [found for found in dock.main_window.findChildren(QDockWidget) if found.isAncestorOf(widget)]
    del widget, coronal, sagittal
    holder.titleBarWidget().close_button.click()
    qtbot.waitUntil(lambda: not work.three_planes.on, timeout=TIMEOUT_MS)
    assert not section.three_planes.isChecked()
    assert not any(layer.name.startswith("Crosshair") for layer in viewer.layers)

    def is_freed() -> bool:
        gc.collect()
        return all(canvas() is None for canvas in canvases)

    qtbot.waitUntil(is_freed, timeout=TIMEOUT_MS)


def test_planes_end_with_the_dock_and_with_the_scan(dock, scan, viewer_of, qtbot):
    section, work = dock.sections["compare"], dock.workspace
    section.three_planes.click()
    assert work.three_planes.on
    work.panels.go_to(scan, (39, 80, 110))
    smaller = CTVolume(scan.hu[:20, :60, :80], (3.0, 1.5, 1.5), origin=(5.0, -9.0, 2.0))
    work.session.open(smaller)
    assert work.three_planes.on, "another scan is shown in three planes as well"
    for model in (viewer_of(dock), *(side.model for side in work.three_planes.sides)):
        assert np.shares_memory(model.layers[0].data, smaller.hu)
        assert all(tuple(layer.scale) == smaller.spacing for layer in model.layers)
        assert tuple(model.dims.nsteps) == smaller.shape
    assert point(viewer_of(dock), smaller) == point(work.three_planes.sides[1].model, smaller)
    (holder,) = [found for found in dock.main_window.findChildren(QDockWidget) if found.isAncestorOf(dock)]
    with qtbot.waitSignal(dock.destroyed, timeout=TIMEOUT_MS):
        holder.titleBarWidget().close_button.click()
    assert not work.three_planes.on
    assert not any(layer.name.startswith("Crosshair") for layer in viewer_of(dock).layers)


def test_a_crosshair_leaves_what_lies_in_its_middle_free_and_keeps_its_number_of_dots(scan):
    for at in (PLACE, (0, 0, 0), (39, 89, 119)):
        for across in (0, 1, 2):
            found = crosshair_dots(scan, at, across)
            assert len(found) == len(crosshair_dots(scan, PLACE, across))
            assert (found[:, across] == at[across]).all()
            assert (found >= 0).all()
            assert (found <= np.array(scan.shape) - 1).all()
            away_mm = np.linalg.norm((found - at) * scan.spacing, axis=1)
            at_the_edge = ((found == 0) | (found == np.array(scan.shape) - 1)).any(axis=1)
            assert (away_mm[~at_the_edge] >= GAP_MM - 1e-6).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("cut", [0, 2, 5])
def test_a_swiped_array_is_one_volume_before_the_line_and_the_other_behind_it(axis, cut):
    shape = (5, 6, 7)
    before, after = np.zeros(shape, np.int16), np.arange(np.prod(shape), dtype=np.int16).reshape(shape) + 1
    swiped = Swiped(before, after, axis, cut)
    expected = after.copy()
    expected[(slice(None),) * axis + (slice(cut),)] = 0
    np.testing.assert_array_equal(np.asarray(swiped), expected)
    for key in (
        (2,),
        (slice(None), 3),
        (slice(None), slice(None), 4),
        (1, 2, 3),
        (slice(1, 4), 2, slice(None, None, 2)),
    ):
        np.testing.assert_array_equal(swiped[key], expected[key])
    assert (swiped.shape, swiped.ndim, swiped.dtype, swiped.size, len(swiped)) == (shape, 3, np.int16, 210, 5)


def test_a_picture_is_divided_between_two_panels(dock, settle, viewer_of):
    viewer, work = viewer_of(dock), dock.workspace
    section = dock.sections["compare"]
    work.attacking.attack("inject", PLACE)
    settle(dock)
    assert section.pair.currentText() == "Before and after"
    assert section.pair.itemData(0, Qt.ItemDataRole.ToolTipRole) == "Original ↔ Attack on original"
    section.swipe_button.click()
    work.panels.go_to(work.session.original, PLACE)

    def seen() -> list[str]:
        return [layer.name for layer in viewer.layers if layer.visible]

    name = "SIMULATED ATTACK · Original  ◂ | ▸  Attack on original"
    assert seen() == [name, "Marks · attack", "Swipe · line"]
    assert not viewer.canvas.grid.enabled
    scan, attacked = work.session.original.hu, work.session.attacked("original").hu
    assert section.share_at.isVisibleTo(section)
    for share in (0.25, 0.6):
        section.share_at.setValue(round(share * section.share_at.maximum()))
        cut = round(share * scan.shape[2])
        shown = np.asarray(viewer.layers[name].data)
        np.testing.assert_array_equal(shown[..., :cut], scan[..., :cut])
        np.testing.assert_array_equal(shown[..., cut:], attacked[..., cut:])
        assert viewer.layers["Swipe · line"].data[0, 2] == cut - 0.5
    section.share_at.setValue(section.share_at.maximum() // 2)
    original, middle = work.session.original, (20, 45, 59.5)
    drag_in(viewer, world_of(original, (20, 45, 90)), world_of(original, (20, 45, 30)))
    assert work.panels.shared.at == 0.5, "a drag that begins elsewhere moves the picture"
    drag_in(viewer, world_of(original, middle), world_of(original, (20, 45, 50)), world_of(original, (20, 45, 29.5)))
    assert work.panels.shared.at == pytest.approx(0.25)
    assert section.share_at.value() == round(work.panels.shared.at * section.share_at.maximum())
    dock.header.window_box.activated.emit(2)
    assert tuple(viewer.layers[name].contrast_limits) == (-100, 900)
    dock.header.plane_buttons["coronal"].click()
    assert viewer.layers["Swipe · line"].data[:, 0].max() == scan.shape[0] - 1
    section.blink_button.click()
    assert work.blinking.on
    assert not section.swipe_button.isChecked()
    assert name not in [layer.name for layer in viewer.layers]
    section.blink_button.click()

    section.fade_button.click()
    below, above, marks = (layer for layer in viewer.layers if layer.visible)
    assert (above.name, marks.name) == ("SIMULATED ATTACK · Original 50 %, Attack on original 50 %", "Marks · attack")
    assert np.shares_memory(below.data, scan)
    assert np.shares_memory(above.data, attacked)
    assert [layer.name_overlay.visible for layer in (below, above)] == [False, True]
    assert section.share_at.accessibleName() == "Opacity of the second panel"
    section.share_at.setValue(section.share_at.maximum() // 5)
    assert (below.opacity, above.opacity) == (1.0, pytest.approx(0.2))
    assert above.name.endswith("Original 80 %, Attack on original 20 %")
    dock.header.window_box.activated.emit(1)
    assert tuple(below.contrast_limits) == tuple(above.contrast_limits) == (-135, 215)
    drag_in(viewer, world_of(original, middle), world_of(original, (20, 45, 29.5)))
    assert above.opacity == pytest.approx(0.2), "there is no line to drag"
    section.swipe_button.click()
    assert (work.sharing.how, section.fade_button.isChecked()) == ("swipe", False)
    assert [layer.name for layer in viewer.layers if layer.visible] == [name, "Marks · attack", "Swipe · line"]
    work.session.clear()
    settle(dock)
    assert not work.sharing.on
    assert not any(layer.name.startswith("Swipe") for layer in viewer.layers)

    # what is healed may have got back slices that were taken out
    longer = CTVolume(np.concatenate([scan, scan]), work.session.original.spacing)
    work.panels.show(Contents(work.session.original, "original", attacked=work.session.original, healed=longer))
    work.sharing.start(("attack", "healed"))
    assert not work.sharing.on
    assert "let them blink" in dock.message.text.text()
    work.blinking.start(("attack", "healed"))
    assert work.blinking.on
    work.blinking.stop()
