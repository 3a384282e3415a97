"""How much of a protection is left when the scan was purified before it is attacked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError
from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE, deviation
from napari_mits_gan.evaluation.measures.intervals import Statistic, bootstrap_interval, ratio_of_medians
from napari_mits_gan.evaluation.robustness.purifiers import PURIFIERS, check_purifiers, purify
from napari_mits_gan.evaluation.versions import check_versions
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Attacker
    from napari_mits_gan.ct.grid import Spacing, Voxel

UNPURIFIED = "unpurified"
WORST = "worst case"


@dataclass(frozen=True, eq=False)
class PurifiedSite:
    """What surrounds one site in the two versions of a scan after purification.

    Parameters
    ----------
    at : tuple of int
        The site (z, y, x) in these crops.
    original, protected : ndarray of int16, shape (z, y, x)
        HU of the 32 mm cuboid around the site, as far as it lies in the scan: all that the painted core depends on.
    """

    at: Voxel
    original: NDArray[np.int16]
    protected: NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class PurifiedSites:
    """Two versions of a scan, purified in every way around some sites; any number of attackers can be sent there.

    Parameters
    ----------
    spacing : tuple of float
        Of the scan, mm (z, y, x).
    found : mapping
        From "unpurified" and the names of purifiers to what is there, site by site.
    """

    spacing: Spacing
    found: Mapping[str, tuple[PurifiedSite, ...]]


@dataclass(frozen=True)
class Robustness:
    """Deviations of one attacker with and without purification; one figure per site in each tuple.

    Parameters
    ----------
    unpurified : tuple of float
        attack(protected) against attack(original), see `disruption.deviation`.
    purified : mapping of str to tuple of float
        From the purifier to attack(purify(protected)) against attack(purify(original)).
    """

    unpurified: tuple[float, ...]
    purified: Mapping[str, tuple[float, ...]]

    @classmethod
    def pooled(cls, parts: Sequence[Robustness]) -> Robustness:
        """The sites of several scans together.

        Raises
        ------
        ValueError
            If there is no part, or they differ in their purifiers.
        """
        if len({tuple(sorted(part.purified)) for part in parts}) != 1:
            raise ValueError("only figures of the same purifiers can be pooled, and at least one is needed")
        return cls(
            unpurified=tuple(v for part in parts for v in part.unpurified),
            purified={name: tuple(v for part in parts for v in part.purified[name]) for name in parts[0].purified},
        )

    @property
    def rows(self) -> tuple[str, ...]:
        """The names that the figures below can be asked for: unpurified, each purifier, the worst case."""
        return (UNPURIFIED, *self.purified, WORST)

    def deviations(self, row: str) -> NDArray[np.float64]:
        """Deviations site by site, shape (n,).

        The worst case is the smallest of them at each site: of an attacker who tries every purifier, or none.
        """
        if row == UNPURIFIED:
            return np.array(self.unpurified)
        if row == WORST:
            return np.min([self.unpurified, *self.purified.values()], axis=0)
        return np.array(self.purified[row])

    def median(self, row: str) -> float:
        """Median deviation."""
        return float(np.median(self.deviations(row)))

    def median_interval(self, row: str) -> tuple[float, float]:
        """95 % bootstrap interval of `median`, resampling sites."""
        return bootstrap_interval(self.deviations(row))

    def proportion_disrupted(self, row: str) -> float:
        """Proportion of the sites, 0 to 1, whose deviation exceeds 0.0125."""
        return float(_proportion_over(self.deviations(row)[None])[0])

    def proportion_disrupted_interval(self, row: str) -> tuple[float, float]:
        """95 % bootstrap interval of `proportion_disrupted`."""
        return bootstrap_interval(self.deviations(row), _proportion_over)

    def proportion_kept(self, row: str) -> float:
        """`proportion_disrupted` over that of the unpurified scan; NaN where that is zero."""
        return self._kept(row, _ratio_of_proportions)

    def proportion_kept_interval(self, row: str) -> tuple[float, float]:
        """95 % bootstrap interval of `proportion_kept`; a resample without a disrupted site counts as nothing kept."""
        return self._kept_interval(row, _ratio_of_proportions)

    def median_kept(self, row: str) -> float:
        """`median` over that of the unpurified scan; NaN where that is zero."""
        return self._kept(row, ratio_of_medians)

    def median_kept_interval(self, row: str) -> tuple[float, float]:
        """95 % bootstrap interval of `median_kept`."""
        return self._kept_interval(row, ratio_of_medians)

    def _kept(self, row: str, ratio: Statistic) -> float:
        # Over itself it is 1, unless there is nothing to keep.
        whole, found = self._pairs(UNPURIFIED), self._pairs(row)
        return float(ratio(found[None])[0]) if ratio(whole[None])[0] > 0 else math.nan

    def _kept_interval(self, row: str, ratio: Statistic) -> tuple[float, float]:
        if math.isnan(self._kept(row, ratio)):
            return (math.nan, math.nan)
        return bootstrap_interval(self._pairs(row), ratio)

    def _pairs(self, row: str) -> NDArray[np.float64]:
        return np.stack([self.deviations(row), self.deviations(UNPURIFIED)], axis=1)


def purify_at(
    original: CTVolume,
    protected: CTVolume,
    sites: Sequence[Voxel],
    *,
    purifiers: Sequence[str] = tuple(PURIFIERS),
    seed: int = 0,
    progress: Progress = silent,
) -> PurifiedSites:
    """Purify two versions of a scan around some sites.

    Parameters
    ----------
    original, protected : CTVolume
        On one grid; they stay as they are.
    sites : sequence of tuple of int
        Voxels (z, y, x), at least one.
    purifiers : sequence of str
        Names of `PURIFIERS`.
    seed : int
        Fixes the noise that some purifiers add: another at each site, the same for both versions.
    progress : callable
        Told (done, total); may raise `Cancelled`.

    Returns
    -------
    PurifiedSites
        The cuboids around the sites. They were purified with as much around them as a purifier reaches, so the result
        is that of purifying the whole scan; but JPEG 2000 codes the slices of this crop, which is harder on a site in
        the lung than coding whole slices, and noise is drawn site by site.

    Raises
    ------
    AttackError
        If there is no such purifier.
    ProtectionError
        If the two are not versions of one scan.
    """
    check_purifiers(purifiers)
    check_versions(original, protected)
    seeds = np.random.SeedSequence(seed).generate_state(len(sites))
    found: dict[str, tuple[PurifiedSite, ...]] = {
        UNPURIFIED: tuple(_around(original, protected, site) for site in sites)
    }
    for done, name in enumerate(purifiers):
        if PURIFIERS[name].whole:
            both = purify(original, name, seed=seed), purify(protected, name, seed=seed)
            found[name] = tuple(_around(*both, site) for site in sites)
        else:
            pieces = []
            for i, (site, place_seed) in enumerate(zip(sites, seeds, strict=True)):
                pieces.append(_purified_around(original, protected, site, name, int(place_seed)))
                progress(done * len(sites) + i + 1, len(purifiers) * len(sites))
            found[name] = tuple(pieces)
        progress((done + 1) * len(sites), len(purifiers) * len(sites))
    return PurifiedSites(original.spacing, found)


def robustness(attacker: Attacker, sites: PurifiedSites, *, progress: Progress = silent) -> Robustness:
    """Attack what was purified, at every site and after every purifier.

    Parameters
    ----------
    attacker : Attacker
        Who attacks.
    sites : PurifiedSites
        From `purify_at`; the same can be used for all attackers.
    progress : callable
        Told (done, total); may raise `Cancelled`.

    Returns
    -------
    Robustness

    Raises
    ------
    AttackError
        If the attacker looks at more than what was purified around each site.
    """
    check_local([attacker])
    deviations = {}
    for done, (name, pieces) in enumerate(sites.found.items(), start=1):
        protected = _painted(attacker, [(p.protected, p.at) for p in pieces], sites.spacing)
        original = _painted(attacker, [(p.original, p.at) for p in pieces], sites.spacing)
        deviations[name] = tuple(deviation(protected, original).tolist())
        progress(done, len(sites.found))
    return Robustness(deviations.pop(UNPURIFIED), deviations)


def check_local(attackers: Iterable[Attacker]) -> None:
    """Refuse attackers that look at more of a scan than what is purified around a site.

    Raises
    ------
    AttackError
        If there is one.
    """
    for attacker in attackers:
        if not attacker.local:
            raise AttackError(
                f"the attacker '{attacker.name}' looks at the whole scan, and robustness is measured on the 32 mm "
                "around each site; leave out one of the two."
            )


def _around(original: CTVolume, protected: CTVolume, site: Voxel) -> PurifiedSite:
    """The cuboid around a site, as it is in both versions."""
    from napari_mits_gan.attack.cuboid import cuboid_shape
    from napari_mits_gan.ct.grid import Box

    box = Box.around(site, cuboid_shape(original.spacing)).inside(original.shape)
    z, y, x = (c - first for c, first in zip(site, box.low, strict=True))
    return PurifiedSite((z, y, x), original.hu[box.slices()].copy(), protected.hu[box.slices()].copy())


def _purified_around(original: CTVolume, protected: CTVolume, site: Voxel, name: str, seed: int) -> PurifiedSite:
    """The cuboid around a site after both versions were purified, with the margin that this takes."""
    from napari_mits_gan.attack.cuboid import cuboid_shape
    from napari_mits_gan.ct.grid import Box

    reach = PURIFIERS[name].reach(original.spacing)
    shape = cuboid_shape(original.spacing)
    cuboid = Box.around(site, shape)
    low = (cuboid.low[0] - reach[0], cuboid.low[1] - reach[1], cuboid.low[2] - reach[2])
    wide = (shape[0] + 2 * reach[0], shape[1] + 2 * reach[1], shape[2] + 2 * reach[2])
    crop = Box(low, wide).inside(original.shape)
    purified = [purify(scan.crop(crop), name, seed=seed) for scan in (original, protected)]
    z, y, x = (c - first for c, first in zip(site, crop.low, strict=True))
    # Cut once more: the margin is not as it would be in the whole scan.
    return _around(purified[0], purified[1], (z, y, x))


def _painted(
    attacker: Attacker, crops: Sequence[tuple[NDArray[np.int16], Voxel]], spacing: Spacing
) -> NDArray[np.float32]:
    """What the attacker paints into the cores, shape (n, z, y, x), normalised; for each crop and the site in it."""
    return attacker.cores([(CTVolume(hu, spacing), at) for hu, at in crops])


def _proportion_over(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Proportion of each row over the threshold; shape (resamples, n) to (resamples,)."""
    return np.asarray(np.mean(samples > DISRUPTED_ABOVE, axis=1))


def _ratio_of_proportions(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Proportion of the first column over that of the second; shape (resamples, n, 2) to (resamples,)."""
    over = np.mean(samples > DISRUPTED_ABOVE, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = over[:, 0] / over[:, 1]
    return np.where(over[:, 0] == 0, 0.0, ratios)
