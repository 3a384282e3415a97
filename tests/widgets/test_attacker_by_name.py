"""An attacker in the list of attackers can be chosen in the dock, which is opened as the plugin menu opens it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.attack.attackers import ATTACKERS
from soft_tissue_ball import ENTRY, SoftTissueBall

SITE = (20, 45, 34)


@pytest.fixture
def plugin_dock(make_napari_viewer, monkeypatch, scan, settle, open_menu):
    monkeypatch.setitem(ATTACKERS, "soft-tissue", ENTRY)
    dock = open_menu(make_napari_viewer())
    settle(dock)
    dock.workspace.session.open(scan)
    settle(dock)
    return dock


def offered(dock) -> list[str]:
    return [action.text() for action in dock.sections["attack"].attacker.named_actions]


def test_it_is_in_the_menu_of_its_action_only(plugin_dock):
    assert offered(plugin_dock)[-1] == "soft-tissue · a ball of soft tissue"
    assert not any(text.startswith("remove") for text in offered(plugin_dock))
    plugin_dock.sections["attack"].remove_button.click()
    assert offered(plugin_dock) == ["remove-small-core · CT-GAN, 16 mm core", "remove-copy-paste · copies healthy lung"]


def test_chosen_it_makes_the_next_attack_which_is_labelled(plugin_dock, scan, settle):
    plugin_dock.sections["attack"].attacker.named_actions[-1].trigger()
    settle(plugin_dock)
    assert plugin_dock.sections["attack"].attacker.name.text() == "Attacker: soft tissue, 6 mm"
    plugin_dock.workspace.attacking.attack("inject", SITE)
    settle(plugin_dock)
    layer = plugin_dock.workspace.panels.image("attack")
    np.testing.assert_array_equal(layer.data, SoftTissueBall().tamper(scan, SITE).hu)
    assert layer.name == "SIMULATED ATTACK · original"
    assert layer.metadata["history"][-1]["attacker"] == "soft tissue, 6 mm"
    plugin_dock.sections["attack"].attacker.built_in_action.trigger()
    settle(plugin_dock)
    assert plugin_dock.sections["attack"].attacker.name.text() == "Attacker: built in"
