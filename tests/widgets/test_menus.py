"""The entries in napari's menus, chosen as napari chooses them."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QFileDialog

IN_MENUS = {
    "napari-mits-gan.open_scan": "napari/file/io_utilities",
    "napari-mits-gan.protect_layer": "napari/layers/filter",
    "napari-mits-gan.inspect_layer": "napari/layers/measure",
}


@pytest.fixture
def choose(plugin):
    """Choose a command of this plugin; napari finds plugins only once in a process."""
    from napari._app_model import get_app_model
    from napari.plugins._npe2 import _npe2_manifest_to_actions

    def execute(command: str) -> None:
        app = get_app_model()
        if command not in app.commands:
            actions, _ = _npe2_manifest_to_actions(plugin.get_manifest("napari-mits-gan"))
            app.register_actions([action for action in actions if action.id not in app.commands])
        app.commands.execute_command(command).result()

    return execute


def test_each_entry_stands_in_a_menu_that_napari_gives_to_plugins(plugin):
    from napari._app_model.constants import MenuId

    menus = plugin.get_manifest("napari-mits-gan").contributions.menus
    assert {item.command: menu for menu, items in menus.items() for item in items} == IN_MENUS
    assert set(menus) <= {str(menu) for menu in MenuId.contributables()}


def test_what_the_entries_do(make_dock, scan, choose, settle, viewer_of, monkeypatch):
    dock = make_dock()
    viewer, work = viewer_of(dock), dock.workspace
    viewer.add_image(scan.hu, scale=scan.spacing, name="mine")
    viewer.add_points([[1, 1, 1]], name="points")
    choose("napari-mits-gan.protect_layer")
    assert "is no image" in dock.message.complaint.text()
    assert not work.is_open
    viewer.layers.selection.active = viewer.layers["mine"]
    choose("napari-mits-gan.protect_layer")
    settle(dock)
    assert dock.page == "protect"
    protected = work.session.protected
    assert protected is not None
    # a panel stands for the scan that is open
    viewer.layers.selection.active = viewer.layers["Scan · protected"]
    asked = []
    monkeypatch.setattr(work.inspecting, "inspect", lambda: asked.append(work.session.shown))
    choose("napari-mits-gan.inspect_layer")
    assert (dock.page, asked) == ("inspect", ["protected"])
    assert work.session.protected is protected
    choose("napari-mits-gan.tour")
    assert dock.tour.on
    dock.tour.stop()
    monkeypatch.setattr(type(dock), "show_help", lambda self: asked.append(self))
    choose("napari-mits-gan.help")
    assert asked[-1] is dock
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *told: asked.append(told[1]) or "")
    choose("napari-mits-gan.open_scan")
    assert (dock.page, asked[-1]) == ("scan", "Folder with a CT series")
