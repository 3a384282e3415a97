"""`napari-mits-gan demo`: the whole loop on the sample scan, on the screen or into a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_mits_gan.command_line.options import Commands, new_command
from napari_mits_gan.command_line.window import require_window


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "demo",
        "open the sample scan in napari: protected, attacked, compared",
        "With --output the window closes by itself and leaves pictures, the protected DICOM series and a report.",
    )
    command.add_argument("input", type=Path, nargs="?", metavar="INPUT", help="another scan than the sample")
    command.add_argument(
        "--output", type=Path, metavar="FOLDER", help="a new or empty folder; do not wait for the user"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the demonstration."""
    require_window()
    from napari_mits_gan.widgets.demo import run as run_demo

    run_demo(options.input, output=options.output)
