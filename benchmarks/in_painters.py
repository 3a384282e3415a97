"""Removers that are no CT-GAN and come with no weights: families that no trace was made for, to be measured on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import nn

from napari_mits_gan.attack.contract import box_of_mm
from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.detection.sites import injection_sites

_WHOLE_MM, _FADE_MM = 8.0, 3.0
"""A removal replaces what lies within the first, and fades over the second."""


def removed(volume: CTVolume, at: Sequence[int], painted: NDArray[np.float32], attack: str) -> CTVolume:
    """The scan with what was painted around a voxel, in the box of `_around`, blended in."""
    box = _around(volume, at)
    weight = np.clip((_WHOLE_MM + _FADE_MM - _away_mm(volume, at)) / _FADE_MM, 0, 1)
    out = volume.hu.copy()
    hu = volume.hu[box.slices()].astype(np.float32)
    out[box.slices()] = np.rint(hu + weight * (painted - hu))
    return volume.with_hu(out, Step("attack", {"attack": attack, "at": list(at)}))


def _around(volume: CTVolume, at: Sequence[int]):
    return box_of_mm((at[0], at[1], at[2]), 44.0, volume.spacing).inside(volume.shape)


def _away_mm(volume: CTVolume, at: Sequence[int]) -> NDArray[np.float32]:
    grids = np.ogrid[_around(volume, at).slices()]
    return np.sqrt(sum(((g - a) * s) ** 2 for g, a, s in zip(grids, at, volume.spacing, strict=True)))


class Interpolation:
    """The mean of what lies around: no network, no noise."""

    action = "remove"

    def tamper(self, volume: CTVolume, at: Sequence[int]) -> CTVolume:
        hu = volume.hu[_around(volume, at).slices()].astype(np.float32)
        outside = ((_away_mm(volume, at) > _WHOLE_MM) & (hu < -600)).astype(np.float32)
        sigma = [5.0 / s for s in volume.spacing]
        around = ndimage.gaussian_filter(hu * outside, sigma) / (ndimage.gaussian_filter(outside, sigma) + 1e-3)
        return removed(volume, at, around, "interpolation")


class MirroredBox:
    """Lung from elsewhere in the scan, mirrored front to back and pasted as a box of 20 mm without a fade."""

    action = "remove"

    def tamper(self, volume: CTVolume, at: Sequence[int]) -> CTVolume:
        # Two boxes with one source would be found by each other.
        far = [s.at for s in injection_sites(volume, 60, seed=1) if self._away_mm(volume, s.at, at) > 60]
        source = self._box(volume, far[np.random.default_rng([*map(int, at)]).integers(len(far))])
        box = self._box(volume, at)
        out = volume.hu.copy()
        out[box.slices()] = volume.hu[source.slices()][:, ::-1]
        return volume.with_hu(out, Step("attack", {"attack": "mirrored box", "at": list(at)}))

    @staticmethod
    def _box(volume: CTVolume, at: Sequence[int]) -> Box:
        return box_of_mm((at[0], at[1], at[2]), 20.0, volume.spacing)

    @staticmethod
    def _away_mm(volume: CTVolume, one: Sequence[int], other: Sequence[int]) -> float:
        return float(np.linalg.norm((np.array(one) - other) * volume.spacing))


class Autoregression:
    """Each voxel drawn given those before it, by a small network that is fitted to the lungs of the very scan.

    The network (58, 48, 48 units) sees the slice before, some of the one before that, and three rows above in its own
    slice, and gives a mean and a standard deviation. Texture, vessels' stumps and the noise's colour come out by
    themselves; nothing is copied.
    """

    action = "remove"

    def __init__(self) -> None:
        self._layers: list[tuple[NDArray[np.float32], NDArray[np.float32]]] | None = None
        before = [(-2, y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        above = [(-1, y, x) for y in range(-2, 3) for x in range(-2, 3)]
        own = [(0, y, x) for y in (-3, -2, -1) for x in range(-3, 4)] + [(0, 0, x) for x in (-3, -2, -1)]
        self._steps = np.array(before + above + own)

    def tamper(self, volume: CTVolume, at: Sequence[int]) -> CTVolume:
        rng = np.random.default_rng([*map(int, at)])
        if self._layers is None:
            self._fit(volume, rng)
        box, away = _around(volume, at), _away_mm(volume, at)
        hu = np.clip(volume.hu[box.slices()].astype(np.float32), -1024, -600)
        values = (hu - self._mean) / self._spread
        flat = values.reshape(-1)
        steps = self._steps @ (values.shape[1] * values.shape[2], values.shape[2], 1)
        low, high = np.percentile(flat, (0.1, 99.9))
        for place in np.flatnonzero(away < _WHOLE_MM + _FADE_MM):  # 22 mm wide in a box of 44 mm: never at its border
            mean, spread = self._next(flat[place + steps])
            flat[place] = np.clip(mean + spread * rng.normal(), low, high)
        return removed(volume, at, values * self._spread + self._mean, "autoregression")

    def _next(self, known: NDArray[np.float32]) -> tuple[float, float]:
        assert self._layers is not None
        for number, (weight, bias) in enumerate(self._layers):
            known = weight @ known + bias
            if number < len(self._layers) - 1:
                known = np.maximum(known, 0)
        return float(known[0]), float(np.exp(np.clip(known[1], -4, 1)))

    def _fit(self, volume: CTVolume, rng: np.random.Generator) -> None:
        torch.manual_seed(0)
        lungs = lung_mask(volume) & (volume.hu < -600)
        lungs[:2] = lungs[:, :3] = lungs[:, :, :3] = lungs[:, :, -3:] = False
        places = rng.choice(np.flatnonzero(lungs), 60_000)
        some = volume.hu.reshape(-1)
        steps = self._steps @ (volume.shape[1] * volume.shape[2], volume.shape[2], 1)
        known = np.clip(some[places[:, None] + steps].astype(np.float32), -1024, -600)
        wanted = some[places].astype(np.float32)
        self._mean, self._spread = float(wanted.mean()), float(wanted.std())
        x = torch.from_numpy((known - self._mean) / self._spread)
        y = torch.from_numpy((wanted - self._mean) / self._spread)
        network = nn.Sequential(
            nn.Linear(len(self._steps), 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2)
        )
        optimiser = torch.optim.Adam(network.parameters(), 3e-3)
        for number in range(900):
            if number == 600:
                optimiser.param_groups[0]["lr"] = 6e-4
            chosen = torch.randint(len(x), (1024,))
            mean, log_spread = network(x[chosen]).T
            log_spread = log_spread.clamp(-4, 1)
            loss = (log_spread + 0.5 * ((y[chosen] - mean) / log_spread.exp()) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        linear = [layer for layer in network if isinstance(layer, nn.Linear)]
        self._layers = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in linear]
