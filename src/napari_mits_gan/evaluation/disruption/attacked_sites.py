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
    from napari_mits_gan.attack.ctgan.attacker import CTGAN
    from napari_mits_gan.attack.ctgan.pipeline import Tampering
    from napari_mits_gan.ct.grid import Box, Spacing, Voxel
    from napari_mits_gan.detection.detector import NoduleDetector

_BATCH = 8
"""Sites in-painted at once: enough to keep a CPU busy, little enough for any memory."""
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
        In the crops' voxels: all that the attack touched, and the 32 mm cuboid and the blanked core within; they may
        reach outside.
    normalised : ndarray of float32, shape (k, k, k)
        The core as the network painted it, at 1 mm, clipped to plus and minus 0.5.
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
    normalised : ndarray of float32, shape (n, 20, 20, 20)
        What the network painted, at 1 mm, clipped to plus and minus 0.5.
    before_hu, after_hu : tuple of n ndarrays of int16, each of shape (z, y, x)
        The core's voxels of the scan before and after the attack.
    scores : tuple of float
        What the detector says of each site after the attack, 0 to 1; empty where none was asked.
    """

    normalised: NDArray[np.float32]
    before_hu: tuple[NDArray[np.int16], ...]
    after_hu: tuple[NDArray[np.int16], ...]
    scores: tuple[float, ...] = ()


def core_box(tampering: Tampering, at: Voxel, spacing: Spacing) -> Box:
    """The scan's voxels that the blanked core covers around `at`; the box may reach outside the scan."""
    from napari_mits_gan.attack.ctgan.cuboid import CUBOID_MM
    from napari_mits_gan.ct.grid import Box

    cuboid = tampering.cuboid(at, spacing)
    # The first and the last voxel of the 1 mm cube lie on those of the cuboid.
    first, last = (voxel / (CUBOID_MM - 1) for voxel in (tampering.mask[0], tampering.mask[1] - 1))
    low = [c + math.ceil(first * (n - 1)) for c, n in zip(cuboid.low, cuboid.shape, strict=True)]
    high = [c + math.floor(last * (n - 1)) + 1 for c, n in zip(cuboid.low, cuboid.shape, strict=True)]
    high = [max(h, lo + 1) for h, lo in zip(high, low, strict=True)]
    return Box((low[0], low[1], low[2]), (high[0] - low[0], high[1] - low[1], high[2] - low[2]))


def inpainted_cores(
    attacker: CTGAN,
    volume: CTVolume,
    at: Sequence[Voxel],
    *,
    detector: NoduleDetector | None = None,
    progress: Progress = silent,
) -> InpaintedCores:
    """Attack a scan at several sites, each on its own.

    Parameters
    ----------
    attacker : CTGAN
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
    attacker: CTGAN, volume: CTVolume, at: Sequence[Voxel], *, progress: Progress = silent
) -> Iterator[AttackedSite]:
    """Attack a scan at several sites, each on its own, and show the scan around each as `attacker.tamper` leaves it.

    Parameters are those of `inpainted_cores`.
    """
    import torch

    from napari_mits_gan.attack.ctgan.attacker import scan_tensor

    tampering, spacing = attacker.tampering, volume.spacing
    device = next(attacker.weights.generator.parameters()).device
    low, high = tampering.mask
    scan = scan_tensor(volume).to(device)
    for start in range(0, len(at), _BATCH):
        sites = at[start : start + _BATCH]
        attacked = []
        with torch.inference_mode():
            found = tampering.cut_at_1mm(scan, sites, spacing)
            cubes = tampering.in_paint(tampering.masked(found))
            cores = cubes[:, low:high, low:high, low:high].clamp(-0.5, 0.5).float().cpu().numpy()
            for site, cube, found_hu, core in zip(sites, cubes, found, cores, strict=True):
                cuboid_hu = tampering.to_scan_grid(tampering.to_hu(cube, found_hu), spacing)
                box, hu = tampering.finish(scan, cuboid_hu, site, spacing)
                seen, changed = _surroundings(volume, site, box, hu.round().clamp(-32768, 32767).cpu().numpy())
                z, y, x = (c - first for c, first in zip(site, seen.low, strict=True))
                attacked.append(
                    AttackedSite(
                        seen=seen,
                        at=(z, y, x),
                        before=CTVolume(volume.hu[seen.slices()], spacing),
                        after=CTVolume(changed, spacing),
                        touched=_within(tampering.touched(site, spacing), seen),
                        cuboid=_within(tampering.cuboid(site, spacing), seen),
                        core=_within(core_box(tampering, site, spacing), seen),
                        normalised=core,
                    )
                )
        # Outside of inference mode, which must not stay on while the caller works.
        yield from attacked
        progress(start + len(sites), len(at))


def _within(box: Box, seen: Box) -> Box:
    """A box of the scan in the voxels of what is seen of it."""
    from napari_mits_gan.ct.grid import Box

    z, y, x = (c - first for c, first in zip(box.low, seen.low, strict=True))
    return Box((z, y, x), box.shape)


def _surroundings(
    volume: CTVolume, site: Voxel, box: Box, tampered_hu: NDArray[np.floating]
) -> tuple[Box, NDArray[np.int16]]:
    """The scan around a site after an attack that left `tampered_hu` in `box`, and where that lies in the scan."""
    from napari_mits_gan.ct.grid import Box

    z, y, x = (math.ceil(_SEEN_MM / s) for s in volume.spacing)
    seen = Box.around(site, (z, y, x)).inside(volume.shape)
    hu = volume.hu[seen.slices()].copy()
    both = box.overlap(seen)
    before, after = hu[both.slices(within=seen)], tampered_hu[both.slices(within=box)].astype(np.int16)
    if volume.padding is not None:
        after = np.where(volume.padding[both.slices()], before, after)
    hu[both.slices(within=seen)] = after
    return seen, hu
