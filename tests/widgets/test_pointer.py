"""The mouse pointer says what the left button does: attack, measure, or move the picture."""

from __future__ import annotations

import pytest

PLACE = (20, 45, 34)


@pytest.fixture
def pointer(viewer_of, dock):
    return lambda: str(viewer_of(dock).cursor.style)


def choose_every_layer(viewer) -> None:
    for layer in viewer.layers:
        viewer.layers.selection.active = layer


def test_it_stays_a_crosshair_while_clicks_attack_whatever_becomes_the_active_layer(dock, settle, viewer_of, pointer):
    arm = dock.sections["attack"].arm
    arm.click()
    assert pointer() == "crosshair"
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    choose_every_layer(viewer_of(dock))
    assert pointer() == "crosshair"
    arm.click()
    assert pointer() == "standard"


def test_it_stays_a_cross_while_measuring_whatever_becomes_the_active_layer(dock, settle, viewer_of, pointer):
    measure = dock.sections["compare"].measure_button
    measure.click()
    assert pointer() == "cross"
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    choose_every_layer(viewer_of(dock))
    assert pointer() == "cross"
    measure.click()
    assert pointer() == "standard"


def test_it_follows_from_measuring_to_attacking_and_back(dock, settle, pointer):
    arm, measure = dock.sections["attack"].arm, dock.sections["compare"].measure_button
    measure.click()
    arm.click()
    settle(dock)
    assert (pointer(), dock.workspace.measuring.on) == ("crosshair", False)
    measure.click()
    settle(dock)
    assert (pointer(), dock.workspace.clicking.armed) == ("cross", False)
    measure.click()
    assert pointer() == "standard"
