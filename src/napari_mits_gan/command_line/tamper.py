"""`napari-mits-gan tamper`: simulate an attack on a scan."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_mits_gan.attack.contract import ACTIONS
from napari_mits_gan.command_line.options import Commands, add_device, add_input, attacker_names, new_command, place
from napari_mits_gan.command_line.scan import read_with_bar
from napari_mits_gan.ct.constants import SIMULATED_ATTACK
from napari_mits_gan.ct.suffixes import WRITABLE_SUFFIXES


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "tamper",
        "simulate an attack on a scan",
        "The result is labelled as a simulated attack and is never written as DICOM.",
    )
    add_input(command)
    endings = ", ".join(WRITABLE_SUFFIXES)
    command.add_argument("output", type=Path, metavar="OUTPUT.nii.gz", help=f"a new file whose name ends in {endings}")
    command.add_argument("--at", type=place, required=True, metavar="Z,Y,X", help="voxel at the attack's centre")
    command.add_argument("--action", choices=ACTIONS, required=True, help="inject a nodule, or remove what is there")
    other = command.add_mutually_exclusive_group()
    other.add_argument("--attacker", metavar="NAME", help=f"another attacker: {attacker_names()}")
    other.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="CT-GAN with weights of your own: a .safetensors file, or a folder of its authors",
    )
    add_device(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Read, tamper, write."""
    volume = read_with_bar(options.input, options.series)
    from napari_mits_gan.attack.attackers import load_attacker
    from napari_mits_gan.ct.image.write import write_image
    from napari_mits_gan.errors import AttackError

    # A folder may hold both models, or one whose name does not tell what it does.
    action = options.action if options.weights is not None and options.weights.is_dir() else None
    attacker = load_attacker(options.attacker or options.weights or options.action, options.device, action=action)
    if attacker.action != options.action:
        raise AttackError(f"the attacker {attacker.name} {attacker.action}s; choose --action {attacker.action}.")
    write_image(attacker.tamper(volume, at=options.at), options.output)
    print(f"{SIMULATED_ATTACK} in {options.output}")
