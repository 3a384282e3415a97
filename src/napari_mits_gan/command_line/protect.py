"""`napari-mits-gan protect`: protect a scan and write it as a derived DICOM series."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from napari_mits_gan.command_line.options import (
    Commands,
    add_device,
    add_input,
    add_method,
    add_seed_or_key,
    new_command,
    protection_options,
)
from napari_mits_gan.command_line.progress_bar import progress_bar


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "protect",
        "protect a scan and write it as a DICOM series",
        "The series is derived from the input where that is DICOM, else new and anonymous.",
    )
    add_input(command)
    command.add_argument("output", type=Path, metavar="OUTPUT_FOLDER", help="a new or empty folder")
    add_method(command)
    add_seed_or_key(command)
    add_device(command)
    command.add_argument(
        "--without-lungs", action="store_true", help="protect the whole body of a scan in which no lung was found"
    )
    command.add_argument("--transfer-syntax", metavar="NAME", help="how to store pixels (default: as the input)")
    command.add_argument("--series-description", metavar="TEXT", help="what to call the new series")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Read, protect, write."""
    from napari_mits_gan.workflow.protect_series import SeriesJob, WritingOptions, protect_series

    job = SeriesJob(
        input=options.input,
        output=options.output,
        series=options.series,
        protection=replace(protection_options(options), without_lungs=options.without_lungs),
        writing=WritingOptions(options.transfer_syntax, options.series_description),
    )
    files = protect_series(job, progress_bar)
    print(f"{len(files)} files in {options.output}")
