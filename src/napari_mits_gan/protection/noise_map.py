"""The noise map of MITS-GAN: what the seed decides, in the attacker's own coordinates.

MITS-GAN (Pasqualino, Guarnera, Ortis, Battiato, Comput. Biol. Med. 2024) feeds its generator a slice and a map of
noise. White noise is a weak carrier: an attacker's strided convolutions answer to stripes that are coherent all over
its cube, many times more at the same change (docs/experiments.md). So the map here holds learnt stripes, shifted by the
seed, beside one channel of white noise drawn from it.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_mits_gan.attack.cuboid import CUBOID_MM, cuboid_shape

PERIOD = 64
"""After so many of the attacker's voxels the stripes repeat."""
_KNOTS = 4
"""Values of a profile for each of the attacker's voxels: enough for stripes with sharp edges in the scan's own."""
FIRST_CYCLES = 30
"""Where training starts, in cycles in a period. Of all plane waves these disrupt CT-GAN most: they beat once over the
attacker's cube, so that no click meets them at their zeros only. Another attacker's are those that
`evaluation/disruption/fourier_sensitivity.py` finds."""
_FIRST_AMPLITUDE = 1.5
"""Before the hyperbolic tangent."""


def sample_distance_mm(spacing: tuple[float, float, float]) -> tuple[float, float, float]:
    """Distance (z, y, x) of the voxels in the attacker's cube: not quite 1 mm, since corners stay corners."""
    z, y, x = ((n - 1) * s / (CUBOID_MM - 1) for n, s in zip(cuboid_shape(spacing), spacing, strict=True))
    return (z, y, x)


def shift_of(seed: int) -> tuple[float, float]:
    """By how many of the attacker's voxels (y, x), each 0 to 64, the seed shifts the stripes."""
    y, x = np.random.default_rng([seed, 0x6D617073]).uniform(0, PERIOD, 2)
    return (float(y), float(x))


def seed_from_key(key: str) -> int:
    """A seed that only whoever knows the key can find: SHA-256 of the text, cut to 63 bits."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


def white_noise(seed: int, z: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Standard normal noise (y, x) of slice `z`: the same for the same seed, whichever slices are computed together."""
    return np.random.default_rng([seed, z]).standard_normal(shape, dtype=np.float32)


class StripeMap(nn.Module):
    """Learnt profiles along y and along x, the same in every slice.

    Parameters
    ----------
    profiles : int
        How many along each of the two axes.
    first_cycles : int
        Cycles in a period of the stripes that training starts from.
    """

    def __init__(self, profiles: int, first_cycles: int = FIRST_CYCLES) -> None:
        super().__init__()
        knots = torch.arange(PERIOD * _KNOTS) / (PERIOD * _KNOTS)
        first = _FIRST_AMPLITUDE * torch.cos(2 * torch.pi * first_cycles * knots)
        values = torch.randn(2, profiles, PERIOD * _KNOTS) * 0.2
        values[:, 0] += first
        self.values = nn.Parameter(values)

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        """Sample the profiles.

        Parameters
        ----------
        y, x : Tensor, shapes (ny,), (nx,)
            Coordinates of the rows and columns, in the attacker's voxels.

        Returns
        -------
        Tensor, shape (2 * profiles, ny, nx)
            Those along y, then those along x.
        """
        along_y = self._sampled(self.values[0], y)[:, :, None].expand(-1, -1, len(x))
        along_x = self._sampled(self.values[1], x)[:, None, :].expand(-1, len(y), -1)
        return torch.cat([along_y, along_x])

    @staticmethod
    def _sampled(values: Tensor, at: Tensor) -> Tensor:
        """Linear interpolation; shape (profiles, len(at))."""
        position = torch.remainder(at, PERIOD) * _KNOTS
        low = position.floor()
        share = (position - low).to(values.dtype)
        index = low.long() % values.shape[1]
        return values[:, index] * (1 - share) + values[:, (index + 1) % values.shape[1]] * share
