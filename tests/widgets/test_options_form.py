"""A form made from a dataclass: what stands in it, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from napari_mits_gan.options import OptionError, limited
from napari_mits_gan.protection.pgd import Pgd
from napari_mits_gan.protection.protect import METHODS
from napari_mits_gan.widgets.controls.options_form import OptionsForm


@dataclass(frozen=True)
class Training:
    """Learns.

    Parameters
    ----------
    steps : int
        How many.
    rate : float or None
        None finds one.
    start : Path or None
        Weights.
    kind : {"wide", "narrow"}
        Of the network.
    resume : bool
        Whether to go on.
    """

    steps: int = limited(10, low=1)
    rate: float | None = None
    start: Path | None = None
    kind: Literal["wide", "narrow"] = "wide"
    resume: bool = True


@pytest.fixture
def form(qtbot):
    made = OptionsForm()
    qtbot.addWidget(made)
    return made


def test_what_is_left_alone_is_the_default(form):
    assert form.made() is None
    form.show_options(Training)
    assert form.made() is None


def test_every_kind_of_option_can_be_set(form, tmp_path):
    form.show_options(Training)
    rows = form.rows
    rows["steps"].value = 25
    rows["rate"].value = "0.5"
    rows["start"].value = tmp_path / "there.safetensors"
    rows["kind"].value = "narrow"
    rows["resume"].value = False
    assert form.made() == Training(25, 0.5, tmp_path / "there.safetensors", "narrow", False)


def test_click_and_attackers_of_pgd_are_typed_one_after_the_other(form):
    form.show_options(Pgd)
    form.rows["at"].value = "3, 4 5"
    form.rows["attackers"].value = "inject own.safetensors"
    form.rows["visits"].value = 2.0
    assert form.made() == Pgd((3, 4, 5), ("inject", "own.safetensors"), visits=2.0)
    form.rows["at"].value = "3 4"
    with pytest.raises(OptionError, match="3 values"):
        form.made()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_form_at_its_defaults(form, name):
    form.show_options(METHODS[name])
    assert form.made() is None


def test_another_class_takes_the_place_of_the_last(form):
    form.show_options(Pgd)
    form.show_options(Training)
    assert list(form.rows) == ["steps", "rate", "start", "kind", "resume"]
    form.show_options(METHODS["constant-shift"])
    assert form.rows == {}
    assert form.isHidden()
