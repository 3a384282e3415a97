"""Training an injector or a remover: pix2pix in 3-D.

CT-GAN (USENIX Security 2019), section 5.2 'Training the networks'; published code `procedures/trainer.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch.optim.lr_scheduler import LambdaLR

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.cuboid import with_blank_core
from napari_mits_gan.attack.ctgan.losses import AttackLosses
from napari_mits_gan.attack.ctgan.network import Discriminator, Generator
from napari_mits_gan.attack.ctgan.training_cubes import CubeBank
from napari_mits_gan.attack.ctgan.training_picture import TrainingPicture
from napari_mits_gan.attack.ctgan.training_settings import AttackTraining
from napari_mits_gan.attack.ctgan.weights import AttackerWeights, save_attacker
from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.device import choose_device
from napari_mits_gan.errors import WeightsError
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.training.loop import Training, run_training
from napari_mits_gan.training.random_streams import seeded

_CALIBRATION_CUBES = 1000
_CHECKPOINT_EVERY = 100
_PICTURE_CUBES = 8


def train_attack(
    action: Action,
    volumes: Sequence[CTVolume],
    output: Path,
    settings: AttackTraining = AttackTraining(),
    *,
    nodules: Mapping[str, Sequence[AnnotatedNodule]] | None = None,
    start_from: AttackerWeights | None = None,
    losses: type[AttackLosses] = AttackLosses,
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
    losses : type of AttackLosses
        What is minimised; made from the settings.
    device : str
        "auto", "cpu", "cuda" or "mps".
    resume : bool
        Continue from the checkpoint beside `output`, if it is of the same run: action, scans, nodules and settings.
    progress : Progress
        Called after each step.

    Returns
    -------
    AttackerWeights
        The trained attacker, in single precision, ready for inference.

    Raises
    ------
    WeightsError
        If `start_from` does not do `action`, or the checkpoint is damaged or of another run.
    """
    target = choose_device(device)
    if start_from is not None:
        if start_from.action != action:
            raise WeightsError(f"the attacker to start from does {start_from.action}, not {action}; choose another.")
        settings = replace(settings, base_filters=start_from.generator.base_filters, mask=start_from.mask)
    scans = sorted(volume.name for volume in volumes)
    known = {name: tuple(found) for name, found in sorted((nodules or {}).items()) if found}
    run = (action, scans, known, settings, losses.__qualname__)
    with seeded(settings.seed, target):
        bank = CubeBank(volumes, action, cubes_per_scan=settings.cubes_per_scan, seed=settings.seed, nodules=nodules)
        training = _AttackTraining(bank, settings, losses(settings), start_from, target)
        run_training(training, run, output, every=_CHECKPOINT_EVERY, resume=resume, progress=progress)
    generator = training.generator.eval().requires_grad_(False)
    metadata = {**asdict(settings), "scans": scans}
    weights = AttackerWeights(action, generator, training.calibration, settings.mask, metadata)
    save_attacker(weights, output)
    return weights


class _AttackTraining(Training):
    """Generator and discriminator in turn, on augmented cubes of lung."""

    def __init__(
        self,
        bank: CubeBank,
        settings: AttackTraining,
        losses: AttackLosses,
        start_from: AttackerWeights | None,
        device: torch.device,
    ) -> None:
        self._bank, self._settings, self._losses = bank, settings, losses
        if start_from is not None:
            self.calibration = start_from.calibration
        elif settings.fixed_window_hu is None:
            self.calibration = Calibration.fit(bank.sample(_CALIBRATION_CUBES)[1])
        else:
            self.calibration = Calibration.fixed_window(*settings.fixed_window_hu)
        self.generator = Generator(settings.base_filters).to(device)
        if start_from is not None:
            self.generator.load_state_dict(start_from.generator.state_dict())
        self._discriminator = Discriminator(settings.base_filters).to(device)
        self._picture = TrainingPicture(*bank.sample(_PICTURE_CUBES), self.calibration, settings.mask)
        self._optimisers = {
            "generator": torch.optim.Adam(self.generator.parameters(), settings.generator_rate, betas=(0.5, 0.999)),
            "discriminator": torch.optim.Adam(
                self._discriminator.parameters(), settings.discriminator_rate, betas=(0.5, 0.999)
            ),
        }
        self._schedules = {name: LambdaLR(each, self._rate) for name, each in self._optimisers.items()}
        self.generator.train()
        self._discriminator.train()
        super().__init__(
            settings.steps,
            device,
            {
                "generator": self.generator,
                "discriminator": self._discriminator,
                **{f"optimiser of the {name}": each for name, each in self._optimisers.items()},
                **{f"schedule of the {name}": each for name, each in self._schedules.items()},
            },
            {"cubes": bank.rng},
        )

    def _rate(self, step: int) -> float:
        """The learning rate relative to its start: constant, then falling over the last third of the run."""
        return min(1.0, max(0.01, 3 * (1 - step / self._settings.steps)))

    def step(self, number: int) -> Sequence[float]:
        """See `Training.step`."""
        found, wanted = (
            torch.from_numpy(cubes)[:, None].to(self.device) for cubes in self._bank.sample(self._settings.batch_size)
        )
        real = self.calibration.normalise(wanted)
        condition = with_blank_core(self.calibration.normalise(found), self._settings.mask)
        painted = self.generator(condition)

        on_real, on_painted = (self._discriminator(cubes, condition) for cubes in (real, painted.detach()))
        loss_discriminator = self._losses.discriminator(on_real, on_painted)
        self._update("discriminator", loss_discriminator)

        on_painted = self._discriminator(painted, condition)
        self._update("generator", self._losses.generator(on_painted, painted, real))
        for schedule in self._schedules.values():
            schedule.step()
        with torch.no_grad():
            told = (loss_discriminator, self._losses.adversarial(on_painted), self._losses.error(painted, real))
        return [figure.item() for figure in told]

    def _update(self, name: str, loss: torch.Tensor) -> None:
        self._optimisers[name].zero_grad()
        loss.backward()
        self._optimisers[name].step()

    def show(self, output: Path) -> None:
        """See `Training.show`."""
        self._picture.draw(self.generator, output.with_suffix(".png"))
