"""How sensitive an attacker is to each plane wave, and the upper bound that follows for protections without a click.

A small change d of the cube moves what the attacker in-paints by J d. Averaged over clicks, and so over all phases, the
deviation that a wave causes depends on its wave vector alone, and waves do not mix: a change that does not depend on
the scan has the mean deviation of its waves, each weighted with its proportion of the mean square. So the wave that an
attacker is most sensitive to bounds them all. The sensitivities to all waves come at once, from the power spectrum of
the gradients of randomly weighted sums of the core: its expected value at a wave k is |J exp(i k r)|². Such random sums
are those of Hutchinson's trace estimator (Commun. Stat. Simul. Comput. 19, 433-450, 1990); maps of a network's
sensitivity to each Fourier basis function are those of Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer (A Fourier perspective
on model robustness in computer vision, NeurIPS 2019).
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
from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE
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
class FourierSensitivity:
    """Sensitivity of one attacker to all plane waves, as far as the deviation grows with the square of the change.

    Parameters
    ----------
    per_hu2 : ndarray of float64, shape (64, 64, 64)
        Mean deviation (see `disruption.deviation`) for each HU² of a wave's mean square, over sites and phases; waves
        (z, y, x) in the order of `numpy.fft.fftfreq(64)`, cycles per voxel of the attacker.
    sites : int
        How many sites it is the mean of.
    """

    per_hu2: NDArray[np.float64]
    sites: int

    @classmethod
    def pooled(cls, parts: Sequence[FourierSensitivity]) -> FourierSensitivity:
        """The sites of several scans together."""
        sites = [part.sites for part in parts]
        return cls(np.average([part.per_hu2 for part in parts], axis=0, weights=sites), sum(sites))

    def deviation(self, wave: Wave, rms_hu: float) -> float:
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

    def strongest_wave(self, *, keep_local_mean: bool = False) -> Wave:
        """The wave that this attacker is most sensitive to.

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
        # A wave and its opposite are one; the first of its cycles is given as positive.
        first = next((c for c in found if c != 0), 0.0)
        return found if first >= 0 else (-found[0] or 0.0, -found[1] or 0.0, -found[2] or 0.0)

    def upper_bound(self, max_change_hu: float, *, keep_local_mean: bool = False) -> float:
        """The largest mean deviation of any change within a budget, unless it depends on the scan or the click.

        A change within a budget has a mean square of at most the budget's, and to no wave in it is the attacker more
        sensitive than to the strongest.
        """
        return self.deviation(self.strongest_wave(keep_local_mean=keep_local_mean), max_change_hu)

    def after_blur(self, sigma: float, voxel: tuple[float, float, float]) -> FourierSensitivity:
        """The sensitivity to waves that the scan's voxels can represent, when an attacker blurs the scan first.

        The attacker is taken to be as sensitive to what is left of a wave as in the scan without a blur.

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
        return FourierSensitivity(self.per_hu2 * z[:, None, None] * y[:, None] * x, self.sites)

    def minimum_budget_hu(self, mean_deviation: float = DISRUPTED_ABOVE) -> float:
        """The smallest budget in HU whose `upper_bound` reaches a mean deviation; infinite without any sensitivity."""
        most = float(self.per_hu2.max())
        return math.sqrt(mean_deviation / most) if most > 0 else math.inf


def fourier_sensitivity(
    attacker: DifferentiableAttacker,
    volume: CTVolume,
    at: Sequence[Voxel],
    *,
    probes: int = _PROBES,
    seed: int = 0,
    progress: Progress = silent,
) -> FourierSensitivity:
    """Measure how sensitive an attacker is to every plane wave, at sites of one scan.

    Parameters
    ----------
    attacker : DifferentiableAttacker
        Who attacks; it sees cubes of about 1 mm, and it is to these that the waves are added. Waves along z that thick
        slices cannot represent count as well.
    volume : CTVolume
        The scan; it stays as it is.
    at : sequence of tuple of int
        Voxels (z, y, x), at least one.
    probes : int
        Random weightings of the core for each site; a figure's relative standard deviation is about
        1 / √(probes · sites), so the strongest of all waves comes out a little too strong.
    seed : int
        Fixes the weightings.
    progress : callable
        Told how many sites are done.

    Returns
    -------
    FourierSensitivity

    Raises
    ------
    AttackError
        If no site is given.
    """
    import torch

    if not at:
        raise AttackError("no site to attack was given; give at least one.")
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
    return FourierSensitivity(_whole(half.numpy()) / (voxels * probes * len(at)), len(at))


def _whole(half: NDArray[np.float64]) -> NDArray[np.float64]:
    """All waves, from those of half of the last axis: the sensitivity to a wave and to its opposite is the same."""
    other = half[:, :, 1 : _SAMPLES // 2]
    mirrored = np.roll(other[::-1, ::-1], (1, 1), axis=(0, 1))[:, :, ::-1]
    return np.concatenate([half, mirrored], axis=2)
