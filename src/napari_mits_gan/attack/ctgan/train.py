"""Training an injector or a remover: pix2pix in 3-D, least-squares GAN plus 100 times the mean absolute error.

CT-GAN (USENIX Security 2019), section 5.2 'Training the networks'; published code `procedures/trainer.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.cuboid import with_blank_core
from napari_mits_gan.attack.ctgan.network import Discriminator, Generator
from napari_mits_gan.attack.ctgan.training_cubes import CubeBank
from napari_mits_gan.attack.ctgan.training_picture import TrainingPicture
from napari_mits_gan.attack.ctgan.weights import PUBLISHED_MASK, AttackerWeights, save_attacker
from napari_mits_gan.checkpoint import checkpoint_of, resume_from, save_checkpoint
from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.device import choose_device
from napari_mits_gan.errors import WeightsError
from napari_mits_gan.progress import Progress, silent

_CALIBRATION_CUBES = 1000
_CHECKPOINT_EVERY = 100
_PICTURE_CUBES = 8


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
        Places cut from each scan.
    mask : tuple of int
        First and one past the last voxel of the blanked core.
    fixed_window_hu : tuple of float or None
        Use this linear window in place of histogram equalisation.
    seed : int
        Fixes everything that is drawn.
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


def train_attack(
    action: Action,
    volumes: Sequence[CTVolume],
    output: Path,
    settings: AttackTraining = AttackTraining(),
    *,
    nodules: Mapping[str, Sequence[AnnotatedNodule]] | None = None,
    start_from: AttackerWeights | None = None,
    device: str = "auto",
    resume: bool = True,
    progress: Progress = silent,
) -> AttackerWeights:
    """Train an attacker and write its weights, a log (.csv) and a picture of what it paints by now (.png) beside them.

    Parameters
    ----------
    action : {"inject", "remove"}
        An injector learns to put nodules in, a remover to put healthy lung in.
    volumes : sequence of CTVolume
        Chest CTs; nodules are drawn into their lungs.
    output : Path
        The safetensors file to write; a checkpoint stands beside it while the run goes on.
    settings : AttackTraining
        The run.
    nodules : mapping of str to sequence of AnnotatedNodule
        Annotated nodules by the volume's name: an injector learns from them, and no healthy cube holds one.
    start_from : AttackerWeights or None
        An attacker to go on from, for instance on scans that a protection has touched. Its calibration, blanked core
        and width are kept, in place of those of the settings; the discriminator begins anew.
    device : str
        "auto", "cpu", "cuda" or "mps".
    resume : bool
        Continue from the checkpoint beside `output`, if it is of the same run: action, scans and settings.
    progress : Progress
        Called after each step.

    Returns
    -------
    AttackerWeights
        The trained attacker, in single precision, ready for inference.

    Raises
    ------
    WeightsError
        If `start_from` does not do `action`.
    """
    place = choose_device(device)
    if start_from is not None:
        if start_from.action != action:
            raise WeightsError(f"the attacker to start from does {start_from.action}, not {action}; choose another.")
        settings = replace(settings, base_filters=start_from.generator.base_filters, mask=start_from.mask)
    torch.manual_seed(settings.seed)
    bank = CubeBank(volumes, action, cubes_per_scan=settings.cubes_per_scan, seed=settings.seed, nodules=nodules)
    if start_from is not None:
        calibration = start_from.calibration
    elif settings.fixed_window_hu is None:
        calibration = Calibration.fit(bank.sample(_CALIBRATION_CUBES)[1])
    else:
        calibration = Calibration.fixed_window(*settings.fixed_window_hu)
    generator = Generator(settings.base_filters).to(place)
    if start_from is not None:
        generator.load_state_dict(start_from.generator.state_dict())
    judge = Discriminator(settings.base_filters).to(place)
    optimise_generator = torch.optim.Adam(generator.parameters(), settings.generator_rate, betas=(0.5, 0.999))
    optimise_judge = torch.optim.Adam(judge.parameters(), settings.discriminator_rate, betas=(0.5, 0.999))
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(o, lambda step: min(1.0, max(0.01, 3 * (1 - step / settings.steps))))
        for o in (optimise_generator, optimise_judge)
    ]
    parts: dict[str, Any] = {
        "generator": generator,
        "discriminator": judge,
        "optimise_generator": optimise_generator,
        "optimise_discriminator": optimise_judge,
        "schedule_generator": schedules[0],
        "schedule_discriminator": schedules[1],
    }
    checkpoint = checkpoint_of(output)
    run = (action, sorted(volume.name for volume in volumes), settings)
    start = resume_from(checkpoint, run, parts, place) if resume else 0
    losses: list[tuple[float, float, float]] = []
    picture = TrainingPicture(*bank.sample(_PICTURE_CUBES), calibration, settings.mask)

    generator.train()
    judge.train()
    for step in range(start, settings.steps):
        found, wanted = (torch.from_numpy(cubes)[:, None].to(place) for cubes in bank.sample(settings.batch_size))
        real = calibration.normalise(wanted)
        condition = with_blank_core(calibration.normalise(found), settings.mask)
        fake = generator(condition)

        verdict_real, verdict_fake = judge(real, condition), judge(fake.detach(), condition)
        loss_judge = 0.5 * (verdict_real.square().mean() + (verdict_fake - 1).square().mean())
        optimise_judge.zero_grad()
        loss_judge.backward()
        optimise_judge.step()

        loss_fooling = judge(fake, condition).square().mean()
        loss_mae = functional.l1_loss(fake, real)
        optimise_generator.zero_grad()
        (loss_fooling + settings.mae_weight * loss_mae).backward()
        optimise_generator.step()
        for schedule in schedules:
            schedule.step()

        losses.append((loss_judge.item(), loss_fooling.item(), loss_mae.item()))
        done = step + 1
        if done % _CHECKPOINT_EVERY == 0 or done == settings.steps:
            save_checkpoint(checkpoint, done, run, parts)
            with output.with_suffix(".csv").open("a") as log:
                judged, fooled, mae = np.mean(losses[-_CHECKPOINT_EVERY:], axis=0)
                log.write(f"{done},{judged:.4f},{fooled:.4f},{mae:.5f}\n")
            picture.draw(generator, output.with_suffix(".png"))
        progress(done, settings.steps)

    generator.eval().requires_grad_(False)
    metadata = {**asdict(settings), "scans": run[1]}
    weights = AttackerWeights(action, generator, calibration, settings.mask, metadata)
    save_attacker(weights, output)
    return weights
