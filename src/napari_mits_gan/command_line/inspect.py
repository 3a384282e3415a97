"""`napari-mits-gan inspect`: look for traces of tampering in a scan that nobody sealed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from napari_mits_gan.command_line.options import Commands, add_input, new_command
from napari_mits_gan.command_line.progress_bar import note, progress_bar
from napari_mits_gan.command_line.scan import read_with_bar

FOUND = 3
"""Exit code for a scan that shows a trace of tampering."""


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "inspect",
        "look for traces of tampering in a scan that nobody sealed",
        "Needs no key. Findings are printed, rarest in untouched scans first. Nothing found does not show that a scan "
        "is untouched. Exit code 0: no trace found; 1: it could not be looked through; 3: a trace of tampering found.",
    )
    add_input(command)
    command.add_argument(
        "--false-alarms",
        type=float,
        default=0.01,
        metavar="RATE",
        help="findings that an untouched scan may show on average (default: 0.01, one in 100 scans)",
    )
    command.add_argument("--json", action="store_true", help="print the findings as JSON")
    command.add_argument("--pictures", type=Path, metavar="FOLDER", help="write a picture of each finding into it")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, look, print; return the exit code."""
    from napari_mits_gan.inspection.inspect import inspect
    from napari_mits_gan.inspection.pictures import write_pictures

    volume = read_with_bar(options.input, options.series)
    with progress_bar("Inspecting") as progress:
        inspection = inspect(volume, false_alarms_per_scan=options.false_alarms, progress=progress)
    if options.pictures is not None:
        paths = write_pictures(inspection, options.pictures)
        note(f"{len(paths)} pictures written." if len(paths) != 1 else "1 picture written.")
    print(json.dumps(inspection.as_json(), indent=2) if options.json else inspection.text())
    return FOUND if inspection.found else 0
