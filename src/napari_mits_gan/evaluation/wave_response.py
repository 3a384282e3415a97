"""How much an attacker answers to each plane wave, and so the most that a protection can win which knows no click.

A small change d of the cube moves what the attacker paints by J d. Averaged over clicks, and so over all phases, the
deviation of a wave depends on its direction and length alone, and waves do not mix: a change that is the same whatever
lies in the scan has the mean deviation of its waves, each weighted with its share of the mean square. So the wave that
an attacker answers to most bounds them all. The answers to all waves come at once, from the power spectrum of the
gradients of randomly weighted sums of the core: its expected value at a wave k is |J exp(i k r)|². Such random sums are
those of Hutchinson's trace estimator (Commun. Stat. Simul. Comput. 19, 433-450, 1990); the rest is this project's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError
from napari_mits_gan.evaluation.disruption import DISRUPTED_ABOVE
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import DifferentiableAttacker
    from napari_mits_gan.ct.grid import Voxel

Wave = tuple[float, float, float]
"""Cycles (z, y, x) in 16 of the attacker's voxels, which are about 16 mm; -8 to 8."""

CYCLES_IN = 16
_LONGEST_IN_SLICE = 1.6
"""Cycles in 16 voxels: waves within the slice shorter than 10 mm keep the mean over 10 mm."""
_SAMPLES = 64
"""Of the spectrum along each axis: twice as fine as the cube has voxels, so that no peak is missed by much."""
_BATCH = 8
_PROBES = 8


@dataclass(frozen=True, eq=False)
class WaveResponse:
    """Answer of one attacker to all plane waves, as far as its answer grows with the square of the change.

    Parameters
    ----------
    per_hu2 : ndarray of float64, shape (64, 64, 64)
        Mean deviation (see `disruption.deviation`) for each HU² of a wave's mean square, over places and phases; waves
        (z, y, x) in the order of `numpy.fft.fftfreq(64)`, cycles per voxel of the attacker.
    places : int
        How many places it is the mean of.
    """

    per_hu2: NDArray[np.float64]
    places: int

    @classmethod
    def pooled(cls, parts: Sequence[WaveResponse]) -> WaveResponse:
        """The places of several scans together."""
        places = [part.places for part in parts]
        return cls(np.average([part.per_hu2 for part in parts], axis=0, weights=places), sum(places))

    def to(self, wave: Wave, rms_hu: float) -> float:
        """Mean deviation under a wave of this root mean square in HU.

        Parameters
        ----------
        wave : tuple of float
            Cycles (z, y, x) in 16 voxels; the nearest one of the spectrum is taken.
        rms_hu : float
            A cosine has its amplitude / √2; a square wave has its amplitude, and (8 / π²) of its mean square in its
            first harmonic.
        """
        z, y, x = (round(cycles * _SAMPLES / CYCLES_IN) % _SAMPLES for cycles in wave)
        return float(self.per_hu2[z, y, x]) * rms_hu**2

    def strongest(self, *, keep_local_mean: bool = False) -> Wave:
        """The wave that this attacker answers to most.

        Parameters
        ----------
        keep_local_mean : bool
            Whether to look only at waves that are shorter than 10 mm within the slice, which leave the mean over 10 mm
            as it is.
        """
        cycles = np.fft.fftfreq(_SAMPLES) * CYCLES_IN
        values = self.per_hu2
        if keep_local_mean:
            in_slice = np.hypot(cycles[:, None], cycles[None])
            values = np.where(in_slice[None] >= _LONGEST_IN_SLICE, values, 0.0)
        z, y, x = np.unravel_index(int(values.argmax()), values.shape)
        found = (float(cycles[z]), float(cycles[y]), float(cycles[x]))
        # A wave and its opposite are one; told with its first cycles positive.
        first = next((c for c in found if c != 0), 0.0)
        return found if first >= 0 else (-found[0] or 0.0, -found[1] or 0.0, -found[2] or 0.0)

    def ceiling(self, largest_change_hu: float, *, keep_local_mean: bool = False) -> float:
        """The most mean deviation that any change within a budget has, unless it depends on the scan or the click.

        A change that fills its budget has a mean square of at most the budget's, and no wave in it is answered to more
        than the strongest.
        """
        return self.to(self.strongest(keep_local_mean=keep_local_mean), largest_change_hu)

    def after_blur(self, sigma: float, voxel: tuple[float, float, float]) -> WaveResponse:
        """The answer to waves that the scan's voxels can hold, when an attacker blurs the scan first.

        The attacker is taken to answer to what is left of a wave as it does in the scan without a blur.

        Parameters
        ----------
        sigma : float
            Standard deviation of the Gaussian blur in the scan's voxels; sampled there, as `scipy.ndimage` does.
        voxel : tuple of float
            Size (z, y, x) of the scan's voxels in the attacker's.
        """
        steps = np.arange(-math.ceil(5 * sigma), math.ceil(5 * sigma) + 1)
        kernel = np.exp(-0.5 * np.square(steps / sigma))
        kernel /= kernel.sum()
        left = []
        for size in voxel:
            cycles = np.fft.fftfreq(_SAMPLES) * size
            amplitude = (kernel * np.cos(2 * np.pi * cycles[:, None] * steps)).sum(axis=1)
            left.append(np.where(np.abs(cycles) <= 0.5, np.square(amplitude), 0.0))
        z, y, x = left
        return WaveResponse(self.per_hu2 * z[:, None, None] * y[:, None] * x, self.places)

    def least_hu(self, mean_deviation: float = DISRUPTED_ABOVE) -> float:
        """The smallest budget in HU whose `ceiling` reaches a mean deviation; infinite if nothing is answered to."""
        most = float(self.per_hu2.max())
        return math.sqrt(mean_deviation / most) if most > 0 else math.inf


