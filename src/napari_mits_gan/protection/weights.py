"""The file that holds a trained protection generator (safetensors, half precision)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from napari_mits_gan.errors import WeightsError
from napari_mits_gan.protection.networks import PerturbationGenerator

FORMAT = "napari-mits-gan protector 1"


def shipped_protector() -> Path:
    """The weights that come with the package."""
    return Path(__file__).parent.parent / "weights" / "mits_gan.safetensors"


def save_protector(generator: PerturbationGenerator, path: Path, metadata: Mapping[str, Any]) -> None:
    """Write a generator in half precision; the file appears whole or not at all."""
    tensors = {n: t.detach().cpu().to(torch.float16).contiguous() for n, t in generator.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    header = {"format": FORMAT, "width": str(generator.width), "training": json.dumps(dict(metadata))}
    save_file(tensors, part, header)
    os.replace(part, path)


def load_protector(path: Path, device: torch.device | str = "cpu") -> PerturbationGenerator:
    """Read a generator, in single precision, ready for use.

    Raises
    ------
    WeightsError
        If the file is missing, damaged or holds something else.
    """
    if not path.is_file():
        raise WeightsError(f"there is no protection's weights file '{path.name}'; train one or reinstall the package.")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise WeightsError(f"'{path.name}' does not hold a protection's weights; choose another file.")
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - no mapping
        generator = PerturbationGenerator(int(header["width"]))
        generator.load_state_dict(tensors)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(f"'{path.name}' is damaged and cannot be read as a protection's weights.") from error
    return generator.to(device).eval().requires_grad_(False)
