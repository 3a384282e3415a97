"""The generator of MITS-GAN: from a slice and the map of stripes to the perturbation.

MITS-GAN (Pasqualino et al., Comput. Biol. Med. 2024), section 3: noise map and slice are concatenated, a 3 x 3
convolution, residual blocks, a 1 x 1 convolution and tanh. Here the generator puts out the perturbation, not the image,
so that the budget holds by construction; it sees the neighbouring slices and the voxel spacing, and turns stripes that
repeat with the attacker's voxels up and down, wherever it pays. The paper's discriminator is left out: it never told
protected from original slices (docs/experiments.md).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_mits_gan.protection.noise_map import FIRST_CYCLES, StripeMap

LOOK = 8
"""Pixels within a slice that the generator looks at around each pixel."""

_PROFILES = 2
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
        # In place where nobody needs what was there: a slice's channels are larger than a processor's caches.
        inner = functional.relu(self.first(functional.relu(x)), inplace=True)
        return self.second(inner).add_(x)


class PerturbationGenerator(nn.Module):
    """Slice and noise map in, perturbation out.

    Parameters
    ----------
    width : int
        Channels of the residual blocks.
    first_cycles : int
        See `StripeMap`; of no account once weights are loaded.
    """

    def __init__(self, width: int = 12, first_cycles: int = FIRST_CYCLES) -> None:
        super().__init__()
        self.width = width
        self.map = StripeMap(_PROFILES, first_cycles)
        self.head = nn.Conv2d(_VIEWS * _CONTEXT + 2 * _PROFILES + 1 + _CONSTANTS, width, 3, padding=1)
        self.body = nn.Sequential(_Residual(width, 1), _Residual(width, 3))
        self.tail = nn.Conv2d(width, 3, 1)
        for parameter in self.tail.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self,
        context_hu: Tensor,
        noise: Tensor,
        coordinates: tuple[Tensor, Tensor],
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
        coordinates : tuple of Tensor, shapes (y,), (x,)
            Where rows and columns are, in the attacker's voxels, the seed's shift added.
        spacing : tuple of float
            mm (z, y, x).
        max_change_hu : float
            The budget.
        adapt : bool
            False puts out the first stripes along y as they are, whatever the slice shows: the first part of training.

        Returns
        -------
        Tensor, shape (n, y, x)
            Perturbation before the local mean is taken out and the budget put on, in units of the budget.
        """
        stripes = self.map(*coordinates)
        along_y, along_x = stripes[0], stripes[_PROFILES]
        if not adapt:
            return along_y.expand(len(context_hu), -1, -1)
        constants = context_hu.new_tensor([spacing[0] / 2, (spacing[1] + spacing[2]) / 2, max_change_hu / 20])
        planes = constants.view(1, -1, 1, 1).expand(len(context_hu), -1, *context_hu.shape[2:])
        stripes = stripes.expand(len(context_hu), -1, -1, -1)
        x = self.head(torch.cat([_views(context_hu), stripes, noise, planes], dim=1))
        gain_y, gain_x, offset = self.tail(functional.relu(self.body(x), inplace=True)).unbind(dim=1)
        return along_y * (1 + gain_y) + along_x * gain_x + offset
