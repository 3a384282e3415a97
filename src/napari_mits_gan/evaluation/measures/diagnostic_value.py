"""What a protection leaves of a scan's diagnostic value: regions of interest, emphysema, lungs, nodules, detection."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.constants import REGION_OF_INTEREST_MM
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.measures.local_mean import disc
from napari_mits_gan.evaluation.measures.nodule import NoduleMeasure, measure_nodule
from napari_mits_gan.evaluation.versions import check_versions

if TYPE_CHECKING:
    from napari_mits_gan.ct.grid import Voxel
    from napari_mits_gan.detection.detector import NoduleDetector

VOLUME_LIMIT = 0.25
"""Relative change of a nodule's volume that counts as growth (Fleischner Society and BTS guidelines: 25 %)."""
DIAMETER_LIMIT_MM = 2.0
"""Change of a nodule's diameter that counts as growth (Fleischner Society 2017: 2 mm)."""
EMPHYSEMA_BELOW_HU = -950

_GRID_MM = 2.0
"""The lungs are segmented on about this grid, of single voxels, which takes seconds where the scan's takes a minute."""
_REGIONS = 400
_STREAM = 0x646961676E


@dataclass(frozen=True)
class NoduleChange:
    """One nodule in both versions.

    Parameters
    ----------
    original, protected : NoduleMeasure or None
        As `measure_nodule` finds them; None where nothing stands out.
    found_original, found_protected : bool
        Whether the detector calls it a nodule.
    """

    original: NoduleMeasure | None
    protected: NoduleMeasure | None
    found_original: bool
    found_protected: bool

    @property
    def diameter_change_mm(self) -> float:
        """Signed; NaN where either version gives no size."""
        if self.original is None or self.protected is None:
            return math.nan
        return self.protected.diameter_mm - self.original.diameter_mm

    @property
    def volume_change(self) -> float:
        """Signed, relative to the original volume (0.1 is 10 % larger); NaN where either version gives no size."""
        if self.original is None or self.protected is None:
            return math.nan
        return (self.protected.diameter_mm / self.original.diameter_mm) ** 3 - 1


@dataclass(frozen=True)
class Lungs:
    """What densitometry says of the lungs of one version.

    Parameters
    ----------
    laa_950 : float
        Proportion of the lung voxels below -950 HU, 0 to 1.
    perc15_hu : float
        15th percentile of the lung's HU.
    """

    laa_950: float
    perc15_hu: float


@dataclass(frozen=True)
class DiagnosticValue:
    """What a protection leaves of a scan's diagnostic value, original against protected.

    Parameters
    ----------
    region_mean_change_hu : tuple of float
        Signed change of the mean in each 10 mm disc within a slice, in random sites of lung and of other tissue.
    region_sd_hu : tuple of tuple of float
        Standard deviation in each of them, original and protected.
    lungs_original, lungs_protected : tuple of Lungs
        One for each scan, each within its own segmentation.
    lung_dice : tuple of float
        Overlap of the two segmentations, one for each scan.
    nodules : tuple of NoduleChange
        Drawn and annotated ones.
    false_original, false_protected : tuple of bool
        Whether the detector sees a nodule at sites in the lung without one.
    """

    region_mean_change_hu: tuple[float, ...]
    region_sd_hu: tuple[tuple[float, float], ...]
    lungs_original: tuple[Lungs, ...]
    lungs_protected: tuple[Lungs, ...]
    lung_dice: tuple[float, ...]
    nodules: tuple[NoduleChange, ...]
    false_original: tuple[bool, ...]
    false_protected: tuple[bool, ...]

    @classmethod
    def pooled(cls, parts: Sequence[DiagnosticValue]) -> DiagnosticValue:
        """Several scans together; every site counts alike."""
        return cls(
            region_mean_change_hu=tuple(v for part in parts for v in part.region_mean_change_hu),
            region_sd_hu=tuple(v for part in parts for v in part.region_sd_hu),
            lungs_original=tuple(v for part in parts for v in part.lungs_original),
            lungs_protected=tuple(v for part in parts for v in part.lungs_protected),
            lung_dice=tuple(v for part in parts for v in part.lung_dice),
            nodules=tuple(v for part in parts for v in part.nodules),
            false_original=tuple(v for part in parts for v in part.false_original),
            false_protected=tuple(v for part in parts for v in part.false_protected),
        )

    @property
    def region_mean_95_hu(self) -> float:
        """95th percentile of the absolute change of the mean."""
        return float(np.percentile(np.abs(self.region_mean_change_hu), 95)) if self.region_mean_change_hu else math.nan

    @property
    def region_sd_median_hu(self) -> tuple[float, float]:
        """Median standard deviation, original and protected."""
        if not self.region_sd_hu:
            return (math.nan, math.nan)
        original, protected = np.median(np.array(self.region_sd_hu), axis=0)
        return float(original), float(protected)

    @property
    def volume_changes(self) -> NDArray[np.float64]:
        """Relative change of volume of the nodules that have a size in both versions."""
        return _finite([nodule.volume_change for nodule in self.nodules])

    @property
    def diameter_changes_mm(self) -> NDArray[np.float64]:
        """Change of diameter of the same."""
        return _finite([nodule.diameter_change_mm for nodule in self.nodules])


