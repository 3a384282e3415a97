"""Training the network that tells a scanner's noise from another by its texture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim.lr_scheduler import CosineAnnealingLR

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.inspection.texture_network import TextureNetwork, TextureWeights, logits, save_texture
from napari_mits_gan.inspection.texture_samples import FORGERS, TextureSamples
from napari_mits_gan.progress import Progress, part_of, silent
from napari_mits_gan.training.loop import Training, run_training
from napari_mits_gan.training.random_streams import seeded

_CHECKPOINT_EVERY = 100
_HARD = 4000
"""Blocks of each untouched scan that are most easily mistaken; half of the untouched blocks in a batch are of these."""
_JITTER = 0.1


@dataclass(frozen=True)
class TextureTraining:
    """Settings of a training run; stored with the weights.

    Parameters
    ----------
    steps : int
        Updates of the network.
    batch_size : int
        Blocks per step: half of them untouched.
    learning_rate : float
        Of AdamW; it falls along a cosine.
    mining_rounds : int
        How often, spread evenly over the run, blocks that are easily mistaken are searched for.
    rounds : int
        How often each forger attacks each scan, see `TextureSamples`.
    seed : int
        Fixes everything that is drawn.
    """

    steps: int = 3000
    batch_size: int = 6000
    learning_rate: float = 4e-3
    mining_rounds: int = 5
    rounds: int = 4
    seed: int = 0


def train_texture(
    volumes: Sequence[CTVolume],
    output: Path,
    settings: TextureTraining = TextureTraining(),
    *,
    resume: bool = True,
    progress: Progress = silent,
) -> TextureWeights:
    """Train the network, on the CPU, and write its weights.

    Parameters
    ----------
    volumes : sequence of CTVolume
        Untouched chest CTs; attacks are made on them (`FORGERS`).
    output : Path
        The safetensors file to write; a checkpoint and a log (CSV: step, loss) stand beside it.
    settings : TextureTraining
        The run.
    resume : bool
        Continue from the checkpoint beside `output`, if it is of the same run: scans and settings.
    progress : Progress
        Told how far it is; the samples, which are made first, take most of the time.

    Returns
    -------
    TextureWeights
        The trained network.

    Raises
    ------
    InspectionError
        If a scan shows no lung.
    WeightsError
        If the checkpoint is damaged or of another run.
    """
    scans = sorted(volume.name for volume in volumes)
    samples = TextureSamples(volumes, rounds=settings.rounds, seed=settings.seed, progress=part_of(progress, 0.0, 0.8))
    with seeded(settings.seed, torch.device("cpu")):
        training = _TextureTraining(samples, settings)
        run = (scans, settings, tuple(FORGERS))
        run_training(
            training, run, output, every=_CHECKPOINT_EVERY, resume=resume, progress=part_of(progress, 0.8, 1.0)
        )
    network = training.network.eval().requires_grad_(False)
    weights = TextureWeights(network, {**asdict(settings), "scans": scans, "forgers": list(FORGERS)})
    save_texture(weights, output)
    return weights


class _Hard:
    """Numbers of untouched blocks that are easily mistaken, of each scan; a part of the checkpoint."""

    def __init__(self, samples: TextureSamples) -> None:
        self.of = [torch.arange(len(blocks)) for blocks in samples.untouched]

    def state_dict(self) -> dict[str, torch.Tensor]:
        return {str(number): blocks for number, blocks in enumerate(self.of)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.of = [state[str(number)] for number in range(len(self.of))]


class _TextureTraining(Training):
    """One batch of blocks a step, each origin with the same share."""

    def __init__(self, samples: TextureSamples, settings: TextureTraining) -> None:
        self._samples, self._settings = samples, settings
        self.network = TextureNetwork()
        self._hard = _Hard(samples)
        self._optimiser = torch.optim.AdamW(self.network.parameters(), settings.learning_rate, weight_decay=1e-3)
        self._schedule = CosineAnnealingLR(self._optimiser, settings.steps, settings.learning_rate / 100)
        self._mining = {(i + 1) * settings.steps // (settings.mining_rounds + 1) for i in range(settings.mining_rounds)}
        parts = {
            "network": self.network,
            "hard": self._hard,
            "optimiser": self._optimiser,
            "schedule": self._schedule,
        }
        super().__init__(settings.steps, torch.device("cpu"), parts)

    def step(self, number: int) -> Sequence[float]:
        """See `Training.step`."""
        if number in self._mining:
            for scan, blocks in enumerate(self._samples.untouched):
                hardest = np.argsort(-logits(self.network, blocks), kind="stable")[:_HARD]
                self._hard.of[scan] = torch.from_numpy(hardest)
        rng = np.random.default_rng([self._settings.seed, number])
        features, label = self._batch(rng)
        features += torch.randn_like(features) * _JITTER
        loss = binary_cross_entropy_with_logits(self.network(features), label)
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        self._schedule.step()
        return [loss.item()]

    def _batch(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        samples, half = self._samples, self._settings.batch_size // 2
        untouched = samples.untouched
        hard = [blocks[hardest.numpy()] for blocks, hardest in zip(untouched, self._hard.of, strict=True)]
        # Of the untouched blocks two fifths each are any, or hard ones, and a fifth are nodules.
        calm = [(origin, 2 * half // 5 // len(origin)) for origin in (untouched, hard)]
        calm.append((samples.nodules, half // 5 // len(samples.nodules)))
        found = [(origin, half // (len(origin) * len(FORGERS))) for origin in samples.tampered.values()]
        drawn, labels = [], []
        for label, origins in ((0.0, calm), (1.0, found)):
            for origin, n in origins:
                for blocks in origin:
                    if len(blocks):
                        drawn.append(blocks[rng.integers(len(blocks), size=max(1, n))])
                        labels.append(np.full(len(drawn[-1]), label, np.float32))
        return torch.from_numpy(np.concatenate(drawn)), torch.from_numpy(np.concatenate(labels))
