"""Training the protection's generator through the differentiable attack.

MITS-GAN (Pasqualino et al., Comput. Biol. Med. 2024), section 3: an adversarial term keeps the protected slices like
real ones, a manipulation term rewards that tampering with them comes out differently. Here the gradient of the second
really passes through CT-GAN, at clicks drawn anew in every step.
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

from napari_mits_gan.attack.ctgan import CTGAN
from napari_mits_gan.attack.cuboid import CUBOID_MM, Box, cuboid_shape
from napari_mits_gan.attack.pipeline import Tampering
from napari_mits_gan.attack.resample import resample
from napari_mits_gan.attack.training_cubes import lung_voxels
from napari_mits_gan.checkpoint import checkpoint_of, resume_from, save_checkpoint
from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.device import choose_device
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.protection.networks import PerturbationGenerator, SliceDiscriminator
from napari_mits_gan.protection.noise_map import PERIOD_MM
from napari_mits_gan.protection.perturbation import bounded, roi_mean
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
        Of these, the first so many train the repeating map alone, which is far cheaper.
    width : int
        Channels of the generator.
    clicks : int
        Clicks per step, all in one scan.
    budgets_hu : tuple of int
        Budgets, one drawn in each step.
    rate, map_rate : float
        Adam's learning rates of the network and of the repeating map; both fall to nothing along a cosine.
    floor : float
        Deviations much below this count little more than none, so the training lifts the many, not the strongest.
    adversarial_weight : float
        Weight of the discriminator's verdict.
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

    steps: int = 1000
    map_steps: int = 600
    width: int = 16
    clicks: int = 4
    budgets_hu: tuple[int, ...] = (10, 20, 20, 40)
    rate: float = 1e-3
    map_rate: float = 2e-2
    floor: float = 3e-4
    adversarial_weight: float = 0.02
    rms_share: float = 0.7
    economy: float = 0.05
    roi_hu: float = 0.7
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
    """Change in HU (n, z, y, x) of patches, each with its own shift of the noise map."""
    changes = []
    for patch, inside in zip(hu, body, strict=True):
        context = torch.stack([patch[:-2], patch[1:-1], patch[2:]], dim=1)
        shifts = rng.uniform(0, PERIOD_MM, 3)
        z_mm, y_mm, x_mm = (
            torch.as_tensor(np.arange(n) * s + shift, dtype=torch.float32, device=hu.device)
            for n, s, shift in zip(inside.shape, spacing, shifts, strict=True)
        )
        noise = _floats(rng.standard_normal((len(inside), 1, *inside.shape[1:]), dtype=np.float32)).to(hu.device)
        raw = generator(context, noise, (z_mm, y_mm, x_mm), spacing, budget, adapt=adapt)
        changes.append(bounded(raw, inside, spacing[1:]) * budget)
    return torch.stack(changes)


def _cores(tampering: Tampering, hu: Tensor) -> Tensor:
    """What an attacker paints into cuboids (n, z, y, x) cut out of the patches; not clipped, so gradients survive."""
    low, high = tampering.mask
    cubes = resample(hu[:, :, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN], (CUBOID_MM, CUBOID_MM, CUBOID_MM))
    return tampering.in_paint(tampering.masked(cubes))[:, low:high, low:high, low:high]


def train_protection(
    volumes: Sequence[CTVolume],
    output: Path,
    settings: ProtectionTraining = ProtectionTraining(),
    *,
    attackers: Sequence[CTGAN] | None = None,
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
    attackers : sequence of CTGAN or None
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
    opponents = attackers or [CTGAN.load("inject", device), CTGAN.load("remove", device)]
    scans = _Scans(volumes, settings.seed)
    generator = PerturbationGenerator(settings.width).to(place)
    if start_from is not None:
        generator.load_state_dict(load_protector(start_from, place).state_dict())
    judge = SliceDiscriminator().to(place)
    network = [p for name, p in generator.named_parameters() if not name.startswith("map.")]
    groups = [{"params": network, "lr": settings.rate}, {"params": generator.map.parameters(), "lr": settings.map_rate}]
    optimise = torch.optim.Adam(groups, betas=(0.8, 0.99))
    optimise_judge = torch.optim.Adam(judge.parameters(), 2e-4, betas=(0.5, 0.999))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimise, settings.steps)
    parts = {
        "generator": generator,
        "judge": judge,
        "optimise": optimise,
        "optimise_judge": optimise_judge,
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

        deviations = []
        for opponent in opponents:
            with torch.no_grad():
                before = _cores(opponent.tampering, original)
            after = _cores(opponent.tampering, protected)
            deviations.append((after - before).square().mean(dim=(1, 2, 3)))
        deviation = torch.stack(deviations)
        manipulation = -torch.log(deviation + settings.floor).mean()

        real, fake = original.flatten(0, 1)[:, None], protected.flatten(0, 1)[:, None]
        judged_real, judged_fake = judge(real), judge(fake.detach())
        loss_judge = functional.binary_cross_entropy_with_logits(judged_real, torch.ones_like(judged_real))
        loss_judge = loss_judge + functional.binary_cross_entropy_with_logits(
            judged_fake, torch.zeros_like(judged_fake)
        )
        optimise_judge.zero_grad()
        loss_judge.backward()
        optimise_judge.step()

        judged = judge(fake)
        adversarial = functional.binary_cross_entropy_with_logits(judged, torch.ones_like(judged))
        inner = change[:, :, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
        rms = inner.square().mean(dim=(1, 2, 3)).sqrt() / budget
        means = roi_mean(change.flatten(0, 1), spacing[1:]).abs() * (20 / budget)
        keep_rms = functional.relu(rms - settings.rms_share).square().mean()
        keep_means = functional.relu(means - settings.roi_hu).square().mean()
        spare = (change / budget).square().mean()
        loss = (
            manipulation
            + settings.adversarial_weight * adversarial
            + 50 * keep_rms
            + keep_means
            + settings.economy * spare
        )
        optimise.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(generator.parameters(), 5.0)
        optimise.step()
        schedule.step()

        if budget == 20:
            rows.append([*deviation.detach().mean(dim=1).tolist(), rms.mean().item() * 20, loss_judge.item()])
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
