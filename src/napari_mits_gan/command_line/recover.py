"""`napari-mits-gan recover`: heal a tampered scan from the copy in its seal."""

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
        "recover",
        "undo what was done to a sealed scan",
        "Blocks that were not touched stay as they are, to the bit; the others come from the copy in the seal.",
    )
    add_input(command)
    command.add_argument(
        "output", type=Path, metavar="OUTPUT", help="a new .nii.gz, .nii, .mha or .nrrd file, or a folder for DICOM"
    )
    add_key_file(command, required=True)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Read, heal, write."""
    from napari_mits_gan.ct.dicom.write import write_dicom
    from napari_mits_gan.ct.image.write import new_image, write_image
    from napari_mits_gan.ct.suffixes import WRITABLE_SUFFIXES, ending_of
    from napari_mits_gan.evidence.key import read_key
    from napari_mits_gan.evidence.recover import recover
    from napari_mits_gan.files.publish import check_empty

    is_image = ending_of(options.output.name, WRITABLE_SUFFIXES)
    if is_image:
        new_image(options.output, with_history=True)
    else:
        check_empty(options.output)
    key = read_key(options.key_file)
    volume = read_with_bar(options.input, options.series)
    with progress_bar("Healing") as progress:
        recovery = recover(volume, key, progress=progress)
    if is_image:
        write_image(recovery.volume, options.output)
    else:
        with progress_bar("Writing") as progress:
            write_dicom(recovery.volume, options.output, progress=progress)
    print(recovery.verdict.text())
    print(f"{int(recovery.healed.sum())} voxels healed, the scan in {options.output}")
