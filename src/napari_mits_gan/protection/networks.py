"""The two networks of MITS-GAN: the generator of the perturbation, and the discriminator that keeps it unseen.

MITS-GAN (Pasqualino et al., Comput. Biol. Med. 2024), section 3: noise map and slice are concatenated, a 3 x 3
convolution, residual blocks, a 1 x 1 convolution and tanh; the discriminator is a stack of eight convolutions. Here the
generator puts out the perturbation, not the image, so that the budget holds by construction; it sees the neighbouring
slices and the voxel spacing, and its blocks are dilated, so that it looks 30 pixels far instead of 15.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_mits_gan.protection.noise_map import RepeatingMap

LOOK = 16
"""Pixels within a slice that the generator looks at around each pixel."""

_MAP_CHANNELS = 4
_CONTEXT = 3
_VIEWS = 2
_CONSTANTS = 3


def _views(hu: Tensor) -> Tensor:
    """Two views of HU: lung spread out, and soft tissue; shape (n, slices, y, x) to (n, 2 * slices, y, x)."""
    lung = ((hu + 850) / 150).clamp(-1.5, 2.0)
    tissue = ((hu + 300) / 500).clamp(-1.5, 1.5)
    return torch.cat([lung, tissue], dim=1)


class _Residual(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.relu(self.first(functional.relu(x))))


class PerturbationGenerator(nn.Module):
    """Slice and noise map in, perturbation out.

    Parameters
    ----------
    width : int
        Channels of the residual blocks.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.width = width
        self.map = RepeatingMap(_MAP_CHANNELS)
        self.head = nn.Conv2d(_VIEWS * _CONTEXT + _MAP_CHANNELS + 1 + _CONSTANTS, width, 3, padding=1)
        self.body = nn.Sequential(_Residual(width, 1), _Residual(width, 2), _Residual(width, 4))
        self.tail = nn.Conv2d(width, 2, 1)
        nn.init.zeros_(self.tail.weight)
        assert self.tail.bias is not None
        nn.init.zeros_(self.tail.bias)

    def forward(
        self,
        context_hu: Tensor,
        noise: Tensor,
        coordinates_mm: tuple[Tensor, Tensor, Tensor],
        spacing: tuple[float, float, float],
        max_change_hu: float,
        *,
        adapt: bool = True,
    ) -> Tensor:
        """Compute the perturbation of some slices.

        Parameters
        ----------
        context_hu : Tensor, shape (n, 3, y, x)
            Each slice between its neighbours below and above.
        noise : Tensor, shape (n, 1, y, x)
            White noise.
        coordinates_mm : tuple of Tensor, shapes (n,), (y,), (x,)
            Where the voxels are, the seed's shift added.
        spacing : tuple of float
            mm (z, y, x).
        max_change_hu : float
            The budget.
        adapt : bool
            False leaves the repeating map as it is, whatever the slice shows: the first part of training.

        Returns
        -------
        Tensor, shape (n, y, x)
            Perturbation before the local mean is taken out and the budget put on, in units of the budget.
        """
        repeating = self.map(*coordinates_mm)
        if not adapt:
            return repeating[:, 0]
        constants = context_hu.new_tensor([spacing[0] / 2, (spacing[1] + spacing[2]) / 2, max_change_hu / 20])
        planes = constants.view(1, -1, 1, 1).expand(len(context_hu), -1, *context_hu.shape[2:])
        x = self.head(torch.cat([_views(context_hu), repeating, noise, planes], dim=1))
        gain, offset = self.tail(functional.relu(self.body(x))).unbind(dim=1)
        return repeating[:, 0] * (1 + gain) + offset


class SliceDiscriminator(nn.Module):
    """Tells protected slices from original ones, patch by patch: eight convolutions, 3,329 parameters."""

    def __init__(self) -> None:
        super().__init__()
        widths = (1, 4, 8, 8, 8, 8, 8, 8, 1)
        layers: list[nn.Module] = []
        for i, (n_in, n_out) in enumerate(itertools.pairwise(widths)):
            layers.append(nn.Conv2d(n_in, n_out, 3, stride=2 if i in (2, 4) else 1, padding=1))
            if i < len(widths) - 2:
                layers.append(nn.LeakyReLU(0.2))
        self.layers = nn.Sequential(*layers)

    def forward(self, hu: Tensor) -> Tensor:
        """Logits, shape (n, 1, y / 4, x / 4), of slices in HU, shape (n, 1, y, x)."""
        return self.layers(((hu + 600) / 750).clamp(-1.5, 1.5))
