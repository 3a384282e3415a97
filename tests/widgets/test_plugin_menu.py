"""The dock as users open, close and reopen it: through napari's Plugins menu, which hands it a wrapped viewer."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QDockWidget, QFileDialog, QLabel, QPushButton

from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.background import Work
from napari_mits_gan.widgets.sections import SECTIONS
from napari_mits_gan.widgets.sections.section import Section

PLACE = (20, 45, 34)
TIMEOUT_MS = 60_000


@pytest.fixture
def close(qtbot):
    """Close a dock by the × in its title."""

    def press(dock) -> None:
        (holder,) = [d for d in dock.main_window.findChildren(QDockWidget) if d.isAncestorOf(dock)]
        with qtbot.waitSignal(dock.destroyed, timeout=TIMEOUT_MS):
            holder.titleBarWidget().close_button.click()

    return press


@pytest.fixture
def loop(dock, settle):
    """A dock with a protected scan that was attacked."""
    dock.workspace.attacking.attack("inject", PLACE)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    return dock


def test_the_viewer_that_the_dock_is_given_is_wrapped(dock, viewer_of):
    assert dock.workspace.viewer is not viewer_of(dock)
    assert dock.workspace.viewer.window == viewer_of(dock).window


@pytest.mark.parametrize("panel", ["scan", "attack", "difference"])
def test_a_panel_is_not_taken_for_another_scan(loop, settle, viewer_of, panel):
    session = loop.workspace.session
    before = session.original, session.protected, session.injections
    layer = next(layer for layer in viewer_of(loop).layers if layer.metadata.get("mits_gan_panel") == panel)
    viewer_of(loop).layers.selection.active = layer
    loop.sections["scan"].layer_button.click()
    settle(loop)
    assert "one of the panels already" in loop.message.complaint.text()
    assert (session.original, session.protected, session.injections) == before


@pytest.mark.both_bindings
def test_a_deleted_panel_brings_a_message_and_can_be_restored(loop, settle, viewer_of):
    viewer_of(loop).layers.remove("SIMULATED ATTACK · protected")
    assert "layer was removed" in loop.message.text.text()
    restore = loop.sections["compare"].restore_button
    assert not restore.isHidden()
    restore.click()
    settle(loop)
    assert "SIMULATED ATTACK · protected" in viewer_of(loop).layers
    assert restore.isHidden()


@pytest.mark.both_bindings
def test_a_closed_dock_attacks_nothing_more(shown_dock, close, settle, viewer_of, click_at, qtbot):
    dock, viewer = shown_dock, viewer_of(shown_dock)
    dock.sections["attack"].arm.click()
    work = dock.workspace
    assert viewer.cursor.style == "crosshair"
    close(dock)
    click_at(dock, PLACE)
    qtbot.waitUntil(lambda: not work.quick.busy)
    assert work.session.injections == ()
    assert viewer.cursor.style == "standard"


@pytest.mark.both_bindings
def test_a_reopened_dock_shows_what_is(loop, close, settle, viewer_of, open_menu):
    viewer, work = viewer_of(loop), loop.workspace
    names = [layer.name for layer in viewer.layers]
    row = loop.sections["attack"].list.item(0).text()
    rms = loop.sections["compare"].figures.text("attack_cuboid", "rms_hu")
    close(loop)
    again = open_menu(viewer)
    settle(again)
    assert again is not loop
    assert again.workspace is work
    assert [layer.name for layer in viewer.layers] == names
    assert again.sections["attack"].list.item(0).text() == row
    assert "ON" in again.header.switch.text()
    assert "40 × 90 × 120" in again.sections["scan"].summary.text()
    assert again.sections["compare"].figures.text("attack_cuboid", "rms_hu") == rms != "–"
    again.sections["attack"].undo_button.click()
    settle(again)
    assert work.session.injections == ()
    assert again.sections["attack"].list.count() == 0


def test_a_dock_closed_while_protecting_shows_the_work_when_it_is_reopened(
    make_dock, scan, stuck, close, settle, viewer_of, open_menu, qtbot
):
    dock = make_dock(scan, protector=stuck)
    viewer = viewer_of(dock)
    dock.sections["protect"].protect_button.click()
    qtbot.waitUntil(stuck.running.is_set, timeout=TIMEOUT_MS)
    close(dock)
    again = open_menu(viewer)
    assert "Protecting" in again.message.doing.text()
    assert not again.message.cancel_button.isHidden()
    assert not again.sections["protect"].protect_button.isEnabled()
    stuck.release.set()
    settle(again)
    assert "ON" in again.header.switch.text()
    assert again.message.text.text().startswith("Protected")


def test_a_complaint_is_made_once_after_reopening(dock, close, viewer_of, open_menu, monkeypatch):
    viewer = viewer_of(dock)
    close(dock)
    again = open_menu(viewer)
    told = []
    monkeypatch.setattr("napari_mits_gan.widgets.main_dock._notify", told.append)
    again.workspace.messages.complain("Something went wrong")
    assert told == ["Something went wrong."]


@pytest.mark.both_bindings
def test_the_command_palette_opens_a_scan(dock, settle, viewer_of, monkeypatch, sample_series):
    from napari._app_model import get_app_model

    commands = get_app_model().commands
    if "napari-mits-gan.read_ct" not in commands:
        from napari.plugins._npe2 import _npe2_manifest_to_actions
        from npe2 import PluginManager

        actions, _ = _npe2_manifest_to_actions(PluginManager.instance().get_manifest("napari-mits-gan"))
        get_app_model().register_actions([action for action in actions if action.id == "napari-mits-gan.read_ct"])
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(sample_series))
    commands.execute_command("napari-mits-gan.read_ct").result()
    settle(dock)
    assert dock.workspace.session.original.shape == (130, 256, 256)


class Counting(Section):
    """A section that a test adds: counts the voxels above a threshold, in the background."""

    name, title = "counting", "Dense tissue"

    def build(self) -> None:
        self.button = QPushButton("Count")
        self.answer = QLabel()
        self.body.addWidget(self.button)
        self.body.addWidget(self.answer)
        self.button.clicked.connect(self._count)

    def refresh(self) -> None:
        self.button.setEnabled(self.workspace.is_open and not self.workspace.busy)
        self.answer.setText("protected" if self.workspace.session.protection_on else "original")

    def _count(self) -> None:
        volume = self.workspace.session.required(self.workspace.session.shown)
        work = Work(
            "Counting",
            lambda progress: int((volume.hu > 0).sum()),
            lambda count: self.workspace.messages.say(f"{count} voxels"),
            lambda error: self.workspace.messages.report("Counting", error),
        )
        self.workspace.slow.run(work)


@pytest.fixture
def counting():
    SECTIONS.append(Counting)
    yield
    SECTIONS.remove(Counting)


def test_a_section_of_ones_own_is_one_class_and_one_line(counting, make_dock, scan, settle):
    dock = make_dock(scan)
    own = dock.section(Counting)
    dock.tasks.buttons["counting"].click()
    assert own.isVisibleTo(dock)
    assert own.answer.text() == "original"
    own.button.click()
    settle(dock)
    assert dock.message.text.text() == f"{np.count_nonzero(scan.hu > 0)} voxels"
    dock.workspace.attacking.attack("inject", PLACE)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    assert own.answer.text() == "protected"
    assert dock.workspace.session.injections == (Injection("inject", PLACE),)


def test_a_section_of_ones_own_needs_no_scan(counting, make_dock):
    dock = make_dock()
    assert list(dock.sections)[-1] == "counting"
    assert not dock.section(Counting).button.isEnabled()
