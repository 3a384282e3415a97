"""Quantum noise as filtered back-projection leaves it in a CT."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_mits_gan.phantom.canvas import Field, Grid

CUT_OFF_PER_MM = 0.62
"""Where the reconstruction kernel's window reaches zero, in cycles per mm, as for a standard body kernel."""
BETWEEN_SLICES = 0.18
"""Correlation of neighbouring slices, which share some of the measured rays."""


def amplitude(grid: Grid) -> Field:
    """Amplitude of the noise at each in-plane frequency: the ramp, whose power grows with frequency, times a window.

    The ramp filter makes the power of white projection noise proportional to the frequency (S. J. Riederer, N. J. Pelc
    and D. A. Chesler, The noise power spectrum in computed X-ray tomography, Phys. Med. Biol. 23, 1978); the window
    takes the highest frequencies away. Its mean square is 1, so that white noise keeps its variance.
    """
    (_, ny, nx), (_, sy, sx) = grid.shape, grid.spacing
    frequency = np.hypot(np.fft.fftfreq(ny, sy)[:, None], np.fft.rfftfreq(nx, sx)[None, :])
    window = np.where(frequency < CUT_OFF_PER_MM, 0.5 + 0.5 * np.cos(np.pi * frequency / CUT_OFF_PER_MM), 0)
    shape = np.sqrt(frequency) * window
    # Frequencies of a real transform stand for two, except in the first and the last column.
    weight = np.full(nx // 2 + 1, 2.0)
    weight[0] = weight[-1] = 1.0
    mean_square = float((shape**2 * weight).sum() / (ny * nx))
    return (shape / np.sqrt(mean_square)).astype(np.float32)


def standard_deviation(grid: Grid, hu: Field, lung_hu: float, soft_hu: float) -> Field:
    """Standard deviation of the noise in HU: more where the rays to a voxel cross more tissue.

    Parameters
    ----------
    grid : Grid
        The voxels.
    hu : ndarray, shape (z, y, x)
        The scan without noise.
    lung_hu, soft_hu : float
        What to reach, on average, in lung and in soft tissue.
    """
    mass = np.clip(hu + 1000, 0, 1600) / 1000
    around = ndimage.gaussian_filter(mass, [12 / grid.spacing[0], 22 / grid.spacing[1], 22 / grid.spacing[2]])
    lung, soft = (hu > -950) & (hu < -750), (hu > -20) & (hu < 120)
    low, high = float(around[lung].mean()), float(around[soft].mean())
    slope = (soft_hu - lung_hu) / max(high - low, 1e-3)
    return np.clip(lung_hu + slope * (around - low), 0.6 * lung_hu, 1.5 * soft_hu).astype(np.float32)


def quantum_noise(grid: Grid, random: np.random.Generator) -> Field:
    """Noise of standard deviation 1 with the texture of a CT, shape (z, y, x)."""
    shape = amplitude(grid)
    noise = np.empty(grid.shape, dtype=np.float32)
    for index in range(grid.shape[0]):
        white = random.standard_normal(grid.shape[1:], dtype=np.float32)
        noise[index] = np.fft.irfft2(np.fft.rfft2(white) * shape, s=grid.shape[1:])
    mixed = noise.copy()
    mixed[1:] += BETWEEN_SLICES * noise[:-1]
    mixed[1:] /= np.sqrt(1 + BETWEEN_SLICES**2)
    return mixed
