"""Options that several commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

import argparse
import getpass
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mits_gan.attack.attackers import ATTACKERS
from napari_mits_gan.attack.contract import ACTIONS
from napari_mits_gan.command_line.dataclass_options import add_options, given, instance
from napari_mits_gan.device import NAMES
from napari_mits_gan.errors import EvidenceError, ProtectionError

if TYPE_CHECKING:
    from napari_mits_gan.protection.contract import Method
    from napari_mits_gan.workflow.protect_series import ProtectionOptions, WritingOptions
    from napari_mits_gan.workflow.sealing import SealingOptions

Commands = argparse._SubParsersAction  # argparse has no public name for it


class Command(argparse.ArgumentParser):
    """A command some of whose options are added only when it is used, since finding them out takes a while."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.late: list[Callable[[argparse.ArgumentParser], None]] = []
        """Called once with the command before it is parsed, or its help shown."""

    def _complete(self) -> None:
        while self.late:
            self.late.pop(0)(self)

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse does, with all options."""
        self._complete()
        return super().parse_known_args(None if args is None else _places_joined(args), namespace)

    def format_help(self) -> str:
        """As argparse does, with all options."""
        self._complete()
        return super().format_help()


def _places_joined(args: Sequence[str]) -> list[str]:
    """`--at -1,5,5` as one word: argparse takes a negative place for an option."""
    joined: list[str] = []
    for word in args:
        if joined and joined[-1].startswith("--") and re.fullmatch(r"-\d+(,-?\d+)+", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def new_command(commands: Commands, name: str, summary: str, details: str = "") -> Command:
    """Add a command; its first sentence is shown in the list of commands, all of it in its own help."""
    description = f"{summary[0].upper()}{summary[1:]}. {details}".strip()
    command: Command = commands.add_parser(name, help=summary, description=description)
    return command


def add_input(command: argparse.ArgumentParser) -> None:
    """Add the scan to read and, for folders with several series, which one."""
    command.add_argument(
        "input", type=Path, metavar="INPUT", help="DICOM folder or file, zip or tar, NIfTI, MetaImage or NRRD"
    )
    command.add_argument(
        "--series",
        metavar="NUMBER_OR_UID",
        help="which to read, where there are several CT series or a series mixes several volumes: `info` lists them",
    )


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
        help="a text of which the protection's pattern is derived, instead of the seed; it is written nowhere, but "
        "others on this computer may see it while the command runs: rather use --key-from",
    )
    group.add_argument(
        "--key-from",
        type=Path,
        metavar="FILE",
        help="the same text, from the first line of a file; - asks for it",
    )


def add_key_file(command: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the file with the key that seals."""
    command.add_argument(
        "--key-file", type=Path, required=required, metavar="KEY_FILE", help="a key made with keygen, which seals scans"
    )


def add_sealing(command: argparse.ArgumentParser, *, required: bool) -> None:
    """Add how to seal: the key, how many bits a voxel, and the sidecar for an exact restore."""
    add_key_file(command, required=required)
    command.add_argument(
        "--bits",
        type=int,
        choices=(1, 2),
        default=1,
        help="lowest bits of a value that carry the seal; two heal twice as finely (default: 1)",
    )
    command.add_argument(
        "--sidecar",
        type=Path,
        metavar="FILE",
        help="also write an encrypted file from which `restore` gives the original files back bit for bit",
    )
    command.add_argument(
        "--mark",
        action="store_true",
        help="also mark the lungs, at most 8 HU RMS over the body, so that tampering is found where the seal is lost",
    )


def sealing_options(options: argparse.Namespace) -> SealingOptions | None:
    """How to seal, of `add_sealing`; None where no key was given."""
    from napari_mits_gan.workflow.sealing import SealingOptions

    if options.key_file is None:
        if options.sidecar is not None:
            raise EvidenceError("A sidecar is encrypted with a key; name one with --key-file.")
        if options.mark:
            raise EvidenceError("A mark is made under a key; name one with --key-file.")
        return None
    return SealingOptions(options.key_file, options.bits, options.sidecar, options.mark)


