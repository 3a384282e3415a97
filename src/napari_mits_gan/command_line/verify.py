"""`napari-mits-gan verify`: check a sealed scan."""

from __future__ import annotations

import argparse
import json

from napari_mits_gan.command_line.options import Commands, add_input, add_key_file, new_command
from napari_mits_gan.command_line.progress_bar import progress_bar
from napari_mits_gan.command_line.scan import read_with_bar

TAMPERED = 3
"""Exit code for a scan that is not what was sealed, or carries no seal of the key."""


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "verify",
        "check whether a scan is what was sealed, and say what was done to it",
        "Voxels and key suffice; any container of the same HU will do. Exit code 0: intact; 1: it could not be "
        "checked; 3: tampered, or no seal of this key.",
    )
    add_input(command)
    add_key_file(command, required=True)
    command.add_argument("--json", action="store_true", help="print the findings as JSON")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, check, print; return the exit code."""
    from napari_mits_gan.evidence.check import verify
    from napari_mits_gan.evidence.key import read_key

    key = read_key(options.key_file)
    volume = read_with_bar(options.input, options.series)
    with progress_bar("Checking") as progress:
        verdict = verify(volume, key, progress=progress)
    print(json.dumps(verdict.as_json(), indent=2) if options.json else verdict.text())
    return 0 if verdict.is_intact else TAMPERED
