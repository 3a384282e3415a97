"""How far a change to the scan disrupts an attack: attack(changed) against attack(original), site by site."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mits_gan.evaluation.measures.intervals import bootstrap_interval

if TYPE_CHECKING:
    from napari_mits_gan.evaluation.disruption.attacked_sites import InpaintedCores

DISRUPTED_ABOVE = 0.0125
"""Deviation above which an attack counts as disrupted: the deepfake literature's 0.05 on a range of plus and minus 1
(Ruiz, Bargal, Sclaroff, 2020), on plus and minus 0.5."""


def deviation(core_changed: ArrayLike, core_original: ArrayLike) -> NDArray[np.float64]:
    """Mean squared difference of in-painted cores, for each site.

    Parameters
    ----------
    core_changed, core_original : array, shape (n, z, y, x)
        Cores in normalised units, -0.5 to 0.5, at the same sites.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 (the same) to 1 (black for white).

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    changed, original = np.asarray(core_changed, np.float64), np.asarray(core_original, np.float64)
    if changed.shape != original.shape or changed.ndim != 4:
        raise ValueError(f"cores must be of one shape (n, z, y, x); they are {changed.shape} and {original.shape}")
    return np.square(changed - original).mean(axis=(1, 2, 3))


@dataclass(frozen=True)
class Disruption:
    """What a change did to attacks; one figure per site in each tuple.

    Parameters
    ----------
    deviations : tuple of float
        See `deviation`.
    tampered_rms_hu : tuple of float
        RMS difference in HU of attack(changed) and attack(original), in the core's voxels of the scan.
    change_rms_hu : tuple of float
        RMS difference in HU of the changed and the original scan, in the same voxels.
    core_mean_hu : tuple of float
        Mean of the core after attack(changed): whether there is still something bright.
    original_core_mean_hu : tuple of float
        The same after attack(original).
    scores, original_scores : tuple of float
        What the detector says of the site after attack(changed) and after attack(original), 0 to 1; empty where no
        detector was asked.
    seen_from : float
        Score from which on the detector says that a nodule is there.
    """

    deviations: tuple[float, ...]
    tampered_rms_hu: tuple[float, ...]
    change_rms_hu: tuple[float, ...]
    core_mean_hu: tuple[float, ...]
    original_core_mean_hu: tuple[float, ...]
    scores: tuple[float, ...] = ()
    original_scores: tuple[float, ...] = ()
    seen_from: float = math.nan

    @classmethod
    def between(cls, changed: InpaintedCores, original: InpaintedCores, seen_from: float = math.nan) -> Disruption:
        """Compare what one attacker made of two versions of a scan, at the same sites."""
        return cls(
            scores=changed.scores,
            original_scores=original.scores,
            seen_from=seen_from,
            deviations=tuple(deviation(changed.normalised, original.normalised).tolist()),
            tampered_rms_hu=_rms_of_differences(changed.after_hu, original.after_hu),
            change_rms_hu=_rms_of_differences(changed.before_hu, original.before_hu),
            core_mean_hu=tuple(float(core.mean()) for core in changed.after_hu),
            original_core_mean_hu=tuple(float(core.mean()) for core in original.after_hu),
        )

    @classmethod
    def pooled(cls, parts: Sequence[Disruption]) -> Disruption:
        """The sites of several scans together."""
        return cls(
            deviations=tuple(v for part in parts for v in part.deviations),
            tampered_rms_hu=tuple(v for part in parts for v in part.tampered_rms_hu),
            change_rms_hu=tuple(v for part in parts for v in part.change_rms_hu),
            core_mean_hu=tuple(v for part in parts for v in part.core_mean_hu),
            original_core_mean_hu=tuple(v for part in parts for v in part.original_core_mean_hu),
            scores=tuple(v for part in parts for v in part.scores),
            original_scores=tuple(v for part in parts for v in part.original_scores),
            seen_from=parts[0].seen_from,
        )

    @property
    def median(self) -> float:
        """Median deviation."""
        return float(np.median(self.deviations))

    @property
    def median_interval(self) -> tuple[float, float]:
        """95 % bootstrap interval of the median deviation."""
        return bootstrap_interval(np.array(self.deviations))

    @property
    def proportion_disrupted(self) -> float:
        """Proportion of the sites, 0 to 1, whose deviation exceeds 0.0125."""
        return float(np.mean(np.array(self.deviations) > DISRUPTED_ABOVE))

    @property
    def seen(self) -> float | None:
        """Proportion of the sites where the detector sees a nodule after attack(changed); None if it was not asked."""
        return float(np.mean(np.array(self.scores) >= self.seen_from)) if self.scores else None

    @property
    def seen_original(self) -> float | None:
        """The same after attack(original)."""
        return float(np.mean(np.array(self.original_scores) >= self.seen_from)) if self.original_scores else None

    @property
    def tampered_hu(self) -> float:
        """RMS difference of the attacks' results in HU, over all sites, each counting alike."""
        return _root_mean_square(self.tampered_rms_hu)

    @property
    def change_hu(self) -> float:
        """RMS difference of the scans in HU at those sites, each counting alike."""
        return _root_mean_square(self.change_rms_hu)

    @property
    def gain(self) -> float:
        """Disruption gain: `tampered_hu` over `change_hu`, as in MITS-GAN's tables of the tampered square (1.67)."""
        if self.change_hu == 0:
            return math.inf if self.tampered_hu > 0 else 0.0
        return self.tampered_hu / self.change_hu


def _rms_of_differences(a: Sequence[NDArray[np.int16]], b: Sequence[NDArray[np.int16]]) -> tuple[float, ...]:
    return tuple(_root_mean_square(x.astype(np.float64) - y) for x, y in zip(a, b, strict=True))


def _root_mean_square(values: ArrayLike) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(values, dtype=np.float64)))))
