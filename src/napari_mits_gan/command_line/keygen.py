"""`napari-mits-gan keygen`: make the key that seals scans."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_mits_gan.command_line.options import Commands, new_command


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "keygen",
        "make a key that seals scans, checks and heals them",
        "Whoever has the file can do all three, and forge seals; without it nobody can check or heal. Keep a copy. The "
        "public key beside it checks manifests only, and may be handed out.",
    )
    command.add_argument("key_file", type=Path, metavar="KEY_FILE", help="a new file that only its owner may read")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Make the key, write it and its public half."""
    from napari_mits_gan.evidence.key_files import make_key_files

    secret, public = make_key_files(options.key_file)
    print(f"a new key in {secret}, its public half in {public}")
