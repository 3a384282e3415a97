"""A learned denoiser, as somebody would train one who wants a protection's perturbation out of a scan."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_mits_gan.device import choose_device
from napari_mits_gan.weights_file import SHIPPED_WEIGHTS, WeightsFormat, digest, halved_matrices

SLICES = 5
"""Neighbouring slices that are looked at to clean the one in the middle."""
LAYERS = 6
REACH = (SLICES // 2, LAYERS, LAYERS)
"""How far, in voxels (z, y, x), what is cleaned depends on what is around it."""

_SHIPPED = SHIPPED_WEIGHTS / "denoiser.safetensors"
_SEEN_HU = (-1100.0, 400.0)
_MIDDLE_HU, _UNIT_HU = -700.0, 200.0
_NOISE_HU = 25.0
_STRENGTH = 1.5
"""How much of the estimate is subtracted. The network learned from scans with noise of their own, so of all noise it
finds only the part that could have been added (Moran, Schmidt, Zhong, Coady, Noisier2Noise, CVPR 2020)."""
_SLICES_AT_ONCE = 8


class DenoiserNetwork(nn.Module):
    """Estimates the noise of a slice from it and its neighbours: about 22,000 weights.

    The noise is subtracted, so nothing has to pass through the network but what it wants removed (DnCNN: Zhang, Zuo,
    Chen, Meng, Zhang, IEEE Transactions on Image Processing 26(7), 2017, here without batch norm).

    Parameters
    ----------
    channels : int
        Of the layers between the first and the last.
    """

    def __init__(self, channels: int = 24) -> None:
        super().__init__()
        widths = [SLICES, *(channels,) * (LAYERS - 1), 1]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1, padding_mode="replicate") for a, b in itertools.pairwise(widths)
        )

    def forward(self, slices_hu: Tensor) -> Tensor:
        """Noise in HU of the middle slices, shape (n, y, x), of neighbours in HU, shape (n, 5, y, x)."""
        x = (slices_hu.clamp(*_SEEN_HU) - _MIDDLE_HU) / _UNIT_HU
        *hidden, last = self.convolutions
        for convolution in hidden:
            x = nn.functional.relu(convolution(x))
        return last(x)[:, 0] * _NOISE_HU


FORMAT = WeightsFormat(
    name="napari-mits-gan denoiser 1",
    whose="a denoiser's",
    build=lambda header: DenoiserNetwork(),
    halved=halved_matrices,
)


@dataclass(frozen=True, eq=False)
class Denoiser:
    """Takes noise out of a CT scan. Make one with `Denoiser.load`.

    Parameters
    ----------
    network : DenoiserNetwork
        Trained.
    name : str
        Which weights these are, for the records: a file name and a digest.
    metadata : mapping
        How it was trained: seed, steps, scans, and what it does to slices it has not seen.
    """

    network: DenoiserNetwork
    name: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, which: Path | None = None, device: str = "auto") -> Denoiser:
        """Load a denoiser.

        Parameters
        ----------
        which : Path or None
            A safetensors file written by training; None for the one that comes with the package.
        device : str
            "auto", "cpu", "cuda" or "mps".

        Raises
        ------
        WeightsError
            If the file is missing, damaged or holds something else.
        """
        path = _SHIPPED if which is None else Path(which)
        stored = FORMAT.read(path, choose_device(device))
        return cls(stored.network, f"{path.name} {digest(path)}", stored.training)

    def clean(self, hu: NDArray[np.number]) -> NDArray[np.float32]:
        """The scan without the noise that the network sees.

        Parameters
        ----------
        hu : ndarray, shape (z, y, x)
            A scan or a crop of one, HU; beyond the first and the last slice these are repeated. A voxel depends on
            those within `REACH` only, so a crop with that much around it is cleaned as the whole scan is.

        Returns
        -------
        ndarray of float32, shape (z, y, x)
            HU, not rounded.
        """
        device = next(self.network.parameters()).device
        out = np.empty(hu.shape, dtype=np.float32)
        beside = SLICES // 2
        with torch.inference_mode():
            for start in range(0, len(hu), _SLICES_AT_ONCE):
                stop = min(start + _SLICES_AT_ONCE, len(hu))
                near = np.clip(np.arange(start - beside, stop + beside), 0, len(hu) - 1)
                slab = torch.from_numpy(hu[near].astype(np.float32)).to(device)
                noise = self.network(slab.unfold(0, SLICES, 1).permute(0, 3, 1, 2))
                out[start:stop] = (slab[beside : beside + stop - start] - _STRENGTH * noise).cpu().numpy()
        return out


def save_denoiser(network: DenoiserNetwork, training: Mapping[str, Any], path: Path) -> None:
    """Write a denoiser, its convolutions in half precision; the file appears whole or not at all."""
    FORMAT.write(path, network, training)


@lru_cache(maxsize=1)
def shipped_denoiser() -> Denoiser:
    """The denoiser that comes with the package, read once; it is so small that it always runs on the CPU."""
    return Denoiser.load(device="cpu")
