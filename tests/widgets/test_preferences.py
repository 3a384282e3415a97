"""What the user sets in napari's Preferences holds for the window."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from npe2 import PluginManifest
from qtpy.QtWidgets import QFileDialog

import napari_mits_gan
from napari_mits_gan.device import available_devices
from napari_mits_gan.widgets.controllers.windowing import PRESETS
from napari_mits_gan.widgets.layers.colors import DIFFERENCES, RINGS
from napari_mits_gan.widgets.preferences import Preferences, offer_tour, preferences

PLACE = (20, 45, 34)
MANIFEST = Path(napari_mits_gan.__file__).parent / "napari.yaml"


@pytest.fixture
def settings(plugin_settings, plugin):
    """The settings as napari has them, in a folder of this test."""
    from napari.settings import get_plugin_settings

    return get_plugin_settings("napari-mits-gan")


def test_the_manifest_offers_what_there_is_with_the_same_defaults(settings):
    assert preferences() == Preferences()
    offered = {
        name: setting
        for category in PluginManifest.from_file(MANIFEST).contributions.configurations.values()
        for name, setting in category.properties.items()
    }
    assert {name: setting.default for name, setting in offered.items()} == dataclasses.asdict(Preferences())
    assert offered["window"].enum == [preset.name for preset in PRESETS]
    assert offered["inject_color"].enum == offered["remove_color"].enum == list(RINGS)
    assert offered["difference_colors"].enum == list(DIFFERENCES)
    assert set(available_devices()) <= set(offered["device"].enum)


def test_the_window_begins_with_what_was_set(settings, make_dock, scan, settle, tmp_path, monkeypatch):
    settings.protecting.budget_hu = 7
    settings.protecting.device = next(name for name in ("mps", "cuda") if name not in available_devices())
    settings.viewing.window = "Bone"
    settings.viewing.inject_color = "magenta"
    settings.viewing.difference_colors = "green to magenta"
    settings.files.folder = str(tmp_path)
    dock = make_dock(scan)
    work = dock.workspace
    assert dock.sections["protect"].budget.value() == 7
    assert work.session.networks.device == "auto", "a device that this computer does not have is not asked for"
    assert dock.sections["protect"].device.currentText() == "auto"
    assert dock.header.window_box.currentText() == "Bone"
    work.attacking.attack("inject", PLACE)
    settle(dock)
    marks = next(layer for layer in work.viewer.layers if layer.name == "Marks · attack")
    assert tuple((marks.border_color[0][:3] * 255).round().astype(int)) == (0xFF, 0x6F, 0xE0)
    assert work.panels.image("difference").colormap.name == "difference, green to magenta"
    asked = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *told: asked.append(told[2]) or "")
    dock.sections["scan"].choose_folder()
    dock.sections["export"].choose_button.click()
    assert asked == [str(tmp_path), str(tmp_path)]
    settings.files.folder = str(tmp_path / "gone")
    assert preferences().start_folder == Path.home()


def test_where_napari_knows_no_settings_there_are_the_defaults_and_no_tour():
    assert preferences() == Preferences(tour=False)
    offer_tour(True)
    assert not preferences().tour
