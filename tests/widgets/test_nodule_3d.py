"""The nodule of an attack by itself in 3-D, before and after the attack."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from qtpy.QtWidgets import QDockWidget

from napari_mits_gan.session.comparison import cuboid
from napari_mits_gan.widgets.layers.contents import Contents
from napari_mits_gan.widgets.layers.nodule_view import shown_in_3d

PLACE, OTHER = (20, 45, 34), (12, 40, 86)
TIMEOUT_MS = 60_000


def test_the_nodule_appears_beside_the_scan_as_it_was(dock, scan, settle, qtbot):
    work, section = dock.workspace, dock.sections["compare"]
    assert not section.nodule.isEnabled()
    work.attacking.attack("inject", PLACE)
    work.attacking.attack("remove", OTHER)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    section.nodule.click()
    widget = section.nodule_dock.widget
    assert widget.window() is dock.main_window
    model = work.nodule_3d.view.model
    assert model.dims.ndisplay == 3
    names = ["Original", "SIMULATED ATTACK · original", "SIMULATED ATTACK · protected"]
    assert [layer.name for layer in model.layers] == names
    assert model.canvas.grid.actual_shape(model.layers) == (1, 3)
    assert "removed at z 12" in widget.titles[0].text()
    work.display.select(0)
    settle(dock)
    before, after, on_protected = model.layers
    region = cuboid(scan, PLACE)
    np.testing.assert_array_equal(before.data, scan.hu[region])
    np.testing.assert_array_equal(after.data, work.session.attacked("original").hu[region])
    np.testing.assert_array_equal(on_protected.data, work.session.attacked("protected").hu[region])
    assert all(layer.rendering == "iso" and layer.iso_threshold == -500 for layer in model.layers)
    z, y, x = (center - part.start for center, part in zip(PLACE, region, strict=True))
    assert before.data[z, y, x] < -500 < after.data[z, y, x], "the surface of the nodule is there after the attack only"
    np.testing.assert_allclose(
        before.data_to_world((z, y, x)), dock.workspace.panels.image("scan").data_to_world(PLACE)
    )
    assert after.metadata["simulated_attack"]
    assert not before.metadata["simulated_attack"]
    assert "simulated attack" in widget.titles[0].text()
    assert "z 20, y 45, x 34" in widget.titles[0].text()
    # seen from the front, head up
    back, head = model.scene.camera.view_direction, model.scene.camera.up_direction
    assert back[1] > 0.8
    assert head[0] > 0.8
    assert model.scene.camera.orientation[0] == "away", "else right and left were exchanged"

    widget.surface.setValue(-200 // 25)
    assert [layer.iso_threshold for layer in model.layers] == [-200] * 3
    assert "-200 HU" in widget.titles[0].text()
    model.scene.camera.angles = (10, 20, 30)
    widget.front_button.click()
    np.testing.assert_allclose(model.scene.camera.view_direction, back, atol=1e-6)

    canvas = weakref.ref(widget.canvases[0])
    (holder,) = [found for found in dock.main_window.findChildren(QDockWidget) if found.isAncestorOf(widget)]
    section.three_planes.click()
    (tab,) = dock.main_window.tabifiedDockWidgets(holder)
    assert tab.isAncestorOf(section.planes_dock.widget), "each gets the whole width"
    section.three_planes.click()
    del widget, model, before, after, on_protected
    holder.titleBarWidget().close_button.click()
    qtbot.waitUntil(lambda: not work.nodule_3d.on, timeout=TIMEOUT_MS)
    assert not section.nodule.isChecked()

    def is_freed() -> bool:
        gc.collect()
        return canvas() is None

    qtbot.waitUntil(is_freed, timeout=TIMEOUT_MS)

    section.table_button.click()
    section.verdicts.nodule_button.click()
    assert work.nodule_3d.on
    section.verdicts.close()
    work.session.clear()
    settle(dock)
    assert not work.nodule_3d.on
    assert section.nodule_dock.widget is None


@pytest.mark.parametrize("original_first", [True, False])
def test_the_scan_as_it_was_is_the_original_whichever_version_is_looked_at(scan, original_first):
    labels = ("original", "protected") if original_first else ("protected", "original")
    contents = Contents(scan, labels[0], attacked=scan, other=scan, other_attacked=scan, other_label=labels[1])
    shown = [contents.label(role) for role in shown_in_3d(contents)]
    assert shown == ["original", "original", "protected"]
    assert list(shown_in_3d(Contents(scan, "original", attacked=scan))) == ["scan", "attack"]
