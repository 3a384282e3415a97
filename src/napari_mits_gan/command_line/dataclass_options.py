"""Command line options made from the fields of a frozen dataclass, and the dataclass made from what was given."""

from __future__ import annotations

import argparse
from typing import Any, TypeVar

from napari_mits_gan.options import Option, OptionError, made, options_of, summary_of

T = TypeVar("T")


def add_options(command: argparse.ArgumentParser, kind: type, prefix: str = "") -> None:
    """Add an option for each field of a dataclass, in a group of their own.

    Parameters
    ----------
    command : ArgumentParser
        Where to add them.
    kind : type
        A dataclass; see `napari_mits_gan.options.options_of`.
    prefix : str
        Put before each name: "pgd" makes --pgd-steps of the field `steps`.
    """
    if not options_of(kind):
        return
    group = command.add_argument_group(f"options of {prefix}" if prefix else "options", summary_of(kind))
    for option in options_of(kind):
        group.add_argument(
            _flag(option, prefix),
            dest=_dest(option, prefix),
            default=argparse.SUPPRESS,  # only what was given is there afterwards
            help=_help(option),
            **_action(option),
        )


def given(options: argparse.Namespace, kind: type, prefix: str = "") -> dict[str, object]:
    """Which fields of a dataclass were given on the command line, by the names of the fields."""
    there = vars(options)
    return {o.name: there[_dest(o, prefix)] for o in options_of(kind) if _dest(o, prefix) in there}


def instance(options: argparse.Namespace, kind: type[T], prefix: str = "") -> T:
    """The dataclass with what was given on the command line, and defaults for the rest.

    Raises
    ------
    OptionError
        If a value is not one that the option takes.
    """
    return made(kind, given(options, kind, prefix))


def _flag(option: Option, prefix: str) -> str:
    return "--" + "-".join(part for part in (prefix, option.name.replace("_", "-")) if part)


def _dest(option: Option, prefix: str) -> str:
    return f"{prefix}:{option.name}"  # no field of another option is called so


def _help(option: Option) -> str:
    text = option.help.rstrip(".").replace("`", "").replace("%", "%%")
    if option.default is None:
        return text
    default = " ".join(map(str, option.default)) if isinstance(option.default, tuple) else option.default
    return f"{text} (default: {default})"


def _action(option: Option) -> dict[str, Any]:
    if option.kind is bool:
        return {"action": argparse.BooleanOptionalAction}

    def parsed(text: str) -> object:
        try:
            return option.one(text)
        except OptionError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    words = {int: "N", float: "X", str: "NAME"}
    action: dict[str, Any] = {"type": parsed, "metavar": words.get(option.kind, "FILE")}
    if option.choices:
        action["metavar"] = "|".join(option.choices)
    if option.count is not None:
        action["nargs"] = option.count or "+"
    return action
