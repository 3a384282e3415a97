"""The file that holds a trained protection generator (safetensors, half precision)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from napari_mits_gan.protection.networks import PerturbationGenerator
from napari_mits_gan.weights_file import SHIPPED_WEIGHTS, WeightsFormat

FORMAT = WeightsFormat(
    name="napari-mits-gan protector 2",
    whose="a protection's",
    build=lambda header: PerturbationGenerator(int(header["width"])),
    halved=lambda name, values: True,
)


def shipped_protector() -> Path:
    """The weights that come with the package."""
    return SHIPPED_WEIGHTS / "mits_gan.safetensors"


def save_protector(generator: PerturbationGenerator, path: Path, metadata: Mapping[str, Any]) -> None:
    """Write a generator in half precision; the file appears whole or not at all."""
    FORMAT.write(path, generator, metadata, {"width": str(generator.width)})


def load_protector(path: Path, device: torch.device | str = "cpu") -> PerturbationGenerator:
    """Read a generator, in single precision, ready for use.

    Raises
    ------
    WeightsError
        If the file is missing, damaged or holds something else.
    """
    return FORMAT.read(path, device).network
