"""Training the protection's generator through the differentiable attack.

MITS-GAN (Pasqualino et al., Comput. Biol. Med. 2024), section 3: a manipulation term rewards that tampering comes out
differently. Here its gradient really passes through CT-GAN, at clicks drawn anew in every step. The paper leaves it to
a discriminator that nothing shows; here the budget and penalties on the change's size and on local means hold that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_mits_gan.attack.attackers import load_differentiable
from napari_mits_gan.attack.contract import DifferentiableAttacker
from napari_mits_gan.attack.ctgan.resample import resample
from napari_mits_gan.attack.ctgan.training_cubes import lung_voxels
from napari_mits_gan.attack.cuboid import CUBOID_MM, cuboid_shape
from napari_mits_gan.checkpoint import checkpoint_of, resume_from, save_checkpoint
from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.device import choose_device
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.protection.networks import PerturbationGenerator
from napari_mits_gan.protection.noise_map import FIRST_CYCLES, PERIOD, sample_distance_mm
from napari_mits_gan.protection.perturbation import bounded, roi_mean
from napari_mits_gan.protection.smoothing import random_smoothing, smoothed
from napari_mits_gan.protection.weights import load_protector, save_protector

_CHECKPOINT_EVERY = 50
_MARGIN = 8
"""Pixels around the cuboid that are perturbed too, so that the network sees no edge there."""


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


class _Scans:
    """Patches of lung around random clicks, with the masks they need."""

    def __init__(self, volumes: Sequence[CTVolume], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._volumes = list(volumes)
        self._bodies = [body_mask(volume) for volume in volumes]
        # As int16, since all the voxels of all the lungs are many.
        self._places = [lung_voxels(volume, margin_mm=CUBOID_MM / 4).astype(np.int16) for volume in volumes]

    def draw(self, n: int, zoom: float) -> tuple[Tensor, Tensor, tuple[float, float, float]]:
        """HU (n, z + 2, y, x) with a neighbouring slice at both ends, body (n, z, y, x), and the spacing to declare."""
        i = int(self.rng.integers(len(self._volumes)))
        volume = self._volumes[i]
        stretch = np.exp(self.rng.uniform(-zoom, zoom))
        z, y, x = (float(s * stretch) for s in volume.spacing)
        shape = cuboid_shape((z, y, x))
        hu, body = [], []
        for at in self._places[i][self.rng.integers(len(self._places[i]), size=n)]:
            box = Box.around((int(at[0]), int(at[1]), int(at[2])), shape)
            margins = (1, _MARGIN, _MARGIN)
            index = [
                np.clip(np.arange(lo - m, hi + m), 0, size - 1)
                for lo, hi, m, size in zip(box.low, box.high, margins, volume.shape, strict=True)
            ]
            hu.append(volume.hu[np.ix_(*index)])
            body.append(self._bodies[i][np.ix_(index[0][1:-1], index[1], index[2])])
        return _floats(np.stack(hu)), _floats(np.stack(body)), (z, y, x)


def _floats(array: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))


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
        noise = _floats(rng.standard_normal((len(inside), 1, *inside.shape[1:]), dtype=np.float32)).to(hu.device)
        raw = generator(context, noise, (y, x), spacing, budget, adapt=adapt)
        changes.append(bounded(raw, inside, spacing[1:]) * budget)
    return torch.stack(changes)


def _cores(opponent: DifferentiableAttacker, hu: Tensor) -> Tensor:
    """What an attacker paints into cuboids (n, z, y, x) cut out of the patches; not clipped, so gradients survive."""
    cubes = resample(hu[:, :, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN], (CUBOID_MM, CUBOID_MM, CUBOID_MM))
    return opponent.paint_core(cubes, clip=False)


def train_protection(
    volumes: Sequence[CTVolume],
    output: Path,
    settings: ProtectionTraining = ProtectionTraining(),
    *,
    attackers: Sequence[DifferentiableAttacker] | None = None,
    start_from: Path | None = None,
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
    place = choose_device(device)
    torch.manual_seed(settings.seed)
    opponents = attackers or [load_differentiable("inject", device), load_differentiable("remove", device)]
    scans = _Scans(volumes, settings.seed)
    generator = PerturbationGenerator(settings.width, settings.first_cycles).to(place)
    if start_from is not None:
        generator.load_state_dict(load_protector(start_from, place).state_dict())
    network = [p for name, p in generator.named_parameters() if not name.startswith("map.")]
    groups = [{"params": network, "lr": settings.rate}, {"params": generator.map.parameters(), "lr": settings.map_rate}]
    optimise = torch.optim.Adam(groups, betas=(0.8, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimise, settings.steps)
    parts = {
        "generator": generator,
        "optimise": optimise,
        "schedule": schedule,
    }
    names = sorted(volume.name for volume in volumes)
    run = (names, [opponent.name for opponent in opponents], settings)
    start = resume_from(checkpoint_of(output), run, parts, place) if resume else 0
    rows: list[list[float]] = []
    for step in range(start, settings.steps):
        hu, body, spacing = scans.draw(settings.clicks, settings.zoom)
        hu, body = hu.to(place), body.to(place)
        budget = int(scans.rng.choice(settings.budgets_hu))
        adapt = step >= settings.map_steps
        change = _perturbed(generator, hu, body, spacing, budget, scans.rng, adapt=adapt)
        original = hu[:, 1:-1]
        protected = original + change
        if scans.rng.random() < settings.smoothing_share:
            matrices = random_smoothing(tuple(original.shape[1:]), spacing, scans.rng)
            original, protected = smoothed(original, matrices), smoothed(protected, matrices)

        deviations, gains = [], []
        for opponent in opponents:
            with torch.no_grad():
                before = _cores(opponent, original)
            moved = _cores(opponent, protected) - before
            deviations.append(moved.detach().square().mean(dim=(1, 2, 3)))
            injects = opponent.action == "inject"
            wanted = functional.relu(-moved) if settings.darken and injects else moved
            weight = 1.0 if injects else settings.remover_weight
            gains.append(weight * torch.log(wanted.square().mean(dim=(1, 2, 3)) + settings.floor).mean())
        deviation = torch.stack(deviations)
        manipulation = -torch.stack(gains).sum()
        inner = change[:, :, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
        rms = inner.square().mean(dim=(1, 2, 3)).sqrt() / budget
        means = roi_mean(change.flatten(0, 1), spacing[1:]).abs() * (20 / budget)
        keep_rms = functional.relu(rms - settings.rms_share).square().mean()
        keep_means = functional.relu(means - settings.roi_hu).square().mean()
        spare = (change / budget).square().mean()
        loss = manipulation + 50 * keep_rms + keep_means + settings.economy * spare
        optimise.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(generator.parameters(), 5.0)
        optimise.step()
        schedule.step()

        if budget == 20:
            rows.append([*deviation.detach().mean(dim=1).tolist(), rms.mean().item() * 20])
        done = step + 1
        if done % _CHECKPOINT_EVERY == 0 or done == settings.steps:
            save_checkpoint(checkpoint_of(output), done, run, parts)
            if rows:
                with output.with_suffix(".csv").open("a") as log:
                    log.write(f"{done}," + ",".join(f"{v:.5f}" for v in np.mean(rows, axis=0)) + "\n")
                rows.clear()
        progress(done, settings.steps)
    generator.eval().requires_grad_(False)
    save_protector(generator, output, {**asdict(settings), "scans": names, "attackers": run[1]})
    return generator
