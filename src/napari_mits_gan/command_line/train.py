"""`napari-mits-gan train`: train an attacker, the protection, or what judges them on scans of one's own."""

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
        "train the injector, the remover, the protection, the detector or the denoiser",
        "An interrupted training goes on where it was, unless told not to.",
    )
    command.add_argument("network", choices=(*ACTION_OF, "protection", "detector", "denoiser"), help="what to train")
    command.add_argument("scans", nargs="+", type=Path, metavar="SCAN", help="DICOM folders, NIfTI, MetaImage or NRRD")
    command.add_argument("--output", type=Path, required=True, metavar="FILE", help="the .safetensors file to write")
    command.add_argument("--steps", type=whole_number, metavar="N", help="number of optimisation steps")
    command.add_argument(
        "--base-filters", type=whole_number, metavar="N", help="width of the attacker (the paper: 100)"
    )
    command.add_argument(
        "--core-mm", type=whole_number, metavar="MM", help="side of the core an attacker blanks (code: 20, paper: 16)"
    )
    command.add_argument(
        "--fixed-window",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="an attacker that takes this window in HU in place of histogram equalisation",
    )
    command.add_argument("--seed", type=whole_number, metavar="N", help="fixes everything that is drawn")
    command.add_argument(
        "--start-from", type=Path, metavar="FILE", help="an attacker's or a protection's weights to go on from"
    )
    command.add_argument(
        "--attackers", nargs="+", metavar="NAME", help="whom to train a protection against (default: inject remove)"
    )
    command.add_argument("--no-resume", action="store_true", help="begin anew even where an interrupted training lies")
    add_device(command)
    command.set_defaults(run=run, command=command)


def run(options: argparse.Namespace) -> None:
    """Read the scans and train."""
    from napari_mits_gan.attack.cuboid import CUBOID_MM
    from napari_mits_gan.ct.annotations import nodules_beside

    attacker_only = {"base_filters": "--base-filters", "core_mm": "--core-mm", "fixed_window": "--fixed-window"}
    for name, option in attacker_only.items():
        if options.network not in ACTION_OF and getattr(options, name) is not None:
            options.command.error(f"{option} goes with an attacker only")
    if options.core_mm is not None and (options.core_mm % 2 or not 0 < options.core_mm < CUBOID_MM):
        options.command.error(f"--core-mm must be an even number below {CUBOID_MM}")
    if options.network in ("detector", "denoiser") and options.start_from is not None:
        options.command.error("--start-from goes with an attacker or the protection only")
    if options.network != "protection" and options.attackers is not None:
        options.command.error("--attackers goes with the protection only")
    if options.network in ACTION_OF and options.start_from is not None:
        for name, option in attacker_only.items():
            if getattr(options, name) is not None:
                options.command.error(f"{option} cannot be changed where an attacker goes on from another")
    volumes = [read_with_bar(scan) for scan in options.scans]
    # Only what was asked for, so that the default of each setting stands in one place.
    asked = {name: getattr(options, name) for name in ("steps", "base_filters", "seed")}
    settings: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    common: dict[str, Any] = {"device": options.device, "resume": not options.no_resume}
    with progress_bar(f"Training the {options.network}") as progress:
        if options.network == "protection":
            from napari_mits_gan.protection.train import ProtectionTraining, train_protection

            common["start_from"] = options.start_from
            if options.attackers is not None:
                from napari_mits_gan.attack.attackers import load_differentiable

                common["attackers"] = [load_differentiable(name, options.device) for name in options.attackers]
            train_protection(volumes, options.output, ProtectionTraining(**settings), **common, progress=progress)
        elif options.network == "detector":
            from napari_mits_gan.detection.train import DetectorTraining, train_detector

            known = [nodules_beside(s, v) for s, v in zip(options.scans, volumes, strict=True)]
            train_detector(volumes, known, options.output, DetectorTraining(**settings), **common, progress=progress)
        elif options.network == "denoiser":
            from napari_mits_gan.evaluation.robustness.train_denoiser import DenoiserTraining, train_denoiser

            train_denoiser(volumes, options.output, DenoiserTraining(**settings), **common, progress=progress)
        else:
            from napari_mits_gan.attack.ctgan.train import AttackTraining, train_attack

            if options.core_mm is not None:
                settings["mask"] = ((CUBOID_MM - options.core_mm) // 2, (CUBOID_MM + options.core_mm) // 2)
            if options.fixed_window is not None:
                settings["fixed_window_hu"] = tuple(options.fixed_window)
            common["nodules"] = {v.name: nodules_beside(s, v) for s, v in zip(options.scans, volumes, strict=True)}
            action: Any = ACTION_OF[options.network]
            if options.start_from is not None:
                from napari_mits_gan.attack.ctgan.attacker import CTGAN

                common["start_from"] = CTGAN.load(options.start_from, options.device, action=action).weights
            train_attack(action, volumes, options.output, AttackTraining(**settings), **common, progress=progress)
    print(f"weights in {options.output}")
