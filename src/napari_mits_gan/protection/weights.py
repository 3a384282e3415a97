"""The file that holds a trained protection generator (safetensors, half precision)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from napari_mits_gan.errors import WeightsError
from napari_mits_gan.protection.networks import PerturbationGenerator
from napari_mits_gan.weights_file import SHIPPED_WEIGHTS, read_weights, write_weights

FORMAT = "napari-mits-gan protector 2"


def shipped_protector() -> Path:
    """The weights that come with the package."""
    return SHIPPED_WEIGHTS / "mits_gan.safetensors"


def save_protector(generator: PerturbationGenerator, path: Path, metadata: Mapping[str, Any]) -> None:
    """Write a generator in half precision; the file appears whole or not at all."""
    tensors = {n: t.detach().cpu().to(torch.float16).contiguous() for n, t in generator.state_dict().items()}
    header = {"format": FORMAT, "width": str(generator.width), "training": json.dumps(dict(metadata))}
    write_weights(path, tensors, header)


def load_protector(path: Path, device: torch.device | str = "cpu") -> PerturbationGenerator:
    """Read a generator, in single precision, ready for use.

    Raises
    ------
    WeightsError
        If the file is missing, damaged or holds something else.
    """
    header, tensors = read_weights(path, file_format=FORMAT, whose="a protection's")
    try:
        generator = PerturbationGenerator(int(header["width"]))
        generator.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except (KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(f"'{path.name}' is damaged and cannot be read as a protection's weights.") from error
    return generator.to(device).eval().requires_grad_(False)
