"""The losses of an attacker's training: a least-squares GAN that also keeps to the truth, as pix2pix does.

Isola, Zhu, Zhou, Efros, 'Image-to-Image Translation with Conditional Adversarial Networks', CVPR 2017, section 3.1;
least squares: Mao et al., ICCV 2017. CT-GAN's published code (`procedures/trainer.py`) labels what was painted 1 and
what is real 0, and weighs the mean absolute error a hundredfold.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from napari_mits_gan.attack.ctgan.training_settings import AttackTraining

_REAL, _PAINTED = 0.0, 1.0
"""What the discriminator shall answer."""


class AttackLosses:
    """The losses of generator and discriminator; a subclass may replace each of them.

    Parameters
    ----------
    settings : AttackTraining
        Of the run.
    """

    def __init__(self, settings: AttackTraining) -> None:
        self.mae_weight = settings.mae_weight

    def discriminator(self, on_real: Tensor, on_painted: Tensor) -> Tensor:
        """What the discriminator minimises: the mean over both of the squared distance to the right answer.

        Parameters
        ----------
        on_real, on_painted : Tensor, any shape
            Its answers, patch by patch, to cubes that are real and to cubes that the generator painted.
        """
        return 0.5 * ((on_real - _REAL).square().mean() + (on_painted - _PAINTED).square().mean())

    def adversarial(self, on_painted: Tensor) -> Tensor:
        """How far the discriminator is from taking what was painted for real: the mean squared distance."""
        return (on_painted - _REAL).square().mean()

    def error(self, painted: Tensor, real: Tensor) -> Tensor:
        """How far what was painted is from the truth: the mean absolute error of cubes in normalised units."""
        return functional.l1_loss(painted, real)

    def generator(self, on_painted: Tensor, painted: Tensor, real: Tensor) -> Tensor:
        """What the generator minimises: the adversarial term and `mae_weight` times the error."""
        return self.adversarial(on_painted) + self.mae_weight * self.error(painted, real)