def diagnostic_value(
    original: CTVolume,
    protected: CTVolume,
    *,
    nodules: Sequence[Voxel],
    detector: NoduleDetector,
    healthy_sites: Sequence[Voxel] = (),
    healthy: CTVolume | None = None,
    lung: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> DiagnosticValue:
    """Compare what the two versions of a scan say.

    Parameters
    ----------
    original : CTVolume
        The scan, with the nodules in it (`synthetic_nodules`: draw first, then protect).
    protected : CTVolume
        Its protected version.
    nodules : sequence of tuple of int
        Where nodules are, drawn or annotated (`ct.annotations.nodules_beside`, rounded): voxels (z, y, x).
    detector : NoduleDetector
        Who looks for nodules.
    healthy_sites : sequence of tuple of int
        Sites in the lung without a nodule, for false positives.
    healthy : CTVolume or None
        The scan before nodules were drawn into it, so that vessels and wall are told from them; None where nobody knows
        it, and then only of nodules that stand free a size is known.
    lung : ndarray of bool or None
        What `subsampled_lung_mask(original)` returns, to spare finding the same lungs for each budget.
    seed : int
        Fixes the regions of interest.

    Raises
    ------
    ProtectionError
        If the scans are not versions of one.
    """
    check_versions(original, protected, healthy)
    was = subsampled_lung_mask(original) if lung is None else lung
    now = subsampled_lung_mask(protected)
    changes, deviations = _regions(original, protected, was, seed)
    found = [detector.scores(scan, nodules) >= detector.threshold for scan in (original, protected)]
    false = [detector.scores(scan, healthy_sites) >= detector.threshold for scan in (original, protected)]
    return DiagnosticValue(
        region_mean_change_hu=changes,
        region_sd_hu=deviations,
        lungs_original=(_densitometry(original, was),),
        lungs_protected=(_densitometry(protected, now),),
        lung_dice=(dice(was, now),),
        nodules=tuple(
            NoduleChange(
                measure_nodule(original, at, before=healthy),
                measure_nodule(protected, at, before=healthy),
                bool(found[0][i]),
                bool(found[1][i]),
            )
            for i, at in enumerate(nodules)
        ),
        false_original=tuple(bool(answer) for answer in false[0]),
        false_protected=tuple(bool(answer) for answer in false[1]),
    )


def subsampled_lung_mask(volume: CTVolume) -> NDArray[np.bool_]:
    """The lungs on about a 2 mm grid of single voxels (not averaged, so that the noise stays); see `ct.anatomy`."""
    return lung_mask(_coarse(volume))


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Twice the overlap of two masks over the sum of their sizes; 1 where both are empty."""
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


def _steps(volume: CTVolume) -> list[int]:
    return [max(1, round(_GRID_MM / s)) for s in volume.spacing]


def _coarse(volume: CTVolume) -> CTVolume:
    """Every k-th voxel; `CTVolume.coarsen` would average away the noise that densitometry has to cope with."""
    z, y, x = _steps(volume)
    slices = (slice(None, None, z), slice(None, None, y), slice(None, None, x))
    z_mm, y_mm, x_mm = (k * s for k, s in zip((z, y, x), volume.spacing, strict=True))
    padding = None if volume.padding is None else volume.padding[slices]
    return CTVolume(np.ascontiguousarray(volume.hu[slices]), (z_mm, y_mm, x_mm), padding=padding)


def _densitometry(volume: CTVolume, lung: NDArray[np.bool_]) -> Lungs:
    hu = _coarse(volume).hu[lung]
    if hu.size == 0:
        return Lungs(math.nan, math.nan)
    return Lungs(float((hu < EMPHYSEMA_BELOW_HU).mean()), float(np.percentile(hu, 15)))


def _regions(
    original: CTVolume, protected: CTVolume, lung: NDArray[np.bool_], seed: int
) -> tuple[tuple[float, ...], tuple[tuple[float, float], ...]]:
    """Changes of the mean, and standard deviations, in discs: half of them in the lungs, half in what is solid."""
    coarse, steps = _coarse(original), np.array(_steps(original))
    shape = disc(REGION_OF_INTEREST_MM, original.spacing[1:])
    reach = np.array([0, *(n // 2 for n in shape.shape)])
    rng = np.random.default_rng([_STREAM, seed])
    changes, deviations = [], []
    for allowed in (lung, ~lung & (coarse.hu > -200)):
        sites = np.argwhere(allowed) * steps
        sites = sites[((sites >= reach) & (sites < np.array(original.shape) - reach)).all(axis=1)]
        for z, y, x in rng.choice(sites, min(_REGIONS // 2, len(sites)), replace=False) if len(sites) else []:
            there = (z, slice(y - reach[1], y + reach[1] + 1), slice(x - reach[2], x + reach[2] + 1))
            was, now = (scan.hu[there][shape].astype(np.float64) for scan in (original, protected))
            changes.append(float(now.mean() - was.mean()))
            deviations.append((float(was.std()), float(now.std())))
    return tuple(changes), tuple(deviations)


def _finite(values: Sequence[float]) -> NDArray[np.float64]:
    array = np.array(values, dtype=np.float64)
    return array[np.isfinite(array)]
