"""Once clicks are switched on, the panels of the first attack stand there, and say that nothing was attacked yet."""

from __future__ import annotations

import numpy as np

from napari_mits_gan.widgets.layers.volume_layer import SIMULATED_ATTACK, SIMULATED_ATTACK_KEY

PLACE = (20, 45, 34)
READY = ["Scan · original", "Attack on original · click to attack", "Difference (HU) · no attack yet"]
ATTACKED = ["Scan · original", "SIMULATED ATTACK · original", "Difference (HU) · attacked − scan"]


def images(viewer) -> list:
    return [layer for layer in viewer.layers if not layer.name.startswith("Marks")]


def names(viewer) -> list[str]:
    return [layer.name for layer in images(viewer)]


def test_the_panels_come_when_clicks_are_switched_on_and_go_when_they_are_switched_off(dock, scan, settle, viewer_of):
    viewer, arm = viewer_of(dock), dock.sections["attack"].arm
    arm.click()
    settle(dock)
    assert names(viewer) == READY
    original, attack, difference = images(viewer)
    assert attack.data is scan.hu
    assert not np.any(difference.data)
    assert difference.data.shape == scan.shape
    assert not any(layer.metadata[SIMULATED_ATTACK_KEY] for layer in (original, attack, difference))
    arm.click()
    settle(dock)
    assert names(viewer) == READY[:1]


def test_an_attack_is_shown_in_the_layers_that_stand_there_and_labelled(dock, scan, settle, viewer_of):
    viewer = viewer_of(dock)
    dock.sections["attack"].arm.click()
    before = images(viewer)
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    assert names(viewer) == ATTACKED
    assert all(layer == other for layer, other in zip(images(viewer), before, strict=True))
    _, attack, difference = images(viewer)
    assert attack.metadata[SIMULATED_ATTACK_KEY]
    assert difference.metadata[SIMULATED_ATTACK_KEY]
    assert np.array_equal(difference.data, attack.data - scan.hu)
    assert difference.data[PLACE] > 0


def test_what_is_taken_back_leaves_no_label(dock, settle, viewer_of):
    viewer = viewer_of(dock)
    dock.sections["attack"].arm.click()
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    dock.workspace.session.undo()
    settle(dock)
    assert names(viewer) == READY
    assert not any(SIMULATED_ATTACK in layer.name or layer.metadata[SIMULATED_ATTACK_KEY] for layer in images(viewer))


def test_two_panels_with_one_picture_are_no_pair(dock, settle):
    panels = dock.workspace.panels
    dock.sections["attack"].arm.click()
    settle(dock)
    assert panels.pairs == ()
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    assert panels.pairs == (("scan", "attack"),)
    dock.workspace.blinking.start(("scan", "attack"))
    dock.workspace.session.undo()
    settle(dock)
    assert panels.pair is None


def test_a_protected_scan_keeps_its_difference(dock, settle, viewer_of):
    dock.sections["protect"].protect_button.click()
    settle(dock)
    dock.sections["attack"].arm.click()
    settle(dock)
    assert names(viewer_of(dock)) == [
        "Scan · protected",
        "Attack on protected · click to attack",
        "Difference (HU) · protected − original",
    ]
    assert np.abs(images(viewer_of(dock))[-1].data).max() == dock.sections["protect"].budget.value()
