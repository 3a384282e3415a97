"""What makes an attacker: its network, its calibration, its mask; and the file that holds them (safetensors)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.network import Generator
from napari_mits_gan.errors import WeightsError
from napari_mits_gan.weights_file import read_weights, write_weights

_ACTIONS: Mapping[str, Action] = {"inject": "inject", "remove": "remove"}
FORMAT = "napari-mits-gan attacker 1"
PUBLISHED_MASK = (6, 26)
"""First and one past the last voxel, on each axis, of the core that the published code blanks."""

_HALF_PRECISION = 1e-3
"""Half precision has 11 significant binary digits."""


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
    """Write an attacker; the file appears whole or not at all.

    Its convolutions are written in half precision, each where that keeps it to a thousandth of its largest value, else
    in single precision. The norms and the calibration stay as they are.
    """
    tensors = {
        # Variances may be beyond half precision, and the norms are small.
        f"generator.{name}": (value.float() if ".norm." in name else _halved(value)).detach().cpu().contiguous()
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
    write_weights(path, tensors, metadata)


def _halved(values: torch.Tensor) -> torch.Tensor:
    """In half precision, unless values would become infinite or, all being tiny, lose their digits."""
    half = values.to(torch.float16)
    lost = (half.float() - values).abs().max()
    return half if bool(lost <= _HALF_PRECISION * values.abs().max()) else values.float()


def load_attacker(path: Path, device: torch.device | str = "cpu") -> AttackerWeights:
    """Read an attacker, in single precision, ready for inference.

    Raises
    ------
    WeightsError
        If the file is missing, damaged or holds something else.
    """
    metadata, tensors = read_weights(path, file_format=FORMAT, whose="an attacker's")
    try:
        generator = Generator(int(metadata["base_filters"]))
        state = {n.removeprefix("generator."): t.float() for n, t in tensors.items() if n.startswith("generator.")}
        missing, unexpected = generator.load_state_dict(state, strict=False)
        if unexpected or any(not name.endswith("num_batches_tracked") for name in missing):
            raise WeightsError(f"'{path.name}' lacks layers of the network or has others; it is damaged.")
        calibration = Calibration.from_arrays(
            {n.removeprefix("calibration."): t.numpy() for n, t in tensors.items() if n.startswith("calibration.")}
        )
        low, high = json.loads(metadata["mask"])
        action = _ACTIONS[metadata["action"]]
        training = json.loads(metadata["training"])
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise WeightsError(f"'{path.name}' is damaged and cannot be read as an attacker's weights.") from error
    generator.to(device).eval().requires_grad_(False)
    return AttackerWeights(action, generator, calibration, (int(low), int(high)), training)
