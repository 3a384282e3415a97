"""Whether a change hides in the scanner's own noise: the strength of both, band by band of spatial frequency.

Noise power spectra as in ICRU Report 87 (2012), within the slice and averaged over directions. A scan has no second
acquisition to take a difference with, so its noise is what a slice differs by from the mean of its neighbours.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.evaluation.versions import check_versions

BAND_EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
"""Cycles per mm."""
_SIDE_MM = 24.0
_MOST_PATCHES = 400
_OF_DIFFERENCE = 2 / 3
"""Variance of independent noise in a slice over that of the slice less the mean of its two neighbours."""


@dataclass(frozen=True)
class NoiseSpectrum:
    """Root mean squares in HU, one figure for each band of `BAND_EDGES`; NaN where the pixels are too coarse for it.

    Parameters
    ----------
    noise_hu, change_hu : tuple of float
        Of the scan's noise and of the change.
    peak_ratio : float
        The change's strongest single frequency over the noise at that frequency, as a ratio of amplitudes.
    patches : int
        How many squares of lung were looked at.
    """

    noise_hu: tuple[float, ...]
    change_hu: tuple[float, ...]
    peak_ratio: float
    patches: int

    @classmethod
    def pooled(cls, parts: Sequence[NoiseSpectrum]) -> NoiseSpectrum:
        """Several scans together, each counting as often as it has patches; the peak is the largest."""
        weights = np.array([part.patches for part in parts], dtype=np.float64)

        def together(rows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
            squares = np.square(np.array(rows))
            counted = np.where(np.isnan(squares), 0.0, weights[:, None])
            with np.errstate(invalid="ignore"):
                return tuple(np.sqrt(np.nansum(squares * counted, axis=0) / counted.sum(axis=0)).tolist())

        return cls(
            together([part.noise_hu for part in parts]),
            together([part.change_hu for part in parts]),
            max(part.peak_ratio for part in parts),
            int(weights.sum()),
        )


def noise_spectrum(original: CTVolume, changed: CTVolume, region: NDArray[np.bool_], *, seed: int = 0) -> NoiseSpectrum:
    """Compare a change with the scan's own noise, in squares of 24 mm that lie in a region.

    Parameters
    ----------
    original, changed : CTVolume
        Two versions of one scan, of three slices at least.
    region : ndarray of bool, shape (z, y, x)
        Where to look, usually the lungs; vessels count as noise where they differ from slice to slice.
    seed : int
        Fixes which squares are looked at.

    Returns
    -------
    NoiseSpectrum

    Raises
    ------
    ProtectionError
        If the two are not versions of one scan, or no square lies in the region.
    """
    check_versions(original, changed)
    rows, columns = (max(4, round(_SIDE_MM / s)) for s in original.spacing[1:])
    corners = [
        (z, y, x)
        for z in range(1, original.shape[0] - 1)
        for y in range(0, original.shape[1] - rows + 1, rows)
        for x in range(0, original.shape[2] - columns + 1, columns)
        if region[z, y : y + rows, x : x + columns].mean() > 0.9
    ]
    if not corners:
        raise ProtectionError(f"no square of {_SIDE_MM:g} mm lies in the lungs of '{original.name}'.")
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(corners))[:_MOST_PATCHES]
    window = np.outer(np.hanning(rows + 2)[1:-1], np.hanning(columns + 2)[1:-1])
    # So that the sum over all frequencies is the mean square.
    scale = 1 / (np.square(window).sum() * rows * columns)
    noise = np.zeros((rows, columns))
    change = np.zeros((rows, columns))
    for i in chosen:
        z, y, x = corners[i]
        hu = original.hu[z - 1 : z + 2, y : y + rows, x : x + columns].astype(np.float64)
        fine = hu[1] - (hu[0] + hu[2]) / 2
        added = changed.hu[z, y : y + rows, x : x + columns] - hu[1]
        noise += _OF_DIFFERENCE * _power(fine, window) * scale / len(chosen)
        change += _power(added, window) * scale / len(chosen)
    fy, fx = np.fft.fftfreq(rows, original.spacing[1]), np.fft.fftfreq(columns, original.spacing[2])
    frequency = np.hypot(fy[:, None], fx[None])
    bands = [(frequency >= low) & (frequency < high) for low, high in itertools.pairwise(BAND_EDGES)]
    nyquist = min(0.5 / s for s in original.spacing[1:])
    held = [low < nyquist for low in BAND_EDGES[:-1]]
    strongest = np.unravel_index(int(change.argmax()), change.shape)
    return NoiseSpectrum(
        tuple(float(np.sqrt(noise[b].sum())) if h else float("nan") for b, h in zip(bands, held, strict=True)),
        tuple(float(np.sqrt(change[b].sum())) if h else float("nan") for b, h in zip(bands, held, strict=True)),
        float(np.sqrt(change[strongest] / max(noise[strongest], 1e-12))),
        len(chosen),
    )


def _power(values: NDArray[np.float64], window: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.square(np.abs(np.fft.fft2(values * window))), dtype=np.float64)
