"""`napari-mits-gan protect`: protect a scan and write it as a derived DICOM series."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_mits_gan.command_line.options import (
    Commands,
    add_bits,
    add_device,
    add_input,
    add_key_file,
    add_method,
    add_seed_or_key,
    new_command,
)
from napari_mits_gan.command_line.progress_bar import progress_bar
from napari_mits_gan.command_line.scan import read_with_bar


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
    add_key_file(command, required=False)
    add_bits(command)
    command.add_argument(
        "--without-lungs", action="store_true", help="protect the whole body of a scan in which no lung was found"
    )
    command.add_argument("--transfer-syntax", metavar="NAME", help="how to store pixels (default: as the input does)")
    command.add_argument("--series-description", metavar="TEXT", help="what to call the new series")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Read, protect, seal where a key is given, write."""
    from napari_mits_gan.ct.dicom.write import write_dicom
    from napari_mits_gan.files.publish import check_empty

    check_empty(options.output)  # minutes of work would be lost if it were found out at the end
    key = None
    if options.key_file is not None:
        from napari_mits_gan.evidence.key import read_key

        key = read_key(options.key_file)
    volume = read_with_bar(options.input, options.series)
    from napari_mits_gan.protection.protect import protect

    with progress_bar("Protecting") as progress:
        protected = protect(
            volume,
            method=options.method,
            max_change_hu=options.max_change_hu,
            seed=options.seed,
            key=options.key,
            device=options.device,
            progress=progress,
            without_lungs=options.without_lungs,
        )
    if key is not None:
        from napari_mits_gan.evidence.seal import seal

        with progress_bar("Sealing") as progress:
            protected = seal(protected, key, bits=options.bits, progress=progress)
    with progress_bar("Writing") as progress:
        files = write_dicom(
            protected,
            options.output,
            progress=progress,
            transfer_syntax=options.transfer_syntax,
            series_description=options.series_description,
        )
    print(f"{len(files)} files in {options.output}")
