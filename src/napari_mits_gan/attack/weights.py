"""What makes an attacker: its network, its calibration, its mask; and the file that holds them (safetensors)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from napari_mits_gan.attack.calibration import Calibration
from napari_mits_gan.attack.network import Generator
from napari_mits_gan.errors import WeightsError

Action = Literal["inject", "remove"]
_ACTIONS: Mapping[str, Action] = {"inject": "inject", "remove": "remove"}
FORMAT = "napari-mits-gan attacker 1"
PUBLISHED_MASK = (6, 26)
"""First and one past the last voxel, on each axis, of the core that the published code blanks."""


@dataclass(frozen=True, eq=False)
class AttackerWeights:
    """One trained attacker.

    Parameters
    ----------
    action : {"inject", "remove"}
        What it does.
    generator : Generator
        The in-painting network.
    calibration : Calibration
        Between HU and the network's units.
    mask : tuple of int
        First and one past the last voxel of the blanked core, on each axis of the 32 mm cube.
    metadata : mapping
        How it was trained: seed, steps, scans, program version.
    """

    action: Action
    generator: Generator
    calibration: Calibration
    mask: tuple[int, int] = PUBLISHED_MASK
    metadata: Mapping[str, Any] = field(default_factory=dict)


def save_attacker(weights: AttackerWeights, path: Path) -> None:
    """Write an attacker, its convolutions in half precision; the file appears whole or not at all."""
    tensors = {
        # Variances may be beyond half precision, and the norms are small.
        f"generator.{name}": value.detach().cpu().to(torch.float32 if ".norm." in name else torch.float16).contiguous()
        for name, value in weights.generator.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    for name, array in weights.calibration.arrays().items():
        tensors[f"calibration.{name}"] = torch.from_numpy(np.ascontiguousarray(array))
    metadata = {
        "format": FORMAT,
        "action": weights.action,
        "base_filters": str(weights.generator.base_filters),
        "mask": json.dumps(list(weights.mask)),
        "training": json.dumps(dict(weights.metadata)),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    save_file(tensors, part, metadata)
    os.replace(part, path)


def load_attacker(path: Path, device: torch.device | str = "cpu") -> AttackerWeights:
    """Read an attacker, in single precision, ready for inference.

    Raises
    ------
    WeightsError
        If the file is missing, damaged or holds something else.
    """
    if not path.is_file():
        raise WeightsError(f"there is no attacker's weights file '{path.name}'; train one or reinstall the package.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise WeightsError(f"'{path.name}' does not hold an attacker's weights; choose another file.")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        generator = Generator(int(metadata["base_filters"]))
        state = {n.removeprefix("generator."): t.float() for n, t in tensors.items() if n.startswith("generator.")}
        missing, unexpected = generator.load_state_dict(state, strict=False)
        if unexpected or any(not name.endswith("num_batches_tracked") for name in missing):
            raise WeightsError(f"'{path.name}' lacks layers of the network or has others; it is damaged.")
        if not all(bool(t.isfinite().all()) for t in tensors.values()):
            raise WeightsError(f"'{path.name}' holds values that are no numbers; it is damaged.")
        calibration = Calibration.from_arrays(
            {n.removeprefix("calibration."): t.numpy() for n, t in tensors.items() if n.startswith("calibration.")}
        )
        low, high = json.loads(metadata["mask"])
        action = _ACTIONS[metadata["action"]]
        training = json.loads(metadata["training"])
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise WeightsError(f"'{path.name}' is damaged and cannot be read as an attacker's weights.") from error
    generator.to(device).eval().requires_grad_(False)
    return AttackerWeights(action, generator, calibration, (int(low), int(high)), training)


def digest(path: Path) -> str:
    """First 16 hexadecimal digits of the file's SHA-256: which weights made a volume."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
