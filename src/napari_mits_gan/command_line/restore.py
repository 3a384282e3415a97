"""`napari-mits-gan restore`: give the original files of a sealed or protected scan back, bit for bit."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_mits_gan.command_line.options import Commands, add_input, add_key_file, new_command
from napari_mits_gan.command_line.progress_bar import progress_bar
from napari_mits_gan.command_line.scan import read_with_bar


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "restore",
        "give the original files of a scan back, bit for bit",
        "From the sidecar that `seal --sidecar` or `protect --sidecar` wrote, and the exported scan.",
    )
    add_input(command)
    command.add_argument("sidecar", type=Path, metavar="SIDECAR", help="written by `seal --sidecar`")
    command.add_argument("output", type=Path, metavar="OUTPUT_FOLDER", help="a new or empty folder")
    add_key_file(command, required=True)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Read, restore."""
    from napari_mits_gan.evidence.key import read_key
    from napari_mits_gan.evidence.sidecar import restore
    from napari_mits_gan.files.publish import check_empty

    check_empty(options.output)
    key = read_key(options.key_file)
    volume = read_with_bar(options.input, options.series)
    with progress_bar("Restoring") as progress:
        files = restore(volume, options.sidecar, key, options.output, progress=progress)
    print(f"{len(files)} files in {options.output}")