def wave_response(
    attacker: DifferentiableAttacker,
    volume: CTVolume,
    at: Sequence[Voxel],
    *,
    probes: int = _PROBES,
    seed: int = 0,
    progress: Progress = silent,
) -> WaveResponse:
    """Measure how an attacker answers to every plane wave, at places of one scan.

    Parameters
    ----------
    attacker : DifferentiableAttacker
        Who attacks; it sees cubes of about 1 mm, and it is to these that the waves are added. Waves along z that thick
        slices could not hold count as well.
    volume : CTVolume
        The scan; it stays as it is.
    at : sequence of tuple of int
        Voxels (z, y, x), at least one.
    probes : int
        Random weightings of the core for each place; a figure's relative standard deviation is about
        1 / √(probes · places), so the strongest of all waves comes out a little too strong.
    seed : int
        Fixes the weightings.
    progress : callable
        Told how many places are done.

    Returns
    -------
    WaveResponse

    Raises
    ------
    AttackError
        If no place is given.
    """
    import torch

    if not at:
        raise AttackError("no place to attack was given; give at least one.")
    all_cubes = attacker.cubes(volume, at)
    generator = torch.Generator().manual_seed(seed)
    half = torch.zeros((_SAMPLES, _SAMPLES, _SAMPLES // 2 + 1), dtype=torch.float64)
    for start in range(0, len(at), _BATCH):
        cubes = all_cubes[start : start + _BATCH].detach().requires_grad_()
        cores = attacker.paint_core(cubes)
        for probe in range(probes):
            weights = torch.randn(cores.shape, generator=generator).to(cores)
            (gradient,) = torch.autograd.grad(cores, cubes, weights, retain_graph=probe < probes - 1)
            waves = torch.fft.rfftn(gradient, s=(_SAMPLES,) * 3, dim=(1, 2, 3))
            half += waves.abs().square().sum(0).cpu()
        progress(min(start + len(cubes), len(at)), len(at))
    voxels = cores[0].numel()
    return WaveResponse(_whole(half.numpy()) / (voxels * probes * len(at)), len(at))


def _whole(half: NDArray[np.float64]) -> NDArray[np.float64]:
    """All waves, from those of half of the last axis: a wave and its opposite are answered to alike."""
    other = half[:, :, 1 : _SAMPLES // 2]
    mirrored = np.roll(other[::-1, ::-1], (1, 1), axis=(0, 1))[:, :, ::-1]
    return np.concatenate([half, mirrored], axis=2)
