"""The loss of the protection's training: reward for what an attack does differently, penalties on the change itself.

MITS-GAN (Pasqualino et al., Comput. Biol. Med. 2024), section 3: a manipulation term rewards that tampering comes out
differently. The paper leaves it to a discriminator that the change does not show; here penalties on its size and on
local means hold that, beside the budget.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from napari_mits_gan.attack.ctgan.weights import Action
from napari_mits_gan.protection.perturbation import roi_mean
from napari_mits_gan.protection.training_settings import ProtectionTraining

_RMS_WEIGHT = 50.0
_USUAL_BUDGET_HU = 20
"""Local means are held in HU at this budget, and in proportion at others."""


class ProtectionLosses:
    """What the protection's generator minimises; a subclass may replace each term.

    Parameters
    ----------
    settings : ProtectionTraining
        Of the run: weights and thresholds of the terms.
    """

    def __init__(self, settings: ProtectionTraining) -> None:
        self.settings = settings

    def total(
        self,
        moved: Sequence[tuple[Action, Tensor]],
        change_hu: Tensor,
        margin: int,
        spacing_yx: tuple[float, float],
        budget_hu: int,
    ) -> Tensor:
        """What is minimised: the manipulation term and the penalties on the change.

        Parameters
        ----------
        moved : sequence of (action, Tensor of shape (n, z, y, x))
            For each attacker what it does, and by how much the cores that it paints differ under the protection, in
            normalised units.
        change_hu : Tensor, shape (n, z, y, x)
            The perturbation.
        margin : int
            Pixels (y, x) at its borders that are not counted in its size, since the attacker does not see them.
        spacing_yx : tuple of float
            mm (y, x).
        budget_hu : int
            The budget.
        """
        inner = change_hu[:, :, margin:-margin, margin:-margin]
        return (
            self.manipulation(moved)
            + self.size(inner, budget_hu)
            + self.local_means(change_hu, spacing_yx, budget_hu)
            + self.economy(change_hu, budget_hu)
        )

    def manipulation(self, moved: Sequence[tuple[Action, Tensor]]) -> Tensor:
        """Minus the gains of all attackers: the further an attack comes out from itself, the smaller."""
        return -torch.stack([self.gain(action, cores) for action, cores in moved]).sum()

    def gain(self, action: Action, moved: Tensor) -> Tensor:
        """The mean over clicks of the logarithm of the deviation, so that many count and not the strongest.

        With `darken` only what makes an injector's core darker is a deviation; a remover's counts `remover_weight`.
        """
        injects = action == "inject"
        wanted = functional.relu(-moved) if self.settings.darken and injects else moved
        weight = 1.0 if injects else self.settings.remover_weight
        return weight * torch.log(wanted.square().mean(dim=(1, 2, 3)) + self.settings.floor).mean()

    def size(self, inner_hu: Tensor, budget_hu: int) -> Tensor:
        """Penalty on the root mean square of each click's change where it exceeds `rms_share` of the budget."""
        excess = functional.relu(root_mean_square(inner_hu) / budget_hu - self.settings.rms_share)
        return _RMS_WEIGHT * excess.square().mean()

    def local_means(self, change_hu: Tensor, spacing_yx: tuple[float, float], budget_hu: int) -> Tensor:
        """Penalty on the mean change over 10 mm discs where it exceeds `roi_hu`, at a budget of 20 HU."""
        means = roi_mean(change_hu.flatten(0, 1), spacing_yx).abs() * (_USUAL_BUDGET_HU / budget_hu)
        return functional.relu(means - self.settings.roi_hu).square().mean()

    def economy(self, change_hu: Tensor, budget_hu: int) -> Tensor:
        """The mean squared change, in units of the budget, times `economy`."""
        return self.settings.economy * (change_hu / budget_hu).square().mean()


def root_mean_square(change_hu: Tensor) -> Tensor:
    """Of each click's change, shape (n, z, y, x); shape (n,)."""
    return change_hu.square().mean(dim=(1, 2, 3)).sqrt()
