"""`napari-mits-gan tamper`: simulate an attack on a scan."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_mits_gan.command_line.options import ACTIONS, Commands, add_device, add_input, new_command, place
from napari_mits_gan.command_line.scan import read_with_bar
from napari_mits_gan.ct.suffixes import WRITABLE_SUFFIXES


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "tamper",
        "simulate an attack on a scan with CT-GAN",
        "The result is labelled as a simulated attack and is never written as DICOM.",
    )
    add_input(command)
    endings = ", ".join(WRITABLE_SUFFIXES)
    command.add_argument("output", type=Path, metavar="OUTPUT.nii.gz", help=f"a new file whose name ends in {endings}")
    command.add_argument("--at", type=place, required=True, metavar="Z,Y,X", help="voxel at the attack's centre")
    command.add_argument("--action", choices=ACTIONS, required=True, help="inject a nodule, or remove what is there")
    command.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="another attacker than the built-in ones: a .safetensors file, or a folder of CT-GAN's authors",
    )
    add_device(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Read, tamper, write."""
    volume = read_with_bar(options.input, options.series)
    from napari_mits_gan.attack.ctgan.attacker import CTGAN
    from napari_mits_gan.ct.image.write import write_image
    from napari_mits_gan.errors import AttackError

    # A folder may hold both models, or one whose name does not tell what it does.
    action = options.action if options.weights is not None and options.weights.is_dir() else None
    attacker = CTGAN.load(options.weights or options.action, device=options.device, action=action)
    if attacker.action != options.action:
        raise AttackError(f"the weights in {options.weights} {attacker.action}; choose --action {attacker.action}")
    write_image(attacker.tamper(volume, at=options.at), options.output)
    print(f"SIMULATED ATTACK in {options.output}")
