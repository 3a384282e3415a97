from __future__ import annotations

from threading import Event

import numpy as np
import pytest

from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.background import Work

PLACE = (20, 45, 34)
TIMEOUT_MS = 30_000


@pytest.fixture
def protecting(make_dock, scan, stuck, qtbot):
    """A dock whose protection is under way and does not end by itself."""
    dock = make_dock(scan, protector=stuck)
    dock.sections["protect"].protect_button.click()
    qtbot.waitUntil(stuck.running.is_set, timeout=TIMEOUT_MS)
    return dock


def test_the_window_stays_usable_while_the_scan_is_protected(protecting, stuck, settle, qtbot):
    dock = protecting
    assert not dock.sections["protect"].protect_button.isEnabled()
    assert not dock.sections["scan"].folder_button.isEnabled()
    assert dock.sections["attack"].here_button.isEnabled()
    dock.workspace.attacking.attack("inject", PLACE)
    qtbot.waitUntil(lambda: dock.workspace.panels.image("attack") is not None, timeout=TIMEOUT_MS)
    assert dock.workspace.panels.image("attack").data[PLACE] >= 40
    assert not stuck.ended.is_set()
    stuck.release.set()
    settle(dock)
    assert dock.workspace.session.protection_on
    assert dock.workspace.panels.image("attack").name == "SIMULATED ATTACK · protected"


def test_progress_is_shown_and_cancel_leaves_everything_as_it_was(protecting, stuck, settle, qtbot):
    dock = protecting
    qtbot.waitUntil(lambda: (dock.message.bar.value(), dock.message.bar.maximum()) == (1, 2), timeout=TIMEOUT_MS)
    assert not dock.message._row.isHidden()
    dock.message.cancel_button.click()
    settle(dock)
    assert stuck.ended.is_set()
    assert dock.workspace.session.protected is None
    assert "stopped" in dock.message.text.text()
    assert dock.sections["protect"].protect_button.isEnabled()
    assert dock.message._row.isHidden()


def test_a_layer_that_is_removed_while_work_runs_comes_back(protecting, stuck, settle, viewer_of, qtbot):
    dock, viewer = protecting, viewer_of(protecting)
    dock.workspace.attacking.attack("inject", PLACE)
    qtbot.waitUntil(lambda: dock.workspace.panels.image("attack") is not None, timeout=TIMEOUT_MS)
    viewer.layers.remove("Scan · original")
    viewer.layers.remove("SIMULATED ATTACK · original")
    assert not dock.sections["compare"].restore_button.isHidden()
    assert dock.workspace.session.injections == (Injection("inject", PLACE),)
    stuck.release.set()
    settle(dock)
    assert dock.sections["compare"].restore_button.isHidden()
    assert [layer.name for layer in viewer.layers][::2] == [
        "Scan · protected",
        "SIMULATED ATTACK · protected",
        "Difference (HU) · attacked − scan",
    ]


def test_all_layers_can_be_removed_and_restored(dock, settle, viewer_of):
    viewer = viewer_of(dock)
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    viewer.layers.clear()
    assert dock.workspace.attacking.click((50.0, 0.0, 0.0)) is None
    dock.sections["compare"].restore_button.click()
    settle(dock)
    assert len(viewer.layers) == 6
    assert viewer.layers["SIMULATED ATTACK · original"].data[PLACE] >= 40


def test_the_viewer_may_be_closed_while_work_runs(protecting, stuck, viewer_of, qtbot):
    viewer = viewer_of(protecting)
    with qtbot.capture_exceptions() as exceptions:
        viewer.close()
        qtbot.waitUntil(stuck.ended.is_set, timeout=TIMEOUT_MS)
    assert exceptions == []


def test_the_dock_may_be_closed_while_work_runs_which_goes_on_and_clicks_end_with_it(
    protecting, stuck, settle, viewer_of, qtbot
):
    dock, viewer = protecting, viewer_of(protecting)
    work = dock.workspace
    before = list(viewer.mouse_drag_callbacks)
    dock.sections["attack"].arm.click()
    assert len(viewer.mouse_drag_callbacks) == len(before) + 1
    with qtbot.capture_exceptions() as exceptions, qtbot.waitSignal(dock.destroyed, timeout=TIMEOUT_MS):
        viewer.window.remove_dock_widget(dock)
    assert list(viewer.mouse_drag_callbacks) == before
    stuck.release.set()
    qtbot.waitUntil(lambda: work.session.protected is not None and not work.quick.busy, timeout=TIMEOUT_MS)
    viewer.layers.clear()
    assert exceptions == []


def test_a_scan_opened_while_the_last_one_is_protected_is_not_given_its_protection(protecting, stuck, settle, scan):
    dock = protecting
    other = type(scan)(scan.hu[:, 5:], spacing=scan.spacing, name="other")
    dock.workspace.session.open(other)
    stuck.release.set()
    settle(dock)
    assert dock.workspace.session.original is other
    assert dock.workspace.session.protected is None
    assert np.array_equal(dock.workspace.panels.image("scan").data, other.hu)


def test_a_layer_of_the_users_own_gets_a_cell_of_its_own(dock, settle, viewer_of):
    viewer = viewer_of(dock)
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    mine = viewer.add_image(np.zeros((40, 90, 120)), scale=(2, 1, 1), name="mine")
    dock.workspace.attacking.attack("inject", (20, 45, 86))
    settle(dock)
    assert viewer.layers.index(mine) == 6
    cells = [viewer.canvas.grid.position(index, viewer.layers) for index in range(7)]
    assert len(set(cells)) == 4
    assert cells[0] == cells[1]
    assert cells[2] == cells[3]


def test_quick_work_is_announced_only_once_it_takes_long(dock, qtbot, settle):
    release, work, message = Event(), dock.workspace, dock.message
    work.quick.run(Work("Attacking", lambda progress: release.wait(60), lambda result: None, lambda error: None))
    assert work.quick.busy
    assert not message.is_working
    qtbot.waitUntil(lambda: message.is_working, timeout=TIMEOUT_MS)
    assert message.doing.text() == "Attacking…"
    release.set()
    settle(dock)
    assert not message.is_working
