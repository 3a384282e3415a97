"""`napari-mits-gan seal`: seal a scan and write it as a derived DICOM series."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_mits_gan.command_line.options import Commands, add_bits, add_input, add_key_file, new_command
from napari_mits_gan.command_line.progress_bar import progress_bar
from napari_mits_gan.command_line.scan import read_with_bar


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "seal",
        "seal a scan, so that any change is found and undone, and write it as a DICOM series",
        "The lowest bits of its values carry codes for every block and a copy of the scan, under a key. The series is "
        "derived from the input where that is DICOM, else new and anonymous.",
    )
    add_input(command)
    command.add_argument("output", type=Path, metavar="OUTPUT_FOLDER", help="a new or empty folder")
    add_key_file(command, required=True)
    add_bits(command)
    command.add_argument("--transfer-syntax", metavar="NAME", help="how to store pixels (default: as the input does)")
    command.add_argument("--series-description", metavar="TEXT", help="what to call the new series")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Read, seal, write."""
    from napari_mits_gan.ct.dicom.write import write_dicom
    from napari_mits_gan.evidence.key import read_key
    from napari_mits_gan.evidence.seal import seal
    from napari_mits_gan.files.publish import check_empty

    check_empty(options.output)  # the work would be lost if it were found out at the end
    key = read_key(options.key_file)
    volume = read_with_bar(options.input, options.series)
    with progress_bar("Sealing") as progress:
        sealed = seal(volume, key, bits=options.bits, progress=progress)
    with progress_bar("Writing") as progress:
        files = write_dicom(
            sealed,
            options.output,
            progress=progress,
            transfer_syntax=options.transfer_syntax,
            series_description=options.series_description,
        )
    print(f"{len(files)} files in {options.output}")
    copy_bytes = sealed.history[-1].parameters["copy_bytes"]
    if copy_bytes:
        print(f"sealed with {options.bits} bit(s) a voxel and a copy of {copy_bytes} bytes to heal from")
    else:
        print("sealed for detection only: the scan is too small to carry a copy to heal from")
