"""Attackers by name."""

from __future__ import annotations

import pytest

import napari_mits_gan as mg
from napari_mits_gan.attack.attackers import ATTACKERS, load_attacker, load_differentiable
from napari_mits_gan.attack.contract import ACTIONS, DifferentiableAttacker
from napari_mits_gan.attack.ctgan.attacker import CTGAN, SHIPPED_ATTACKERS
from napari_mits_gan.errors import AttackError, WeightsError
from napari_mits_gan.weights_file import SHIPPED_WEIGHTS
from soft_tissue_ball import ENTRY, SoftTissueBall


@pytest.mark.parametrize("name", ATTACKERS)
def test_every_name_gives_an_attacker_that_does_what_its_entry_says(name):
    attacker = load_attacker(name, "cpu")
    assert attacker.action == ATTACKERS[name].action
    assert attacker.name
    assert attacker.device == "cpu"
    box = attacker.touched((100, 100, 100), (1.0, 1.0, 1.0))
    assert attacker.core((100, 100, 100), (1.0, 1.0, 1.0)).overlap(box).shape != (0, 0, 0)


def test_all_shipped_weights_have_a_name():
    assert set(SHIPPED_ATTACKERS) <= set(ATTACKERS)


def test_the_usual_attacker_of_each_action_is_listed_first_and_named_after_it():
    for action in ACTIONS:
        assert next(name for name, entry in ATTACKERS.items() if entry.action == action) == action


def test_the_public_way_is_this_one():
    assert mg.load_attacker is load_attacker


def test_weights_of_ones_own_are_loaded_by_their_path():
    path = SHIPPED_WEIGHTS / "remover.safetensors"
    for which in (path, str(path)):
        attacker = load_attacker(which, "cpu", action="remove")
        assert isinstance(attacker, CTGAN)
        assert attacker.name.startswith("remover.safetensors ")


def test_a_line_in_the_list_is_all_it_takes(monkeypatch):
    monkeypatch.setitem(ATTACKERS, "soft-tissue", ENTRY)
    assert isinstance(load_attacker("soft-tissue"), SoftTissueBall)


def test_an_attacker_that_does_something_else_is_refused():
    for which in ("inject", SHIPPED_WEIGHTS / "injector.safetensors"):
        with pytest.raises(WeightsError, match="does inject, not remove"):
            load_attacker(which, "cpu", action="remove")


def test_a_name_that_nobody_has_is_answered_with_those_there_are():
    with pytest.raises(WeightsError, match=r"there is no attacker 'injekt'; choose one of inject, remove, .*weights"):
        load_attacker("injekt")


def test_gradients_are_followed_only_through_attackers_that_have_them():
    assert isinstance(load_differentiable("inject", "cpu"), DifferentiableAttacker)
    with pytest.raises(AttackError, match="no gradients pass through the attacker 'inject-copy-paste'"):
        load_differentiable("inject-copy-paste")
