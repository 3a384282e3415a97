"""Options that several commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_mits_gan.attack.attackers import ATTACKERS
from napari_mits_gan.attack.contract import ACTIONS
from napari_mits_gan.device import NAMES

Commands = argparse._SubParsersAction  # argparse has no public name for it


def new_command(commands: Commands, name: str, summary: str, details: str = "") -> argparse.ArgumentParser:
    """Add a command; its first sentence is shown in the list of commands, all of it in its own help."""
    return commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {details}".strip())


def add_input(command: argparse.ArgumentParser) -> None:
    """Add the scan to read and, for folders with several series, which one."""
    command.add_argument("input", type=Path, metavar="INPUT", help="DICOM folder or file, NIfTI, MetaImage or NRRD")
    command.add_argument("--series", metavar="UID", help="SeriesInstanceUID, where the folder holds several CT series")


def add_device(command: argparse.ArgumentParser) -> None:
    """Add where to compute."""
    command.add_argument(
        "--device", default="auto", metavar="DEVICE", help=f"{', '.join(NAMES)} (default: auto, the fastest there is)"
    )


def attacker_names() -> str:
    """The attackers that can be chosen by name, beside the usual two, for a help text."""
    return ", ".join(name for name in ATTACKERS if name not in ACTIONS)


def add_seed(command: argparse.ArgumentParser) -> None:
    """Add the seed of everything that is drawn."""
    command.add_argument(
        "--seed", type=whole_number, default=0, metavar="N", help="the same seed gives the same result (default: 0)"
    )


def add_seed_or_key(command: argparse.ArgumentParser) -> None:
    """Add the seed, and the key that the protection's seed can be derived from instead."""
    group = command.add_mutually_exclusive_group()
    group.add_argument(
        "--seed", type=whole_number, default=0, metavar="N", help="the same seed gives the same result (default: 0)"
    )
    group.add_argument(
        "--key",
        metavar="TEXT",
        help="a text of which the protection's pattern is derived, instead of the seed; it is written nowhere",
    )


def add_key_file(command: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the file with the key that seals."""
    command.add_argument(
        "--key-file", type=Path, required=required, metavar="KEY_FILE", help="a key made with keygen, which seals scans"
    )


def add_bits(command: argparse.ArgumentParser) -> None:
    """Add how many bits a voxel the seal takes."""
    command.add_argument(
        "--bits",
        type=int,
        choices=(1, 2),
        default=1,
        help="lowest bits of a value that carry the seal; two heal twice as finely (default: 1)",
    )


def add_method(command: argparse.ArgumentParser) -> None:
    """Add how to protect and how much a voxel may change."""
    command.add_argument("--method", default="mits-gan", metavar="NAME", help="protection method (default: mits-gan)")
    command.add_argument(
        "--max-change-hu",
        type=whole_number,
        default=20,
        metavar="HU",
        help="largest change of a voxel in HU (default: 20)",
    )


def whole_number(text: str) -> int:
    """A whole number, zero or more."""
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


whole_number.__name__ = "whole number"  # argparse puts it into its message


def place(text: str) -> tuple[int, int, int]:
    """A voxel written as Z,Y,X."""
    try:
        z, y, x = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a place; write three whole numbers as Z,Y,X") from None
    return z, y, x
