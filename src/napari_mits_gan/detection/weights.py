"""The file that holds a detector: its network in half precision, its threshold, how it was trained (safetensors)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from napari_mits_gan.detection.network import DetectorNetwork
from napari_mits_gan.errors import WeightsError
from napari_mits_gan.weights_file import WeightsFormat, halved_matrices


@dataclass(frozen=True, eq=False)
class DetectorWeights:
    """One trained detector.

    Parameters
    ----------
    network : DetectorNetwork
        From cubes in HU to logits.
    threshold : float
        The score, 0 to 1, from which on there is a nodule.
    metadata : mapping
        How it was trained: seed, steps, scans.
    """

    network: DetectorNetwork
    threshold: float
    metadata: Mapping[str, Any] = field(default_factory=dict)


FORMAT = WeightsFormat(
    name="napari-mits-gan detector 1",
    whose="a detector's",
    build=lambda header: DetectorNetwork(),
    halved=halved_matrices,
)
"""In the header, the threshold."""


def save_detector(weights: DetectorWeights, path: Path) -> None:
    """Write a detector, its convolutions in half precision; the file appears whole or not at all."""
    FORMAT.write(path, weights.network, weights.metadata, {"threshold": repr(float(weights.threshold))})


def load_detector(path: Path, device: torch.device | str = "cpu") -> DetectorWeights:
    """Read a detector, in single precision, ready for inference.

    Raises
    ------
    WeightsError
        If the file is missing, damaged or holds something else.
    """
    stored = FORMAT.read(path, device)
    with FORMAT.parsing(path):
        threshold = float(stored.header["threshold"])
    if not (math.isfinite(threshold) and 0 <= threshold <= 1):
        raise WeightsError(f"'{path.name}' holds a threshold that is no score; it is damaged.")
    return DetectorWeights(stored.network, threshold, stored.training)
