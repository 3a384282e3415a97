"""`napari-mits-gan seal`: seal a scan and write it as a derived DICOM series."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_mits_gan.command_line.options import (
    Command,
    Commands,
    add_input,
    add_sealing,
    add_writing,
    new_command,
    sealing_options,
    writing_options,
)
from napari_mits_gan.command_line.progress_bar import note, progress_bar

if TYPE_CHECKING:
    from napari_mits_gan.archive.jobs import ProtectJob


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "seal",
        "seal a scan, so that any change is found and undone, and write it as a DICOM series",
        "The lowest bits of its values carry codes for every block and a copy of the scan, under a key. The series is "
        "derived from the input where that is DICOM, else new and anonymous; a signed manifest lies beside its files.",
    )
    add_input(command)
    command.add_argument("output", type=Path, metavar="OUTPUT_FOLDER", help="a new or empty folder")
    add_job_options(command)
    command.set_defaults(run=run)


def add_job_options(command: Command) -> None:
    """Add how to do it, whichever scan it is."""
    add_sealing(command, required=True)
    add_writing(command)


def archive_job(options: argparse.Namespace) -> ProtectJob:
    """The same for every series of an archive."""
    from napari_mits_gan.archive.jobs import ProtectJob

    return ProtectJob(None, sealing_options(options), writing_options(options))


def run(options: argparse.Namespace) -> None:
    """Read, seal, write."""
    from napari_mits_gan.workflow.protect_series import SeriesJob, protect_series

    job = SeriesJob(
        input=options.input,
        output=options.output,
        series=options.series,
        protection=None,
        sealing=sealing_options(options),
        writing=writing_options(options),
    )
    done = protect_series(job, progress_bar, note)
    print(f"{len(done.files)} files in {options.output}")
    copy_bytes = done.volume.history[-1].parameters["copy_bytes"]
    if copy_bytes:
        print(f"sealed with {options.bits} bit(s) a voxel and a copy of {copy_bytes} bytes to heal from")
    else:
        print("sealed for detection only: the scan is too small to carry a copy to heal from")
