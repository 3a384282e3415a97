"""`napari-mits-gan protect`: protect a scan, seal it when a key is given, and write it as a derived DICOM series."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_mits_gan.command_line.options import (
    Command,
    Commands,
    add_device,
    add_input,
    add_method,
    add_sealing,
    add_seed_or_key,
    add_writing,
    new_command,
    protection_options,
    sealing_options,
    writing_options,
)
from napari_mits_gan.command_line.progress_bar import note, progress_bar

if TYPE_CHECKING:
    from napari_mits_gan.archive.jobs import ProtectJob
    from napari_mits_gan.workflow.protect_series import ProtectionOptions


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "protect",
        "protect a scan and write it as a DICOM series",
        "With a key file it is sealed as well. The series is derived from the input where that is DICOM, else new and "
        "anonymous.",
    )
    add_input(command)
    command.add_argument("output", type=Path, metavar="OUTPUT_FOLDER", help="a new or empty folder")
    add_job_options(command)
    command.set_defaults(run=run)


def add_job_options(command: Command) -> None:
    """Add how to do it, whichever scan it is."""
    add_method(command)
    add_seed_or_key(command)
    add_device(command)
    command.add_argument(
        "--without-lungs", action="store_true", help="protect the whole body of a scan in which no lung was found"
    )
    command.add_argument(
        "--again", action="store_true", help="protect a scan that is protected already; both changes add up"
    )
    add_sealing(command, required=False)
    add_writing(command)


def archive_job(options: argparse.Namespace) -> ProtectJob:
    """The same for every series of an archive."""
    from napari_mits_gan.archive.jobs import ProtectJob

    return ProtectJob(_protection(options), sealing_options(options), writing_options(options))


def run(options: argparse.Namespace) -> None:
    """Read, protect, seal, write."""
    from napari_mits_gan.workflow.protect_series import SeriesJob, protect_series

    job = SeriesJob(
        input=options.input,
        output=options.output,
        series=options.series,
        protection=_protection(options),
        sealing=sealing_options(options),
        writing=writing_options(options),
    )
    done = protect_series(job, progress_bar, note)
    print(f"{len(done.files)} files in {options.output}")


def _protection(options: argparse.Namespace) -> ProtectionOptions:
    return replace(protection_options(options), without_lungs=options.without_lungs, again=options.again)
