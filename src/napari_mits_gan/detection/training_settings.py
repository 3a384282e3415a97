"""The settings of a detector's training run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DetectorTraining:
    """Settings of a training run; stored with the weights.

    Parameters
    ----------
    steps : int
        Updates of the network.
    batch_size : int
        Cubes per step, half of them with a nodule.
    learning_rate, weight_decay : float
        Of AdamW; the rate rises over the first twentieth of the run and falls along a cosine.
    mining_rounds : int
        How often, spread evenly over the run, hard negatives are searched for.
    mined_places : int
        Voxels searched in each scan in a round.
    threshold_places : int
        Random voxels of each scan's lungs on which the threshold is laid.
    false_alarms : float
        Share of them that may reach it.
    seed : int
        Fixes everything that is drawn.
    """

    steps: int = 2000
    batch_size: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    mining_rounds: int = 4
    mined_places: int = 400
    threshold_places: int = 400
    false_alarms: float = 0.02
    seed: int = 0