def add_writing(command: argparse.ArgumentParser) -> None:
    """Add how to write a DICOM series."""
    command.add_argument("--transfer-syntax", metavar="NAME", help="how to store pixels (default: as the input)")
    command.add_argument("--series-description", metavar="TEXT", help="what to call the new series")
    command.add_argument(
        "--anonymise",
        action="store_true",
        help="take the patient out of the new series (DICOM PS3.15, basic profile): names, dates, identifiers, private "
        "attributes; all UIDs become others",
    )
    command.add_argument(
        "--sign",
        type=Path,
        nargs=2,
        metavar=("KEY.pem", "CERTIFICATE.pem"),
        help="sign every file (DICOM PS3.15, Creator RSA profile, SHA-256) by DCMTK's dcmsign",
    )


def writing_options(options: argparse.Namespace) -> WritingOptions:
    """How to write, of `add_writing`."""
    from napari_mits_gan.workflow.protect_series import WritingOptions

    signature = None if options.sign is None else (options.sign[0], options.sign[1])
    return WritingOptions(options.transfer_syntax, options.series_description, signature, options.anonymise)


def add_method(command: Command) -> None:
    """Add how to protect, with the options of every method, and how much a voxel may change."""
    method = command.add_argument("--method", default="mits-gan", metavar="NAME")
    command.set_defaults(command=command)

    def add_methods(parser: argparse.ArgumentParser) -> None:
        from napari_mits_gan.protection.protect import METHODS

        method.choices = tuple(METHODS)
        method.help = f"protection method: {', '.join(METHODS)} (default: mits-gan)"
        for name, kind in METHODS.items():
            add_options(parser, kind, name)

    command.late.append(add_methods)
    command.add_argument(
        "--max-change-hu",
        type=whole_number,
        default=20,
        metavar="HU",
        help="largest change of a voxel in HU (default: 20)",
    )


def chosen_method(options: argparse.Namespace) -> str | Method:
    """The method of `add_method`: its name, or the method itself where options of it were given.

    Raises
    ------
    OptionError
        If a value is not one that the option takes.
    """
    from napari_mits_gan.protection.protect import METHODS

    for name, kind in METHODS.items():
        if name != options.method and (others := given(options, kind, name)):
            flag = f"--{name}-{next(iter(others)).replace('_', '-')}"
            options.command.error(f"{flag} goes with --method {name} only")
    if options.method in METHODS and given(options, METHODS[options.method], options.method):
        return instance(options, METHODS[options.method], options.method)
    return str(options.method)


def protection_options(options: argparse.Namespace) -> ProtectionOptions:
    """How to protect, of `add_method`, `add_seed_or_key` and `add_device`."""
    from napari_mits_gan.workflow.protect_series import ProtectionOptions

    return ProtectionOptions(
        chosen_method(options), options.max_change_hu, options.seed, chosen_key(options), options.device
    )


def chosen_key(options: argparse.Namespace) -> str | None:
    """The key of the protection, of `add_seed_or_key`; None where there is none."""
    key: str | None = options.key
    return key if options.key_from is None else text_key(options.key_from)


def text_key(path: Path) -> str:
    """The key of a protection: the first line of a file, or for “-” what the user types, which is not shown.

    Raises
    ------
    ProtectionError
        If there is no such file, or no text in it.
    """
    if str(path) == "-":
        return getpass.getpass("Key of the protection: ")
    try:
        with path.open(encoding="utf-8") as stream:
            return stream.readline().rstrip("\r\n")
    except (OSError, UnicodeError):
        raise ProtectionError(
            f"the key cannot be read from {path.name}; name a text file whose first line is the key."
        ) from None


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
    if min(z, y, x) < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is outside every scan; voxels are counted from 0")
    return z, y, x
