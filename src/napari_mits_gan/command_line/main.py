"""Reads the command line, calls one command, and turns what went wrong into one sentence and an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import napari_mits_gan
from napari_mits_gan.command_line import (
    archive,
    convert,
    demo,
    evaluate,
    info,
    inspect,
    keygen,
    protect,
    recover,
    restore,
    seal,
    sites,
    tamper,
    train,
    verify,
    vulnerability,
    window,
)
from napari_mits_gan.command_line.options import Command
from napari_mits_gan.errors import Cancelled, MitsGanError

PROGRAM = "napari-mits-gan"
DONE, FAILED, INTERRUPTED = 0, 1, 130
"""Exit codes; a command line that cannot be understood gives argparse's 2."""


def parser() -> argparse.ArgumentParser:
    """The whole command line, as it is read and as `--help` shows it."""
    top = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Protect chest CT against tampering by generative networks. A second line of defence beside "
        "signatures, not a replacement; not for clinical use.",
        epilog="Exit codes: 0 done, 1 it could not be done (one sentence on stderr says why), 2 the command line was "
        "not understood, 3 a scan that was verified is not what was sealed, or one that was inspected "
        "shows traces of tampering, 130 interrupted.",
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {napari_mits_gan.__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Command)
    for command in (
        *(demo, window, info, protect, tamper, evaluate, vulnerability, train, convert, sites),
        *(keygen, seal, verify, recover, restore, inspect, archive),
    ):
        command.add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after the program's name; taken from the process unless given.

    Returns
    -------
    int
        The exit code.
    """
    options = parser().parse_args(arguments)
    try:
        code = options.run(options)
    except (KeyboardInterrupt, Cancelled):
        print(f"{PROGRAM}: interrupted; nothing was left half-written", file=sys.stderr)
        return INTERRUPTED
    except MitsGanError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return FAILED
    return DONE if code is None else int(code)
