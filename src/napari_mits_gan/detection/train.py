"""Training the detector: residual network, binary cross-entropy, hard places mined while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from napari_mits_gan.checkpoint import checkpoint_of, resume_from, save_checkpoint
from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.detection.detector import score_cubes
from napari_mits_gan.detection.network import DetectorNetwork
from napari_mits_gan.detection.training_samples import TrainingSamples
from napari_mits_gan.detection.weights import DetectorWeights, save_detector
from napari_mits_gan.device import choose_device
from napari_mits_gan.progress import Progress, silent

_CHECKPOINT_EVERY = 100
_MEMORY_STEPS = 200
"""The averaged weights remember about as many steps."""
_LOWEST_THRESHOLD = 0.3


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
        How often, spread evenly over the run, hard places are searched for.
    mined_places : int
        Places searched in each scan in a round.
    threshold_places : int
        Random places of each scan's lungs on which the threshold is laid.
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


def train_detector(
    volumes: Sequence[CTVolume],
    nodules: Sequence[Sequence[AnnotatedNodule]],
    output: Path,
    settings: DetectorTraining = DetectorTraining(),
    *,
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
    device : str
        "auto", "cpu", "cuda" or "mps".
    resume : bool
        Continue from the checkpoint beside `output`, if it is of the same run: scans and settings.
    progress : Progress
        Called after each step.

    Returns
    -------
    DetectorWeights
        The trained detector, in single precision, ready for inference. Its network is the moving average over the last
        steps. Its threshold is the score that a share of `false_alarms` of fresh random places in the training scans'
        lungs reach, places near known nodules left out, and never under 0.3.

    Raises
    ------
    DetectionError
        If a scan shows no lung.
    WeightsError
        If the checkpoint is damaged or of another run.
    """
    place = choose_device(device)
    torch.manual_seed(settings.seed)
    samples = TrainingSamples(volumes, nodules)
    network = DetectorNetwork().to(place)
    averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(1 - 1 / min(_MEMORY_STEPS, settings.steps)))
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step / settings.steps))
    parts: dict[str, Any] = {
        "network": network,
        "averaged": averaged,
        "optimiser": optimiser,
        "schedule": schedule,
        "samples": samples,
    }
    checkpoint = checkpoint_of(output)
    run = (sorted(volume.name for volume in volumes), settings)
    start = resume_from(checkpoint, run, parts, place) if resume else 0
    mining = {(i + 1) * settings.steps // (settings.mining_rounds + 1) for i in range(settings.mining_rounds)} - {0}
    losses: list[float] = []

    for step in range(start, settings.steps):
        if step in mining:
            averaged.eval()
            rng = np.random.default_rng([settings.seed, 1, step])
            samples.mine(lambda cubes: score_cubes(averaged, cubes), settings.mined_places, rng)
        network.train()
        # One stream for each step: a run that was interrupted goes on as if it had not been.
        torch.manual_seed(settings.seed * 1_000_003 + step)
        cubes, labels = samples.batch(settings.batch_size, np.random.default_rng([settings.seed, 0, step]))
        logits = network(torch.from_numpy(cubes).to(place))
        loss = functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(labels).to(place))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        averaged.update_parameters(network)

        losses.append(loss.item())
        done = step + 1
        if done % _CHECKPOINT_EVERY == 0 or done == settings.steps:
            save_checkpoint(checkpoint, done, run, parts)
            with output.with_suffix(".csv").open("a") as log:
                log.write(f"{done},{np.mean(losses[-_CHECKPOINT_EVERY:]):.4f}\n")
        progress(done, settings.steps)

    trained = DetectorNetwork().to(place).eval().requires_grad_(False)
    trained.load_state_dict(averaged.module.state_dict())
    threshold = _threshold(trained, samples, settings)
    weights = DetectorWeights(trained, threshold, {**asdict(settings), "scans": run[0]})
    save_detector(weights, output)
    return weights


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
