"""Training the detector: residual network, binary cross-entropy, hard negatives mined while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.detection.detector import score_cubes
from napari_mits_gan.detection.losses import DetectorLosses
from napari_mits_gan.detection.network import DetectorNetwork
from napari_mits_gan.detection.training_samples import TrainingSamples
from napari_mits_gan.detection.training_settings import DetectorTraining
from napari_mits_gan.detection.weights import DetectorWeights, save_detector
from napari_mits_gan.device import choose_device
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.training.loop import Training, run_training
from napari_mits_gan.training.random_streams import seeded

_CHECKPOINT_EVERY = 100
_MEMORY_STEPS = 200
"""The averaged weights remember about as many steps."""
_LARGEST_GRADIENT = 5.0
_LOWEST_THRESHOLD = 0.3


def train_detector(
    volumes: Sequence[CTVolume],
    nodules: Sequence[Sequence[AnnotatedNodule]],
    output: Path,
    settings: DetectorTraining = DetectorTraining(),
    *,
    losses: type[DetectorLosses] = DetectorLosses,
    device: str = "auto",
    resume: bool = True,
    progress: Progress = silent,
) -> DetectorWeights:
    """Train a detector and write its weights.

    Parameters
    ----------
    volumes : sequence of CTVolume
        Chest CTs; nodules are drawn into their lungs.
    nodules : sequence of sequences of AnnotatedNodule
        The real nodules of each scan; whatever is not among them is taught as healthy.
    output : Path
        The safetensors file to write; a checkpoint and a log (CSV: step, loss) stand beside it.
    settings : DetectorTraining
        The run.
    losses : type of DetectorLosses
        What is minimised.
    device : str
        "auto", "cpu", "cuda" or "mps".
    resume : bool
        Continue from the checkpoint beside `output`, if it is of the same run: scans, nodules and settings.
    progress : Progress
        Called after each step.

    Returns
    -------
    DetectorWeights
        The trained detector, in single precision, ready for inference. Its network is the moving average over the last
        steps. Its threshold is the score that a share of `false_alarms` of fresh random voxels in the training scans'
        lungs reach, voxels near known nodules left out, and never under 0.3.

    Raises
    ------
    DetectionError
        If a scan shows no lung.
    WeightsError
        If the checkpoint is damaged or of another run.
    """
    target = choose_device(device)
    scans = sorted(volume.name for volume in volumes)
    known = sorted((volume.name, tuple(found)) for volume, found in zip(volumes, nodules, strict=True))
    run = (scans, known, settings, losses.__qualname__)
    with seeded(settings.seed, target):
        samples = TrainingSamples(volumes, nodules)
        training = _DetectorTraining(samples, settings, losses(), target)
        run_training(training, run, output, every=_CHECKPOINT_EVERY, resume=resume, progress=progress)
        trained = DetectorNetwork().to(target).eval().requires_grad_(False)
    trained.load_state_dict(training.averaged.module.state_dict())
    threshold = _threshold(trained, samples, settings)
    weights = DetectorWeights(trained, threshold, {**asdict(settings), "scans": scans})
    save_detector(weights, output)
    return weights


class _DetectorTraining(Training):
    """One batch a step; what comes out is the moving average of the weights."""

    def __init__(
        self, samples: TrainingSamples, settings: DetectorTraining, losses: DetectorLosses, device: torch.device
    ) -> None:
        self._samples, self._settings, self._losses = samples, settings, losses
        self._network = DetectorNetwork().to(device)
        memory = 1 - 1 / min(_MEMORY_STEPS, settings.steps)
        self.averaged = AveragedModel(self._network, multi_avg_fn=get_ema_multi_avg_fn(memory))
        self._optimiser = torch.optim.AdamW(
            self._network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._schedule = LambdaLR(self._optimiser, lambda step: _rate(step / settings.steps))
        rounds = settings.mining_rounds
        self._mining = {(i + 1) * settings.steps // (rounds + 1) for i in range(rounds)} - {0}
        super().__init__(
            settings.steps,
            device,
            {
                "network": self._network,
                "averaged": self.averaged,
                "optimiser": self._optimiser,
                "schedule": self._schedule,
                "samples": samples,
            },
        )

    def step(self, number: int) -> Sequence[float]:
        """See `Training.step`."""
        settings = self._settings
        if number in self._mining:
            self.averaged.eval()
            rng = np.random.default_rng([settings.seed, 1, number])
            self._samples.mine(lambda cubes: score_cubes(self.averaged, cubes), settings.mined_places, rng)
        self._network.train()
        # One stream for each step, so that the samples of a step do not depend on how many were mined before it.
        torch.manual_seed(settings.seed * 1_000_003 + number)
        cubes, labels = self._samples.batch(settings.batch_size, np.random.default_rng([settings.seed, 0, number]))
        logits = self._network(torch.from_numpy(cubes).to(self.device))
        loss = self._losses.detector(logits, torch.from_numpy(labels).to(self.device))
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), _LARGEST_GRADIENT)
        self._optimiser.step()
        self._schedule.step()
        self.averaged.update_parameters(self._network)
        return [loss.item()]


def _rate(done: float) -> float:
    """The learning rate, relative to its largest, after the share `done` of the run."""
    return min(1.0, 20 * done + 0.05) * max(0.005, 0.5 + 0.5 * float(np.cos(np.pi * min(done, 1.0))))


def _threshold(network: DetectorNetwork, samples: TrainingSamples, settings: DetectorTraining) -> float:
    rng = np.random.default_rng([settings.seed, 2])
    scores = np.concatenate(
        [
            score_cubes(network, samples.random_lung(scan, 25, rng))
            for scan in range(len(samples.scans))
            for _ in range(max(1, settings.threshold_places // 25))
        ]
    )
    return float(np.clip(np.quantile(scores, 1 - settings.false_alarms), _LOWEST_THRESHOLD, 0.99))
