"""Attacks on many sites of a scan, each on its own, without a copy of the scan for each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Attacker, Tampered
    from napari_mits_gan.ct.grid import Box, Voxel
    from napari_mits_gan.detection.detector import NoduleDetector

_SEEN_MM = 64
"""Side of what is cut out around an attack for the detector and for measurements: more than they look at."""


@dataclass(frozen=True, eq=False)
class AttackedSite:
    """The scan around one site, before and after an attack there.

    Parameters
    ----------
    seen : Box
        What the crops show, in the scan's voxels.
    at : tuple of int
        The attacked voxel (z, y, x) in the two crops.
    before, after : CTVolume
        The 64 mm around it, less where the scan ends.
    touched, cuboid, core : Box
        In the crops' voxels: all that the attack touched, and the pasted cuboid and the replaced core within; they may
        reach outside.
    normalised : ndarray of float32, shape (k, k, k)
        The core as the attacker painted it, normalised to -0.5 to 0.5; see `Attacker.cores`.
    """

    seen: Box
    at: Voxel
    before: CTVolume
    after: CTVolume
    touched: Box
    cuboid: Box
    core: Box
    normalised: NDArray[np.float32]

    def score(self, detector: NoduleDetector) -> float:
        """What a detector says of the site after the attack, 0 to 1."""
        return float(detector.scores(self.after, [self.at])[0])


@dataclass(frozen=True, eq=False)
class InpaintedCores:
    """The cores at n sites.

    Parameters
    ----------
    normalised : ndarray of float32, shape (n, k, k, k)
        What the attacker painted, normalised to -0.5 to 0.5; see `Attacker.cores`.
    before_hu, after_hu : tuple of n ndarrays of int16, each of shape (z, y, x)
        The core's voxels of the scan before and after the attack.
    scores : tuple of float
        What the detector says of each site after the attack, 0 to 1; empty where none was asked.
    """

    normalised: NDArray[np.float32]
    before_hu: tuple[NDArray[np.int16], ...]
    after_hu: tuple[NDArray[np.int16], ...]
    scores: tuple[float, ...] = ()


def inpainted_cores(
    attacker: Attacker,
    volume: CTVolume,
    at: Sequence[Voxel],
    *,
    detector: NoduleDetector | None = None,
    progress: Progress = silent,
) -> InpaintedCores:
    """Attack a scan at several sites, each on its own.

    Parameters
    ----------
    attacker : Attacker
        Who attacks.
    volume : CTVolume
        The scan; it stays as it is.
    at : sequence of tuple of int
        Voxels (z, y, x) in the scan.
    detector : NoduleDetector or None
        Says whether a nodule is there after each attack; None asks nobody.
    progress : callable
        Told how many sites are done.

    Returns
    -------
    InpaintedCores
        As `attacker.tamper` would leave them.
    """
    return gather_cores(attack_sites(attacker, volume, at, progress=progress), detector)


def gather_cores(sites: Iterable[AttackedSite], detector: NoduleDetector | None = None) -> InpaintedCores:
    """The cores of attacked sites, in their order; see `inpainted_cores`."""
    normalised, before, after, scores = [], [], [], []
    for site in sites:
        inside = site.core.inside(site.before.shape).slices()
        normalised.append(site.normalised)
        # Copied, so that the rest of the crop is let go.
        before.append(site.before.hu[inside].copy())
        after.append(site.after.hu[inside].copy())
        if detector is not None:
            scores.append(site.score(detector))
    return InpaintedCores(np.stack(normalised), tuple(before), tuple(after), tuple(scores))


def attack_sites(
    attacker: Attacker, volume: CTVolume, at: Sequence[Voxel], *, progress: Progress = silent
) -> Iterator[AttackedSite]:
    """Attack a scan at several sites, each on its own, and show the scan around each as `attacker.tamper` leaves it.

    Parameters are those of `inpainted_cores`.
    """
    spacing = volume.spacing
    for done, (site, found) in enumerate(zip(at, attacker.attacks(volume, at), strict=True), start=1):
        seen, after = _surroundings(volume, site, found)
        z, y, x = (c - first for c, first in zip(site, seen.low, strict=True))
        yield AttackedSite(
            seen=seen,
            at=(z, y, x),
            before=CTVolume(volume.hu[seen.slices()], spacing),
            after=CTVolume(after, spacing),
            touched=_within(attacker.touched(site, spacing), seen),
            cuboid=_within(attacker.cuboid(site, spacing), seen),
            core=_within(attacker.core(site, spacing), seen),
            normalised=found.core,
        )
        progress(done, len(at))


def _within(box: Box, seen: Box) -> Box:
    """A box of the scan in the voxels of what is seen of it."""
    from napari_mits_gan.ct.grid import Box

    z, y, x = (c - first for c, first in zip(box.low, seen.low, strict=True))
    return Box((z, y, x), box.shape)


def _surroundings(volume: CTVolume, site: Voxel, found: Tampered) -> tuple[Box, NDArray[np.int16]]:
    """The scan around a site after an attack, and where that lies in the scan."""
    from napari_mits_gan.ct.grid import Box

    z, y, x = (math.ceil(_SEEN_MM / s) for s in volume.spacing)
    seen = Box.around(site, (z, y, x)).inside(volume.shape)
    hu = volume.hu[seen.slices()].copy()
    both = found.box.overlap(seen)
    hu[both.slices(within=seen)] = found.hu[both.slices(within=found.box)]
    return seen, hu
