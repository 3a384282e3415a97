"""The network that tells a scanner's noise from another by its texture, and the file that holds it (safetensors)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_mits_gan.inspection.texture import FEATURES
from napari_mits_gan.weights_file import SHIPPED_WEIGHTS, WeightsFormat, halved_matrices

TEXTURE_WEIGHTS = SHIPPED_WEIGHTS / "texture.safetensors"
_AT_ONCE = 65536


class TextureNetwork(nn.Module):
    """From a block's texture to how much more likely it was tampered with than not: 1,561 weights.

    It sees neither HU nor where the block lies, so that it cannot learn what a nodule looks like.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(FEATURES, 32), nn.ReLU(), nn.Linear(32, 12), nn.ReLU(), nn.Linear(12, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Logits, shape (n,), of features, shape (n, FEATURES)."""
        return self.layers(features)[:, 0]


@dataclass(frozen=True, eq=False)
class TextureWeights:
    """A trained network.

    Parameters
    ----------
    network : TextureNetwork
        From texture to logits.
    metadata : mapping
        How it was trained: seed, steps, scans.
    """

    network: TextureNetwork
    metadata: Mapping[str, Any] = field(default_factory=dict)


FORMAT = WeightsFormat(
    name="napari-mits-gan texture 1",
    whose="a texture network's",
    build=lambda header: TextureNetwork(),
    halved=halved_matrices,
)


def save_texture(weights: TextureWeights, path: Path) -> None:
    """Write a network, its matrices in half precision; the file appears whole or not at all."""
    FORMAT.write(path, weights.network, weights.metadata)


def load_texture(path: Path = TEXTURE_WEIGHTS) -> TextureWeights:
    """Read a network, in single precision, ready for inference.

    Raises
    ------
    WeightsError
        If the file is missing, damaged or holds something else.
    """
    stored = FORMAT.read(path, "cpu")
    return TextureWeights(stored.network, stored.training)


def logits(network: TextureNetwork, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a network says to features of shape (n, FEATURES), on the CPU; shape (n,)."""
    found = np.empty(len(features), dtype=np.float32)
    with torch.inference_mode():
        for low in range(0, len(features), _AT_ONCE):
            some = slice(low, low + _AT_ONCE)
            found[some] = network(torch.from_numpy(features[some])).numpy()
    return found
