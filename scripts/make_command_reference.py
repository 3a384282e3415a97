"""Write `docs/reference/command-line.md` from the command line itself; a test says when it has to be done anew.

python scripts/make_command_reference.py
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
DOCUMENT = ROOT / "docs" / "reference" / "command-line.md"
_HEAD = """\
# Command line

Written by `python scripts/make_command_reference.py` from what `--help` says; do not edit.
"""


def main() -> None:
    DOCUMENT.write_text(reference(), encoding="utf-8")


def reference() -> str:
    """All commands with their arguments, as Markdown."""
    from napari_mits_gan.command_line.main import parser

    top = parser()
    commands = _commands_of(top)
    summaries = "\n".join(f"| [`{name}`](#{name}) | {summary} |" for name, _, summary in commands)
    parts = [_HEAD, _text(top.description), f"| command | what it does |\n|---|---|\n{summaries}\n", _text(top.epilog)]
    for name, command, _ in commands:
        parts += _section(command, name, "##")
    return "\n".join(parts)


def _section(command: argparse.ArgumentParser, title: str, level: str) -> Iterator[str]:
    command.format_help()  # adds the options that are found out only when they are needed
    yield f"{level} {title}\n"
    yield _text(command.description)
    positional = [action for action in command._actions if not action.option_strings and _is_shown(action)]
    words = " ".join(_value(action) for action in positional)
    yield f"```text\n{command.prog.split(' INPUT')[0]} {words} [options]\n```\n"
    for group in command._action_groups:
        rows = [_row(command, action) for action in group._group_actions if _is_shown(action)]
        if rows:
            yield from _group_head(group)
            yield "| | |\n|---|---|\n" + "\n".join(rows) + "\n"
    for name, nested, _ in _commands_of(command):
        yield from _section(nested, f"{title} {name}", level + "#")


def _group_head(group: argparse._ArgumentGroup) -> Iterator[str]:
    if (title := str(group.title)).startswith("options of "):
        yield f"*{title}*: {_text(group.description)}"


def _row(command: argparse.ArgumentParser, action: argparse.Action) -> str:
    told = (action.help or "") % {**vars(action), "prog": command.prog}
    if isinstance(action, argparse._SubParsersAction):
        told = ", ".join(action.choices)
    name = ", ".join(action.option_strings)
    value = _value(action) if action.nargs != 0 else ""
    if action.option_strings and action.required:
        told += " (required)"
    both = " ".join(part for part in (name, value) if part).replace("|", "\\|")
    return f"| `{both}` | {_cell(told)} |"


def _value(action: argparse.Action) -> str:
    """What is written for an argument, as `--help` has it."""
    metavar = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    if isinstance(metavar, tuple):
        return " ".join(metavar)
    if isinstance(action.nargs, int) and action.nargs:
        return " ".join([metavar] * action.nargs)
    return {"?": f"[{metavar}]", "*": f"[{metavar} ...]", "+": f"{metavar} [{metavar} ...]"}.get(
        str(action.nargs), metavar
    )


def _is_shown(action: argparse.Action) -> bool:
    return action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction | argparse._VersionAction)


def _commands_of(command: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser, str]]:
    """The commands below one, each with its name and its summary."""
    found = []
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            summaries = {choice.dest: choice.help or "" for choice in action._choices_actions}
            found += [(name, nested, summaries[name]) for name, nested in action.choices.items()]
    return found


def _text(words: str | None) -> str:
    return f"{_cell(words or '')}\n"


def _cell(words: str) -> str:
    """Words of a help text where Markdown would read something into them."""
    return " ".join(words.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


if __name__ == "__main__":
    main()
