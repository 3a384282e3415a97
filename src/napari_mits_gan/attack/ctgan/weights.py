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
from napari_mits_gan.weights_file import WeightsFormat

_ACTIONS: Mapping[str, Action] = {"inject": "inject", "remove": "remove"}
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


def _halved(name: str, values: torch.Tensor) -> bool:
    """Unless values would become infinite or, all being tiny, lose their digits; norms are small and stay as is."""
    if ".norm." in name:
        return False
    lost = (values.to(torch.float16).float() - values).abs().max()
    return bool(lost <= _HALF_PRECISION * values.abs().max())


FORMAT = WeightsFormat(
    name="napari-mits-gan attacker 1",
    whose="an attacker's",
    build=lambda header: Generator(int(header["base_filters"])),
    halved=_halved,
    prefix="generator.",
)
"""Beside the generator's layers, under "calibration.", the calibration's arrays; in the header action and mask."""

_CALIBRATION = "calibration."


def save_attacker(weights: AttackerWeights, path: Path) -> None:
    """Write an attacker; the file appears whole or not at all.

    Its convolutions are written in half precision, each where that keeps it to a thousandth of its largest value, else
    in single precision. The norms and the calibration stay as they are.
    """
    calibration = {
        _CALIBRATION + name: torch.from_numpy(np.ascontiguousarray(array))
        for name, array in weights.calibration.arrays().items()
    }
    header = {
        "action": weights.action,
        "base_filters": str(weights.generator.base_filters),
        "mask": json.dumps(list(weights.mask)),
    }
    FORMAT.write(path, weights.generator, weights.metadata, header, calibration)


def load_attacker(path: Path, device: torch.device | str = "cpu") -> AttackerWeights:
    """Read an attacker, in single precision, ready for inference.

    Raises
    ------
    WeightsError
        If the file is missing, damaged or holds something else.
    """
    stored = FORMAT.read(path, device)
    with FORMAT.parsing(path):
        calibration = Calibration.from_arrays(
            {name.removeprefix(_CALIBRATION): tensor.numpy() for name, tensor in stored.tensors.items()}
        )
        low, high = json.loads(stored.header["mask"])
        action = _ACTIONS[stored.header["action"]]
        return AttackerWeights(action, stored.network, calibration, (int(low), int(high)), stored.training)
