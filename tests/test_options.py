"""Options read from a dataclass: its fields, its docstring, its limits."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Literal

import pytest

from napari_mits_gan.options import OptionError, limited, made, options_of, summary_of
from napari_mits_gan.protection.protect import METHODS


@dataclass(frozen=True)
class Kiln:
    """Burns a pot.

    Parameters
    ----------
    heat, glow : float
        In degrees;
        the second is for show.
    turns : int
        How often.
    names : tuple of str
        Of the pots.
    at : tuple of int or None
        Where.
    glaze : Path or None
        A file.
    colour : {"red", "blue"}
        Of the glaze.
    lid : bool
        Whether it is shut.
    """

    heat: float = limited(900.0, low=0, high=1300)
    glow: float = 1.0
    turns: int = limited(3, low=1)
    names: tuple[str, ...] = ("a", "b")
    at: tuple[int, int, int] | None = None
    glaze: Path | None = None
    colour: Literal["red", "blue"] = "red"
    lid: bool = True


def test_kinds_defaults_and_texts_come_from_the_class():
    found = {option.name: option for option in options_of(Kiln)}
    assert list(found) == [field.name for field in fields(Kiln)]
    assert summary_of(Kiln) == "Burns a pot"
    assert found["heat"].help == found["glow"].help == "In degrees; the second is for show."
    assert (found["heat"].kind, found["heat"].low, found["heat"].high) == (float, 0, 1300)
    assert (found["names"].kind, found["names"].count) == (str, 0)
    assert (found["at"].kind, found["at"].count, found["at"].optional) == (int, 3, True)
    assert (found["glaze"].kind, found["glaze"].optional) == (Path, True)
    assert found["colour"].choices == ("red", "blue")
    assert found["lid"].kind is bool


def test_an_instance_has_what_was_given_and_defaults():
    assert made(Kiln, {"turns": 5, "names": ["x"]}) == Kiln(turns=5, names=("x",))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"turns": 0}, "turns must be at least 1; it is 0"),
        ({"heat": 1301.0}, "at least 0 and at most 1300"),
        ({"at": (1, 2)}, "at takes 3 values; it has 2"),
        ({"names": ()}, "one or more"),
        ({"colour": "green"}, "one of red, blue"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(values, says):
    with pytest.raises(OptionError, match=says):
        made(Kiln, values)


@pytest.mark.parametrize("name", METHODS)
def test_every_protection_method_documents_its_options(name):
    kind = METHODS[name]
    assert is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert kind() == kind()
    for option in options_of(kind):
        assert option.help, option.name
