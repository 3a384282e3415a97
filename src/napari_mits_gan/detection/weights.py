"""The file that holds a detector: its network in half precision, its threshold, how it was trained (safetensors)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from napari_mits_gan.detection.network import DetectorNetwork
from napari_mits_gan.errors import WeightsError
from napari_mits_gan.weights_file import read_weights, write_weights

FORMAT = "napari-mits-gan detector 1"


@dataclass(frozen=True, eq=False)
class DetectorWeights:
    """One trained detector.

    Parameters
    ----------
    network : DetectorNetwork
        From cubes in HU to logits.
    threshold : float
        The score, 0 to 1, from which on a place is called a nodule.
    metadata : mapping
        How it was trained: seed, steps, scans.
    """

    network: DetectorNetwork
    threshold: float
    metadata: Mapping[str, Any] = field(default_factory=dict)


def save_detector(weights: DetectorWeights, path: Path) -> None:
    """Write a detector, its convolutions in half precision; the file appears whole or not at all."""
    tensors = {
        name: value.detach().cpu().to(torch.float16 if value.ndim > 1 else torch.float32).contiguous()
        for name, value in weights.network.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "threshold": repr(float(weights.threshold)),
        "training": json.dumps(dict(weights.metadata)),
    }
    write_weights(path, tensors, metadata)


def load_detector(path: Path, device: torch.device | str = "cpu") -> DetectorWeights:
    """Read a detector, in single precision, ready for inference.

    Raises
    ------
    WeightsError
        If the file is missing, damaged or holds something else.
    """
    metadata, tensors = read_weights(path, file_format=FORMAT, whose="a detector's")
    network = DetectorNetwork()
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        threshold = float(metadata["threshold"])
        training = json.loads(metadata["training"])
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise WeightsError(f"'{path.name}' is damaged and cannot be read as a detector's weights.") from error
    if not (math.isfinite(threshold) and 0 <= threshold <= 1):
        raise WeightsError(f"'{path.name}' holds a threshold that is no score; it is damaged.")
    network.to(device).eval().requires_grad_(False)
    return DetectorWeights(network, threshold, training)
