"""The settings of a training run of the protection."""

from __future__ import annotations

from dataclasses import dataclass

from napari_mits_gan.protection.noise_map import FIRST_CYCLES


@dataclass(frozen=True)
class ProtectionTraining:
    """Settings of a training run; stored with the weights.

    Parameters
    ----------
    steps : int
        Updates of the generator.
    map_steps : int
        Of these, the first so many train the stripes alone, which is far cheaper.
    width : int
        Channels of the generator.
    first_cycles : int
        Cycles in 64 of the attacker's voxels, along both axes, of the stripes that training starts from.
    clicks : int
        Clicks per step, all in one scan.
    budgets_hu : tuple of int
        Budgets, one drawn in each step.
    rate, map_rate : float
        Adam's learning rates of the network and of the stripes; both fall to nothing along a cosine.
    floor : float
        Deviations much below this count little more than none, so the training lifts the many, not the strongest.
    remover_weight : float
        What a remover's deviation counts beside an injector's 1.
    darken : bool
        True counts only what makes an injector's core darker, so that nothing appears; False counts any change.
    smoothing_share : float
        Share of the steps in which the attacker blurs or resamples the scan first.
    rms_share : float
        Root mean square of the change, in units of the budget, above which it is penalised.
    economy : float
        Weight of the mean squared change, in units of the budget: spares what does not help, such as soft tissue.
    roi_hu : float
        Change of the mean over a 10 mm disc, at a budget of 20 HU, above which it is penalised.
    zoom : float
        The declared spacing is varied by up to this share, so that scans of other spacing are met.
    seed : int
        Fixes everything that is drawn.
    """

    steps: int = 2200
    map_steps: int = 250
    width: int = 12
    first_cycles: int = FIRST_CYCLES
    clicks: int = 4
    budgets_hu: tuple[int, ...] = (10, 20, 20, 40)
    rate: float = 1.5e-3
    map_rate: float = 2e-2
    floor: float = 5e-4
    remover_weight: float = 0.4
    darken: bool = False
    smoothing_share: float = 0.0
    rms_share: float = 0.95
    economy: float = 0.03
    roi_hu: float = 1.0
    zoom: float = 0.15
    seed: int = 0
