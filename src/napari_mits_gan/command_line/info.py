"""`napari-mits-gan info`: what a scan is."""

from __future__ import annotations

import argparse

from napari_mits_gan.command_line.options import Commands, add_input, new_command
from napari_mits_gan.command_line.scan import read_with_bar
from napari_mits_gan.ct.constants import SIMULATED_ATTACK
from napari_mits_gan.ct.read import SeveralSeriesError
from napari_mits_gan.ct.volume import CTVolume


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(commands, "info", "tell what a scan is: size, spacing, range of HU, what was done to it")
    add_input(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the facts; where there are several series, print a list to choose from."""
    try:
        volume = read_with_bar(options.input, options.series)
    except SeveralSeriesError as error:
        for series in error.series:
            print(f"{series.uid}  {series.modality}  {series.number_of_images} images  {series.description}")
        raise
    for name, value in facts(volume).items():
        print(f"{name + ':':<12}{value}")


def facts(volume: CTVolume) -> dict[str, str]:
    """What there is to say about a volume, ready to print; nothing about the patient."""
    millimetres = [n * s for n, s in zip(volume.shape, volume.spacing, strict=True)]
    told = {
        "name": volume.name,
        "voxels": " x ".join(str(n) for n in volume.shape) + " (z, y, x)",
        "spacing": " x ".join(f"{s:.4g}" for s in volume.spacing) + " mm",
        "size": " x ".join(f"{s:.0f}" for s in millimetres) + " mm",
        "HU": f"{int(volume.hu.min())} to {int(volume.hu.max())}",
        "padding": "none" if volume.padding is None else f"{int(volume.padding.sum())} voxels",
        "source": "DICOM" if volume.source is not None else "image file",
    }
    for number, step in enumerate(volume.history, start=1):
        label = SIMULATED_ATTACK if step.kind == "attack" else step.kind
        settings = ", ".join(f"{name}={value}" for name, value in step.parameters.items())
        told[f"step {number}"] = f"{label} ({settings})"
    return told
