"""`napari-mits-gan convert`: an attacker of CT-GAN's authors as one file of our own."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_mits_gan.command_line.options import ACTIONS, Commands, new_command


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "convert",
        "turn the weights of CT-GAN's authors (Keras) into a safetensors file",
        "Neither Keras nor TensorFlow is needed, and no code of the files is run. Nothing is overwritten.",
    )
    command.add_argument(
        "folder", type=Path, metavar="FOLDER", help="holds G_model.h5, normalization.npy and equalization.pkl"
    )
    command.add_argument("output", type=Path, metavar="OUTPUT.safetensors", help="the new file")
    command.add_argument("--action", choices=ACTIONS, help="what the attacker does, where the names do not tell")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Read the folder, write the file."""
    from napari_mits_gan.attack.ctgan.convert import convert_keras_attacker

    weights = convert_keras_attacker(options.folder, options.output, options.action)
    width = weights.generator.base_filters
    print(f"an attacker that does {weights.action}, {width} base filters, in {options.output}")
