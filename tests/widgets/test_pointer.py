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


@pytest.mark.parametrize(
    ("page", "button", "shape"), [("attack", "arm", "crosshair"), ("compare", "measure_button", "cross")]
)
def test_it_keeps_its_shape_whatever_becomes_the_active_layer(dock, settle, viewer_of, pointer, page, button, shape):
    switch = getattr(dock.sections[page], button)
    switch.click()
    assert pointer() == shape
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    choose_every_layer(viewer_of(dock))
    assert pointer() == shape
    switch.click()
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
