"""MITS-GAN as its authors published it, for comparison: no gradient from the attack, the whole image put out.

Pasqualino, Guarnera, Ortis, Battiato, Comput. Biol. Med. 183:109248, 2024, and the code published with it. There the
attack's result is a constant, so only the discriminator trains the generator; nothing that is trained is kept, so it is
trained on the scan that it shall protect. Different here: slices are stretched to -1 ... 1 by a fixed window, not by
their own extremes, noise is drawn from the seed, training looks at crops, and the budget cuts the change.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.device import choose_device
from napari_mits_gan.options import limited
from napari_mits_gan.progress import Progress
from napari_mits_gan.protection.contract import Request
from napari_mits_gan.protection.mits_gan import window_around
from napari_mits_gan.protection.noise_map import white_noise

_WINDOW_HU = (-1024.0, 1024.0)
_CROP = 96
_LOOK = 7
"""Pixels that the generator looks at around each pixel: its view is 15 pixels wide."""
_RATE = 2e-4
_NOISE_WIDTHS = (1, 2, 4, 4, 2, 1)
_WIDTH = 64
_DISCRIMINATOR_WIDTHS = (1, 4, 8, 8, 8, 8, 8, 16, 1)
_TRAINING_SHARE = 0.5
"""Share of the progress that training counts for."""


class _Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.relu(self.first(x)))


class PaperGenerator(nn.Module):
    """Five 1 x 1 convolutions make a noise map, which a residual network turns, with the slice, into a slice."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for n_in, n_out in itertools.pairwise(_NOISE_WIDTHS):
            layers += [nn.Conv2d(n_in, n_out, 1), nn.BatchNorm2d(n_out), nn.ReLU()]
        self.noise = nn.Sequential(*layers)
        self.head = nn.Conv2d(2, _WIDTH, 3, padding=1)
        self.body = nn.Sequential(*(_Residual() for _ in range(3)))
        self.tail = nn.Conv2d(_WIDTH, 1, 1)

    def forward(self, slices: Tensor, noise: Tensor) -> Tensor:
        """Slices and noise, both (n, 1, y, x), to slices of that shape, -1 to 1."""
        x = functional.relu(self.head(torch.cat([self.noise(noise), slices], dim=1)))
        return torch.tanh(self.tail(self.body(x)))


def paper_discriminator() -> nn.Sequential:
    """Eight convolutions that score slices (n, 1, y, x), real against protected; section 3 of the paper."""
    layers: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(itertools.pairwise(_DISCRIMINATOR_WIDTHS)):
        layers.append(nn.Conv2d(n_in, n_out, 3, stride=2 if i % 2 else 1, padding=1))
        if i < len(_DISCRIMINATOR_WIDTHS) - 2:
            layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers)


@dataclass(frozen=True)
class MitsGanPaper:
    """MITS-GAN as published, trained on the scan itself and without the attack, for comparison.

    Parameters
    ----------
    steps : int
        Updates of generator and discriminator, each on four crops of random slices.
    """

    steps: int = limited(100, low=1)

    def change(
        self, volume: CTVolume, allowed: NDArray[np.bool_], request: Request, progress: Progress
    ) -> NDArray[np.float32]:
        """See `Method.change`."""
        device = choose_device(request.device)
        # Weights are drawn from the seed, and nobody else's random numbers are disturbed.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(request.seed)
            generator, discriminator = PaperGenerator(), paper_discriminator()
        generator, discriminator = generator.to(device), discriminator.to(device)
        slices = volume.shape[0]
        trained = round(_TRAINING_SHARE * slices)
        self._train(
            generator, discriminator, volume, request, device, lambda i: progress(i * trained // self.steps, slices)
        )
        generator.eval()
        low, high = _WINDOW_HU
        change = np.zeros(volume.shape, dtype=np.float32)
        rows, columns = window_around(allowed, _LOOK)
        if rows is None or columns is None:
            return change
        used = np.flatnonzero(allowed.any(axis=(1, 2)))
        with torch.inference_mode():
            for done, z in enumerate(used, start=1):
                found = volume.hu[z, rows, columns]
                noise = white_noise(request.seed, int(z), volume.shape[1:])[rows, columns]
                drawn = torch.from_numpy(noise.copy())[None, None].to(device)
                out = generator(_stretched(found[None], device), drawn)[0, 0].cpu().numpy()
                change[z, rows, columns] = low + (out + 1) / 2 * (high - low) - found
                progress(trained + done * (slices - trained) // len(used), slices)
        return change

    def _train(
        self,
        generator: PaperGenerator,
        discriminator: nn.Module,
        volume: CTVolume,
        request: Request,
        device: torch.device,
        told: Callable[[int], None],
    ) -> None:
        rng = np.random.default_rng([request.seed, 0x706170])
        parts = [torch.optim.Adam(net.parameters(), _RATE, betas=(0.5, 0.999)) for net in (generator, discriminator)]
        for step in range(self.steps):
            real = _stretched(np.stack([_crop(volume.hu, rng) for _ in range(4)]), device)
            noise = torch.from_numpy(rng.standard_normal(real.shape, dtype=np.float32)).to(device)
            fake = generator(real, noise)
            answers = discriminator(real), discriminator(fake.detach())
            loss_discriminator = _bce(answers[0], 1.0) + _bce(answers[1], 0.0)
            parts[1].zero_grad()
            loss_discriminator.backward()
            parts[1].step()
            # The published manipulation term compares with the attack's result, which is a constant there: no gradient.
            loss = _bce(discriminator(fake), 1.0)
            parts[0].zero_grad()
            loss.backward()
            parts[0].step()
            told(step + 1)

    def record(self) -> dict[str, Any]:
        """See `Method.record`."""
        return {"steps": self.steps, "window_hu": list(_WINDOW_HU)}


def _bce(answer: Tensor, wanted: float) -> Tensor:
    return functional.binary_cross_entropy_with_logits(answer, torch.full_like(answer, wanted))


def _stretched(hu: NDArray[np.int16], device: torch.device) -> Tensor:
    """HU (n, y, x) to (n, 1, y, x), -1 to 1 over the window."""
    low, high = _WINDOW_HU
    values = 2 * (hu.astype(np.float32) - low) / (high - low) - 1
    return torch.from_numpy(values.clip(-1, 1))[:, None].to(device)


def _crop(hu: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.int16]:
    """A square of a random slice; smaller slices are extended by their border."""
    piece = hu[rng.integers(len(hu))]
    for axis in (0, 1):
        if piece.shape[axis] > _CROP:
            first = int(rng.integers(piece.shape[axis] - _CROP + 1))
            piece = piece.take(range(first, first + _CROP), axis=axis)
    return np.pad(piece, [(0, max(0, _CROP - n)) for n in piece.shape], mode="edge")
