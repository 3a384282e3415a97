"""The detector's network: two small residual branches, one of the middle, in full resolution, one of all, coarse."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CUBE_MM = 48
"""Side in mm, and in voxels at 1 mm, of the cube that is looked at."""
_NEAR_MM = 24
"""Side of the middle that is looked at in full resolution; the rest is seen in voxels of 2 mm."""
_CENTRE_MM = 6.0
"""Width of the channel that marks where the centre is."""
_WINDOWS_HU = ((-1000.0, 200.0), (-200.0, 300.0))
"""Lung and soft tissue."""


def cropped(cubes_hu: Tensor) -> Tensor:
    """The middle `CUBE_MM` of cubes, their outer voxels repeated where they are smaller; shape (n, 48, 48, 48).

    Parameters
    ----------
    cubes_hu : Tensor of float, shape (n, S, S, S)
        HU at 1 mm.
    """
    side = cubes_hu.shape[-1]
    if side > CUBE_MM:
        low = (side - CUBE_MM) // 2
        cubes_hu = cubes_hu[:, low : low + CUBE_MM, low : low + CUBE_MM, low : low + CUBE_MM]
    elif side < CUBE_MM:
        low = (CUBE_MM - side) // 2
        pad = (low, CUBE_MM - side - low) * 3
        cubes_hu = functional.pad(cubes_hu[:, None], pad, mode="replicate")[:, 0]
    return cubes_hu


class _Residual(nn.Module):
    """Two convolutions around which the input is carried."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(channels, channels, 3, padding=1, bias=False)
        self.first_norm = nn.GroupNorm(4, channels)
        self.second = nn.Conv3d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = nn.GroupNorm(4, channels)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(x + self.second_norm(self.second(y)))


def _halving(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, 3, stride=2, padding=1, bias=False), nn.GroupNorm(4, outputs), nn.ReLU()
    )


class _Branch(nn.Module):
    """From 24³ voxels of HU to `features` numbers.

    Parameters
    ----------
    voxel_mm : float
        Side of its voxels.
    """

    centre: Tensor
    features = 80

    def __init__(self, voxel_mm: float) -> None:
        super().__init__()
        away = (torch.arange(24, dtype=torch.float32) - 11.5) * voxel_mm
        z, y, x = torch.meshgrid(away, away, away, indexing="ij")
        centre = torch.exp(-(z**2 + y**2 + x**2) / (2 * _CENTRE_MM**2))
        self.register_buffer("centre", centre[None, None], persistent=False)
        self.layers = nn.Sequential(
            _halving(len(_WINDOWS_HU) + 1, 16), _Residual(16), _halving(16, 24), _Residual(24), _halving(24, 40)
        )

    def forward(self, hu: Tensor) -> Tensor:
        windows = [((hu - low) / (high - low)).clamp(0, 1) * 2 - 1 for low, high in _WINDOWS_HU]
        x = self.layers(torch.cat([*windows, self.centre.expand_as(hu)], dim=1))
        return torch.cat([x.mean(dim=(2, 3, 4)), x.amax(dim=(2, 3, 4))], dim=1)


class DetectorNetwork(nn.Module):
    """How likely a nodule's centre lies in the middle of a cube: about 170,000 weights.

    HU are seen through fixed windows (lung, soft tissue) and never equalised. A third channel marks the centre, so that
    a nodule elsewhere in the cube can be told from one in its middle.
    """

    def __init__(self) -> None:
        super().__init__()
        self.near = _Branch(1.0)
        self.around = _Branch(CUBE_MM / 24)
        self.head = nn.Sequential(nn.Linear(2 * _Branch.features, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 1))

    def forward(self, cubes_hu: Tensor) -> Tensor:
        """Logits, shape (n,), of cubes in HU at 1 mm, shape (n, S, S, S)."""
        cubes = cropped(cubes_hu)[:, None]
        low = (CUBE_MM - _NEAR_MM) // 2
        near = cubes[:, :, low : low + _NEAR_MM, low : low + _NEAR_MM, low : low + _NEAR_MM]
        around = functional.avg_pool3d(cubes, 2)
        return self.head(torch.cat([self.near(near), self.around(around)], dim=1))[:, 0]
