"""Training the denoiser: scans plus random noise, and the scans as they were as what shall come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR

from napari_mits_gan.ct.lung_voxels import lung_voxels
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.device import choose_device
from napari_mits_gan.errors import AttackError
from napari_mits_gan.evaluation.robustness.denoiser import SLICES, Denoiser, DenoiserNetwork, save_denoiser
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.training.loop import Training, run_training
from napari_mits_gan.training.random_streams import seeded

_CHECKPOINT_EVERY = 100
_LARGEST_GRADIENT = 500.0
_SMOOTHED = 0.5
"""Share of the samples whose noise is correlated between neighbouring voxels, as reconstruction leaves it."""
_SIGMA_YX, _SIGMA_Z = (0.4, 1.5), (0.0, 0.8)
_MEASURED_HU = 20.0
_MEASURED_PATCHES = 64
"""Patches of slices kept aside on which the trained denoiser is measured."""


@dataclass(frozen=True)
class DenoiserTraining:
    """Settings of a training run; stored with the weights.

    Parameters
    ----------
    steps : int
        Updates of the network.
    batch_size : int
        Patches per step.
    patch : int
        Their side in voxels.
    learning_rate : float
        Of Adam; it falls along a cosine.
    noise_hu : tuple of float
        Least and largest standard deviation of the noise that is added.
    kept_aside : float
        Share of each scan's slices, those nearest to the feet, that is never learned from.
    seed : int
        Fixes everything that is drawn.
    """

    steps: int = 1500
    batch_size: int = 8
    patch: int = 48
    learning_rate: float = 3e-3
    noise_hu: tuple[float, float] = (5.0, 40.0)
    kept_aside: float = 0.3
    seed: int = 0


class DenoiserLosses:
    """The loss of the denoiser's training; a subclass may replace it."""

    def denoiser(self, estimated_hu: Tensor, noise_hu: Tensor) -> Tensor:
        """What the denoiser minimises: the mean squared error of the noise that it finds, HU², both (n, y, x)."""
        return (estimated_hu - noise_hu).square().mean()


def train_denoiser(
    volumes: Sequence[CTVolume],
    output: Path,
    settings: DenoiserTraining = DenoiserTraining(),
    *,
    losses: type[DenoiserLosses] = DenoiserLosses,
    device: str = "auto",
    resume: bool = True,
    progress: Progress = silent,
) -> Denoiser:
    """Train a denoiser on the lungs of scans and write its weights; it never sees a protection.

    Parameters
    ----------
    volumes : sequence of CTVolume
        Chest CTs.
    output : Path
        The safetensors file to write; a checkpoint and a log (CSV: step, RMS of the noise that is left, HU) stand
        beside it.
    settings : DenoiserTraining
        The run.
    losses : type of DenoiserLosses
        What is minimised.
    device : str
        "auto", "cpu", "cuda" or "mps".
    resume : bool
        Continue from the checkpoint beside `output`, if it is of the same run: scans and settings.
    progress : Progress
        Called after each step.

    Returns
    -------
    Denoiser
        As `Denoiser.load` reads it. Its metadata holds, under "left_of_20_hu", the RMS in HU of what is left of white
        noise and of correlated noise of 20 HU in the lungs of the slices kept aside; empty where these show no lung.

    Raises
    ------
    AttackError
        If a scan shows no lung.
    WeightsError
        If the checkpoint is damaged or of another run.
    """
    target = choose_device(device)
    scans = sorted(volume.name for volume in volumes)
    patches = [_Patches(volume, settings) for volume in volumes]
    with seeded(settings.seed, target):
        training = _DenoiserTraining(patches, settings, losses(), target)
        run = (scans, settings, losses.__qualname__)
        run_training(training, run, output, every=_CHECKPOINT_EVERY, resume=resume, progress=progress)
    network = training.network.eval().requires_grad_(False)
    measured = _left_of_noise(network, patches, target, settings.seed)
    save_denoiser(network, {**asdict(settings), "scans": scans, "left_of_20_hu": measured}, output)
    return Denoiser.load(output, device)


