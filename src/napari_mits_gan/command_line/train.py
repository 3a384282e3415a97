"""`napari-mits-gan train`: train an attacker or the protection on scans of one's own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from napari_mits_gan.command_line.options import Commands, add_device, new_command, whole_number
from napari_mits_gan.command_line.progress_bar import progress_bar
from napari_mits_gan.command_line.scan import read_with_bar

ACTION_OF = {"injector": "inject", "remover": "remove"}


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "train",
        "train the injector, the remover or the protection",
        "An interrupted training goes on where it was, unless told not to.",
    )
    command.add_argument("network", choices=(*ACTION_OF, "protection"), help="what to train")
    command.add_argument("scans", nargs="+", type=Path, metavar="SCAN", help="DICOM folders, NIfTI, MetaImage or NRRD")
    command.add_argument("--output", type=Path, required=True, metavar="FILE", help="the .safetensors file to write")
    command.add_argument("--steps", type=whole_number, metavar="N", help="number of optimisation steps")
    command.add_argument(
        "--base-filters", type=whole_number, metavar="N", help="width of the attacker (the paper: 100)"
    )
    command.add_argument("--seed", type=whole_number, metavar="N", help="fixes everything that is drawn")
    command.add_argument(
        "--start-from", type=Path, metavar="FILE", help="weights to start a protection from, in place of random ones"
    )
    command.add_argument("--no-resume", action="store_true", help="begin anew even where an interrupted training lies")
    add_device(command)
    command.set_defaults(run=run, command=command)


def run(options: argparse.Namespace) -> None:
    """Read the scans and train."""
    if options.network == "protection" and options.base_filters is not None:
        options.command.error("--base-filters is the width of an attacker; the protection has none")
    if options.network != "protection" and options.start_from is not None:
        options.command.error("--start-from goes with the protection only")
    volumes = [read_with_bar(scan) for scan in options.scans]
    # Only what was asked for, so that the default of each setting stands in one place.
    asked = {name: getattr(options, name) for name in ("steps", "base_filters", "seed")}
    settings = {name: value for name, value in asked.items() if value is not None}
    common: dict[str, Any] = {"device": options.device, "resume": not options.no_resume}
    with progress_bar(f"Training the {options.network}") as progress:
        if options.network == "protection":
            from napari_mits_gan.protection.train import ProtectionTraining, train_protection

            common["start_from"] = options.start_from
            train_protection(volumes, options.output, ProtectionTraining(**settings), **common, progress=progress)
        else:
            from napari_mits_gan.attack.train import AttackTraining, train_attack

            action: Any = ACTION_OF[options.network]
            train_attack(action, volumes, options.output, AttackTraining(**settings), **common, progress=progress)
    print(f"weights in {options.output}")
