"""What an attacker makes of the 20 mm core at many places, without copying the whole scan for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.attack.ctgan import CTGAN
    from napari_mits_gan.attack.cuboid import Box
    from napari_mits_gan.attack.pipeline import Place, Spacing, Tampering

_BATCH = 8
"""Places in-painted at once: enough to keep a CPU busy, little enough for any memory."""


@dataclass(frozen=True, eq=False)
class TamperedCores:
    """The cores at n places.

    Parameters
    ----------
    normalised : ndarray of float32, shape (n, 20, 20, 20)
        What the network painted, at 1 mm, clipped to plus and minus 0.5.
    before_hu, after_hu : tuple of n ndarrays of int16, each of shape (z, y, x)
        The core's voxels of the scan before and after the attack.
    """

    normalised: NDArray[np.float32]
    before_hu: tuple[NDArray[np.int16], ...]
    after_hu: tuple[NDArray[np.int16], ...]


def core_box(tampering: Tampering, at: Place, spacing: Spacing) -> Box:
    """The scan's voxels that the blanked core covers around `at`; the box may reach outside the scan."""
    from napari_mits_gan.attack.cuboid import CUBOID_MM, Box

    cuboid = tampering.cuboid(at, spacing)
    # The first and the last voxel of the 1 mm cube lie on those of the cuboid.
    first, last = (voxel / (CUBOID_MM - 1) for voxel in (tampering.mask[0], tampering.mask[1] - 1))
    low = [c + math.ceil(first * (n - 1)) for c, n in zip(cuboid.low, cuboid.shape, strict=True)]
    high = [c + math.floor(last * (n - 1)) + 1 for c, n in zip(cuboid.low, cuboid.shape, strict=True)]
    high = [max(h, lo + 1) for h, lo in zip(high, low, strict=True)]
    return Box((low[0], low[1], low[2]), (high[0] - low[0], high[1] - low[1], high[2] - low[2]))


def tampered_cores(
    attacker: CTGAN, volume: CTVolume, at: Sequence[Place], *, progress: Progress = silent
) -> TamperedCores:
    """Attack a scan at several places, each on its own.

    Parameters
    ----------
    attacker : CTGAN
        Who attacks.
    volume : CTVolume
        The scan; it stays as it is.
    at : sequence of tuple of int
        Voxels (z, y, x) in the scan.
    progress : callable
        Told how many places are done.

    Returns
    -------
    TamperedCores
        As `attacker.tamper` would leave them.
    """
    import torch

    from napari_mits_gan.attack.ctgan import scan_tensor
    from napari_mits_gan.attack.touch_up import repair

    tampering, spacing = attacker.tampering, volume.spacing
    device = next(attacker.weights.generator.parameters()).device
    low, high = tampering.mask
    normalised, before, after = [], [], []
    with torch.inference_mode():
        scan = scan_tensor(volume).to(device)
        for start in range(0, len(at), _BATCH):
            places = at[start : start + _BATCH]
            cubes = tampering.in_paint(tampering.masked(tampering.cut_at_1mm(scan, places, spacing)))
            core = cubes[:, low:high, low:high, low:high].clamp(-0.5, 0.5)
            normalised.append(core.float().cpu().numpy())
            for place, cube in zip(places, cubes, strict=True):
                cuboid_hu = tampering.to_scan_grid(repair(tampering.calibration.denormalise(cube)), spacing)
                box, hu = tampering.finish(scan, cuboid_hu, place, spacing)
                inside = core_box(tampering, place, spacing).inside(volume.shape)
                original = volume.hu[inside.slices()]
                changed = hu[inside.slices(within=box)].round().clamp(-32768, 32767).to(torch.int16).cpu().numpy()
                if volume.padding is not None:
                    changed = np.where(volume.padding[inside.slices()], original, changed)
                before.append(original)
                after.append(changed)
            progress(start + len(places), len(at))
    return TamperedCores(np.concatenate(normalised), tuple(before), tuple(after))
