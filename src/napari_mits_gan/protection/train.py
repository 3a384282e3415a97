"""Training the protection's generator through the differentiable attack.

MITS-GAN (Pasqualino et al., Comput. Biol. Med. 2024), section 3: a manipulation term rewards that tampering comes out
differently. Here its gradient really passes through CT-GAN, at clicks drawn anew in every step; `protection/losses.py`
says what is minimised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR

from napari_mits_gan.attack.attackers import load_differentiable
from napari_mits_gan.attack.contract import DifferentiableAttacker
from napari_mits_gan.attack.cuboid import CUBOID_MM
from napari_mits_gan.attack.resample import resample
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.device import choose_device
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.protection.losses import ProtectionLosses, root_mean_square
from napari_mits_gan.protection.networks import PerturbationGenerator
from napari_mits_gan.protection.noise_map import PERIOD, sample_distance_mm
from napari_mits_gan.protection.perturbation import bounded
from napari_mits_gan.protection.smoothing import random_smoothing, smoothed
from napari_mits_gan.protection.training_patches import MARGIN, TrainingPatches, as_floats
from napari_mits_gan.protection.training_settings import ProtectionTraining
from napari_mits_gan.protection.weights import load_protector, save_protector
from napari_mits_gan.training.loop import Training, run_training
from napari_mits_gan.training.random_streams import seeded
from napari_mits_gan.weights_file import digest

_CHECKPOINT_EVERY = 50
_LARGEST_GRADIENT = 5.0
_LOGGED_BUDGET_HU = 20
"""Steps with other budgets are left out of the log, since their figures cannot be compared."""


def train_protection(
    volumes: Sequence[CTVolume],
    output: Path,
    settings: ProtectionTraining = ProtectionTraining(),
    *,
    attackers: Sequence[DifferentiableAttacker] | None = None,
    start_from: Path | None = None,
    losses: type[ProtectionLosses] = ProtectionLosses,
    device: str = "auto",
    resume: bool = True,
    progress: Progress = silent,
) -> PerturbationGenerator:
    """Train the generator of "mits-gan" and write its weights.

    Parameters
    ----------
    volumes : sequence of CTVolume
        Chest CTs; clicks are drawn in their lungs.
    output : Path
        The safetensors file to write; a checkpoint stands beside it while the run goes on.
    settings : ProtectionTraining
        The run.
    attackers : sequence of DifferentiableAttacker or None
        Whom to protect against; None takes the injector and the remover that come with the package.
    start_from : Path or None
        Weights of an earlier run to start from, in place of random ones.
    losses : type of ProtectionLosses
        What is minimised; made from the settings.
    device : str
        "auto", "cpu", "cuda" or "mps".
    resume : bool
        Continue from the checkpoint beside `output`, if it is of the same run: scans, attackers and settings.
    progress : Progress
        Called after each step.

    Returns
    -------
    PerturbationGenerator
        The trained generator, ready for use.
    """
    target = choose_device(device)
    scans = sorted(volume.name for volume in volumes)
    with seeded(settings.seed, target):
        opponents = attackers or [load_differentiable("inject", device), load_differentiable("remove", device)]
        names = [opponent.name for opponent in opponents]
        patches = TrainingPatches(volumes, settings.seed)
        generator = PerturbationGenerator(settings.width, settings.first_cycles).to(target)
        if start_from is not None:
            generator.load_state_dict(load_protector(start_from, target).state_dict())
        run = (scans, names, settings, losses.__qualname__, None if start_from is None else digest(start_from))
        training = _ProtectionTraining(generator, patches, opponents, settings, losses(settings), target)
        run_training(training, run, output, every=_CHECKPOINT_EVERY, resume=resume, progress=progress)
    generator.eval().requires_grad_(False)
    save_protector(generator, output, {**asdict(settings), "scans": scans, "attackers": names})
    return generator


class _ProtectionTraining(Training):
    """One budget and one scan a step, with every attacker at the same clicks."""

    def __init__(
        self,
        generator: PerturbationGenerator,
        patches: TrainingPatches,
        opponents: Sequence[DifferentiableAttacker],
        settings: ProtectionTraining,
        losses: ProtectionLosses,
        device: torch.device,
    ) -> None:
        self._generator, self._patches, self._opponents = generator, patches, opponents
        self._settings, self._losses = settings, losses
        network = [p for name, p in generator.named_parameters() if not name.startswith("map.")]
        groups = [
            {"params": network, "lr": settings.rate},
            {"params": generator.map.parameters(), "lr": settings.map_rate},
        ]
        self._optimiser = torch.optim.Adam(groups, betas=(0.8, 0.99))
        self._schedule = CosineAnnealingLR(self._optimiser, settings.steps)
        super().__init__(
            settings.steps,
            device,
            {"generator": generator, "optimiser": self._optimiser, "schedule": self._schedule},
            {"patches": patches.rng},
        )

    def step(self, number: int) -> Sequence[float]:
        """See `Training.step`."""
        settings, rng = self._settings, self._patches.rng
        hu, body, spacing = self._patches.draw(settings.clicks, settings.zoom)
        hu, body = hu.to(self.device), body.to(self.device)
        budget = int(rng.choice(settings.budgets_hu))
        adapt = number >= settings.map_steps
        change = _perturbed(self._generator, hu, body, spacing, budget, rng, adapt=adapt)
        original = hu[:, 1:-1]
        protected = original + change
        if rng.random() < settings.smoothing_share:
            matrices = random_smoothing(tuple(original.shape[1:]), spacing, rng)
            original, protected = smoothed(original, matrices), smoothed(protected, matrices)

        moved = [(o.action, _moved(o, original, protected)) for o in self._opponents]
        self._update(self._losses.total(moved, change, MARGIN, spacing[1:], budget))
        if budget != _LOGGED_BUDGET_HU:
            return []
        with torch.no_grad():
            deviations = [cores.square().mean().item() for _, cores in moved]
            rms_hu = root_mean_square(change[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN]).mean().item()
        return [*deviations, rms_hu]

    def _update(self, loss: Tensor) -> None:
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._generator.parameters(), _LARGEST_GRADIENT)
        self._optimiser.step()
        self._schedule.step()


def _perturbed(
    generator: PerturbationGenerator,
    hu: Tensor,
    body: Tensor,
    spacing: tuple[float, float, float],
    budget: int,
    rng: np.random.Generator,
    *,
    adapt: bool,
) -> Tensor:
    """Change in HU (n, z, y, x) of patches, each with its own shift of the stripes."""
    changes = []
    for patch, inside in zip(hu, body, strict=True):
        context = torch.stack([patch[:-2], patch[1:-1], patch[2:]], dim=1)
        y, x = (
            torch.as_tensor(
                np.arange(n) * mm / distance + rng.uniform(0, PERIOD), dtype=torch.float32, device=hu.device
            )
            for n, mm, distance in zip(inside.shape[1:], spacing[1:], sample_distance_mm(spacing)[1:], strict=True)
        )
        noise = as_floats(rng.standard_normal((len(inside), 1, *inside.shape[1:]), dtype=np.float32)).to(hu.device)
        raw = generator(context, noise, (y, x), spacing, budget, adapt=adapt)
        changes.append(bounded(raw, inside, spacing[1:]) * budget)
    return torch.stack(changes)


def _cores(opponent: DifferentiableAttacker, hu: Tensor) -> Tensor:
    """What an attacker paints into cuboids (n, z, y, x) cut out of the patches; not clipped, so gradients survive."""
    cubes = resample(hu[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN], (CUBOID_MM, CUBOID_MM, CUBOID_MM))
    return opponent.paint_core(cubes, clip=False)


def _moved(opponent: DifferentiableAttacker, original: Tensor, protected: Tensor) -> Tensor:
    """By how much an attacker's painted cores differ under a protection, in normalised units, shape (n, z, y, x)."""
    with torch.no_grad():
        before = _cores(opponent, original)
    return _cores(opponent, protected) - before
