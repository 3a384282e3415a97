"""The settings of an attacker's training run."""

from __future__ import annotations

from dataclasses import dataclass

from napari_mits_gan.attack.ctgan.weights import PUBLISHED_MASK
from napari_mits_gan.attack.cuboid import CUBOID_MM
from napari_mits_gan.errors import AttackError


@dataclass(frozen=True)
class AttackTraining:
    """Settings of a training run; stored with the weights.

    Parameters
    ----------
    steps : int
        Updates of the generator.
    base_filters : int
        Width of both networks; the paper's have 100.
    batch_size : int
        Cubes per step; the paper's run used 32.
    generator_rate, discriminator_rate : float
        Adam's learning rates at the start; both fall to nothing over the last third of the run. The authors' 1e-6 for
        the discriminator presumes 200 epochs over 11,323 samples, so a short run uses more.
    mae_weight : float
        Weight of the mean absolute error beside the adversarial term.
    cubes_per_scan : int
        Sites cut from each scan.
    mask : tuple of int
        First and one past the last voxel (mm) of the blanked core; the published code has 6 26, the paper 8 24.
    fixed_window_hu : tuple of float or None
        Use this linear window, lowest and highest HU, in place of histogram equalisation.
    seed : int
        Fixes everything that is drawn.

    Raises
    ------
    AttackError
        If the core is not in the middle of the cuboid, or the window is empty.
    """

    steps: int = 2500
    base_filters: int = 16
    batch_size: int = 12
    generator_rate: float = 4e-4
    discriminator_rate: float = 5e-5
    mae_weight: float = 100.0
    cubes_per_scan: int = 400
    mask: tuple[int, int] = PUBLISHED_MASK
    fixed_window_hu: tuple[float, float] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        first, end = self.mask
        if first + end != CUBOID_MM or not 0 < first < end:
            raise AttackError(
                f"the core from {first} to {end} does not lie in the middle of the {CUBOID_MM} mm cuboid; its ends "
                f"must add up to {CUBOID_MM}."
            )
        if self.fixed_window_hu is not None and not self.fixed_window_hu[0] < self.fixed_window_hu[1]:
            raise AttackError(f"the window {self.fixed_window_hu} is empty; its second number must be the larger one.")