class _DenoiserTraining(Training):
    """One batch of patches a step, each with noise of its own."""

    def __init__(
        self,
        patches: Sequence[_Patches],
        settings: DenoiserTraining,
        losses: DenoiserLosses,
        device: torch.device,
    ) -> None:
        self._patches, self._settings, self._losses = patches, settings, losses
        self.network = DenoiserNetwork().to(device)
        self._optimiser = torch.optim.Adam(self.network.parameters(), settings.learning_rate)
        self._schedule = CosineAnnealingLR(self._optimiser, settings.steps, settings.learning_rate / 100)
        parts = {"network": self.network, "optimiser": self._optimiser, "schedule": self._schedule}
        super().__init__(settings.steps, device, parts)

    def step(self, number: int) -> Sequence[float]:
        """See `Training.step`."""
        settings = self._settings
        rng = np.random.default_rng([settings.seed, number])
        drawn = [self._patches[int(rng.integers(len(self._patches)))].draw(rng) for _ in range(settings.batch_size)]
        noises = [random_noise(scan.shape, rng.uniform(*settings.noise_hu), rng) for scan in drawn]
        noise = torch.from_numpy(np.stack(noises)).to(self.device)
        scan = torch.from_numpy(np.stack(drawn)).to(self.device)
        loss = self._losses.denoiser(self.network(scan + noise), noise[:, SLICES // 2])
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_GRADIENT)
        self._optimiser.step()
        self._schedule.step()
        return [loss.item()]

    def summary(self, figures: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Training.summary`: the RMS of what is left, from mean squares."""
        return np.sqrt(super().summary(figures))


def random_noise(
    shape: tuple[int, ...], sigma_hu: float, rng: np.random.Generator, *, smoothed: bool | None = None
) -> NDArray[np.float32]:
    """Gaussian noise of a standard deviation, shape (z, y, x): white, or correlated between neighbours.

    Parameters
    ----------
    shape : tuple of int
        (z, y, x).
    sigma_hu : float
        Standard deviation of what is drawn from, HU; also after smoothing.
    rng : numpy.random.Generator
        What to draw from.
    smoothed : bool or None
        Whether neighbours are correlated; None draws that too.
    """
    noise = rng.standard_normal(shape, dtype=np.float32)
    if rng.random() < _SMOOTHED if smoothed is None else smoothed:
        in_plane = rng.uniform(*_SIGMA_YX)
        noise = ndimage.gaussian_filter(noise, (rng.uniform(*_SIGMA_Z), in_plane, in_plane))
        noise /= noise.std()
    return np.asarray(sigma_hu * noise, dtype=np.float32)


class _Patches:
    """Patches of a scan's lungs, those of some slices kept apart."""

    def __init__(self, volume: CTVolume, settings: DenoiserTraining) -> None:
        self._hu, self._side = volume.hu, min(settings.patch, *volume.shape[1:])
        voxels = lung_voxels(volume)
        # What a patch of the others reaches into is left out on both sides.
        border = round(settings.kept_aside * volume.shape[0])
        self._learned = voxels[voxels[:, 0] >= border + SLICES // 2]
        self.kept_aside = voxels[voxels[:, 0] < border - SLICES // 2]
        if len(self._learned) == 0:
            raise AttackError(f"no lung was found in '{volume.name}' above the slices kept aside; choose a chest CT.")

    def draw(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """A patch of what is learned from, HU, shape (5, side, side), turned and mirrored at random."""
        patch = np.rot90(self.cut(self._learned[rng.integers(len(self._learned))]), int(rng.integers(4)), axes=(1, 2))
        if rng.random() < 0.5:
            patch = patch[:, :, ::-1]
        if rng.random() < 0.5:
            patch = patch[::-1]
        return np.ascontiguousarray(patch)

    def cut(self, at: NDArray[np.int64]) -> NDArray[np.float32]:
        """The patch around a voxel (z, y, x), moved into the scan."""
        side = self._side
        y, x = (int(np.clip(c - side // 2, 0, n - side)) for c, n in zip(at[1:], self._hu.shape[1:], strict=True))
        z = np.clip(np.arange(at[0] - SLICES // 2, at[0] + SLICES // 2 + 1), 0, len(self._hu) - 1)
        return self._hu[z, y : y + side, x : x + side].clip(-1100, 3071).astype(np.float32)


def _left_of_noise(
    network: DenoiserNetwork, patches: Sequence[_Patches], device: torch.device, seed: int
) -> dict[str, float]:
    rng = np.random.default_rng([seed, 1 << 32])
    with_lung = [scan for scan in patches if len(scan.kept_aside)]
    if not with_lung:
        return {}
    found = {}
    for kind, smoothed in (("white", False), ("correlated", True)):
        squares = []
        for i in range(_MEASURED_PATCHES):
            scan = with_lung[i % len(with_lung)]
            patch = scan.cut(scan.kept_aside[rng.integers(len(scan.kept_aside))])
            noise = torch.from_numpy(random_noise(patch.shape, _MEASURED_HU, rng, smoothed=smoothed))[None].to(device)
            with torch.inference_mode():
                error = network(torch.from_numpy(patch)[None].to(device) + noise) - noise[:, SLICES // 2]
            squares.append(float(error.square().mean()))
        found[kind] = round(float(np.sqrt(np.mean(squares))), 2)
    return found
