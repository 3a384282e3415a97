"""The options of a frozen dataclass, read from its fields and its docstring, so that no surface lists them again.

The command line makes an option of each (`command_line/dataclass_options.py`), the dock a row of a form
(`widgets/controls/options_form.py`).
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from docstring_parser import parse

from napari_mits_gan.errors import MitsGanError

LOW, HIGH = "low", "high"
T = TypeVar("T")


class OptionError(MitsGanError):
    """A value that an option does not take."""


def limited(default: Any, low: float | None = None, high: float | None = None) -> Any:
    """A dataclass field that takes values from `low` to `high` only."""
    return dataclasses.field(default=default, metadata={LOW: low, HIGH: high})


@dataclass(frozen=True)
class Option:
    """One field of a dataclass, as a surface has to know it.

    Parameters
    ----------
    name : str
        Of the field.
    kind : type
        int, float, str, bool or Path: what one value is.
    count : int or None
        None for a single value, 0 for one or more values, else how many (the field holds a tuple).
    optional : bool
        Whether None is a value as well.
    default : object
        What it is unless told.
    help : str
        What the docstring says of it, in one line.
    low, high : float or None
        Limits of a number.
    choices : tuple of str
        All that a text may be; empty for any.
    """

    name: str
    kind: type
    count: int | None
    optional: bool
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    def one(self, text: str) -> Any:
        """One value from a text.

        Raises
        ------
        OptionError
            If it is of another kind, or outside the limits.
        """
        if self.kind is bool:
            return text.lower() in ("1", "true", "yes", "on")
        try:
            value = self.kind(text)
        except ValueError:
            words = {int: "a whole number", float: "a number"}[self.kind]
            raise OptionError(f"{self.name} must be {words}; it is {text!r}.") from None
        self._check(value)
        return value

    def checked(self, value: Any) -> Any:
        """The value, as the field holds it.

        Raises
        ------
        OptionError
            If it is not within the limits, or there are too few or too many values.
        """
        if value is None and self.optional:
            return None
        if self.count is None:
            self._check(value)
            return value
        values = tuple(value)
        if not values or (self.count and len(values) != self.count):
            raise OptionError(f"{self.name} takes {self.count or 'one or more'} values; it has {len(values)}.")
        for each in values:
            self._check(each)
        return values

    def _check(self, value: Any) -> None:
        if self.choices and value not in self.choices:
            raise OptionError(f"{self.name} must be one of {', '.join(self.choices)}; it is {value!r}.")
        too_low = self.low is not None and value < self.low
        too_high = self.high is not None and value > self.high
        if too_low or too_high:
            within = " and ".join(
                f"{words} {limit:g}"
                for words, limit in (("at least", self.low), ("at most", self.high))
                if limit is not None
            )
            raise OptionError(f"{self.name} must be {within}; it is {value}.")


@cache
def options_of(kind: Any) -> tuple[Option, ...]:
    """The options of a dataclass, in the order of its fields.

    Parameters
    ----------
    kind : type
        A dataclass whose fields hold numbers, texts, paths, tuples of them, or None, and have defaults. Its NumPy
        docstring says what each of them is.
    """
    hints = typing.get_type_hints(kind)
    told = {
        name: " ".join((param.description or "").split())
        for base in reversed(kind.__mro__)
        for param in parse(base.__dict__.get("__doc__") or "").params
        for name in param.arg_name.split(", ")
    }
    return tuple(
        _option(field, hints[field.name], told.get(field.name, "")) for field in dataclasses.fields(kind) if field.init
    )


def summary_of(kind: type) -> str:
    """What a class is, by the first line of its docstring, without the full stop."""
    return (parse(kind.__doc__ or "").short_description or kind.__name__).rstrip(".")


def made(kind: type[T], values: Mapping[str, Any]) -> T:
    """An instance with some options set, each checked.

    Raises
    ------
    OptionError
        If a value is not one that the option takes.
    """
    options: tuple[Option, ...] = options_of(cast(Any, kind))
    known = {option.name: option for option in options}
    return kind(**{name: known[name].checked(value) for name, value in values.items()})


def _option(field: dataclasses.Field[Any], hint: Any, told: str) -> Option:
    optional, count, choices = False, None, ()
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        parts = [part for part in typing.get_args(hint) if part is not type(None)]
        optional = len(parts) < len(typing.get_args(hint))
        (hint,) = parts
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)
        count = 0 if inner[-1] is Ellipsis else len(inner)
        hint = inner[0]
    if typing.get_origin(hint) is Literal:
        choices, hint = typing.get_args(hint), str
    if hint not in (int, float, str, bool, Path):
        raise TypeError(f"{field.name}: {hint} cannot be an option")
    default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    return Option(
        field.name, hint, count, optional, default, told, field.metadata.get(LOW), field.metadata.get(HIGH), choices
    )
