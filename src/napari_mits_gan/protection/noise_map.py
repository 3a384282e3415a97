"""The noise map of MITS-GAN: what the seed decides, in physical coordinates.

MITS-GAN (Pasqualino, Guarnera, Ortis, Battiato, Comput. Biol. Med. 2024) feeds its generator a slice and a map of
noise. White noise is a weak carrier: a pattern that repeats with the attacker's strides (8 or 16 mm) does more at the
same change. So the map here has learnt channels that repeat every 16 mm along each axis, shifted as a whole by the
seed, beside one channel of white noise drawn from it.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

PERIOD_MM = 16

_FIRST_WAVES = ((0.6, (1, 6, 0)), (0.6, (0, 8, 0)), (0.4, (0, 6, 1)), (0.4, (0, 5, 0)))
"""Where training starts: amplitude and cycles (z, y, x) in 16 mm of the plane waves that disrupt the attackers most for
their size, of all that keep a slice's local mean (docs/experiments.md)."""


def shift_mm(seed: int) -> tuple[float, float, float]:
    """By how much (z, y, x), each 0 to 16 mm, the seed shifts the repeating channels."""
    z, y, x = np.random.default_rng([seed, 0x6D617073]).uniform(0, PERIOD_MM, 3)
    return (float(z), float(y), float(x))


def seed_from_key(key: str) -> int:
    """A seed that only whoever knows the key can find: SHA-256 of the text, cut to 63 bits."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


def white_noise(seed: int, z: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Standard normal noise (y, x) of slice `z`: the same for the same seed, whichever slices are computed together."""
    return np.random.default_rng([seed, z]).standard_normal(shape, dtype=np.float32)


def _periodic_weights(coordinates_mm: Tensor) -> Tensor:
    """Linear interpolation, period 16 mm, from 16 knots: shape (n, 16)."""
    place = torch.remainder(coordinates_mm, PERIOD_MM)
    knots = torch.arange(PERIOD_MM, dtype=place.dtype, device=place.device)
    apart = (place[:, None] - knots).abs()
    return (1 - torch.minimum(apart, PERIOD_MM - apart)).clamp(min=0)


def _wave(cycles: tuple[int, int, int]) -> Tensor:
    """A plane wave with whole numbers of cycles (z, y, x) in 16 mm, shape (16, 16, 16)."""
    z, y, x = torch.meshgrid(*[torch.arange(PERIOD_MM) * (2 * torch.pi * c / PERIOD_MM) for c in cycles], indexing="ij")
    return torch.cos(z + y + x)


class RepeatingMap(nn.Module):
    """Learnt channels that repeat every 16 mm along each axis.

    Parameters
    ----------
    channels : int
        How many.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        tile = torch.randn(channels, PERIOD_MM, PERIOD_MM, PERIOD_MM) * 0.2
        tile[0] += sum(amplitude * _wave(cycles) for amplitude, cycles in _FIRST_WAVES)
        self.tile = nn.Parameter(tile)

    def forward(self, z_mm: Tensor, y_mm: Tensor, x_mm: Tensor) -> Tensor:
        """Sample the map on a grid.

        Parameters
        ----------
        z_mm, y_mm, x_mm : Tensor, shapes (nz,), (ny,), (nx,)
            Coordinates of the voxels.

        Returns
        -------
        Tensor, shape (nz, channels, ny, nx)
        """
        along = [_periodic_weights(c) for c in (z_mm, y_mm, x_mm)]
        return torch.einsum("czyx,az,by,dx->acbd", self.tile, *along)
