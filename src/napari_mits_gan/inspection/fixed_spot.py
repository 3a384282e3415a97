"""CT-GAN's noise: copied into whatever it paints, always from the same spot of the scan.

CT-GAN (Mirsky, Mahler, Shelef, Elovici, USENIX Security 2019), section 5.3 'Touch-ups', published code
`procedures/attack_pipeline.py`: the noise of a box around half of the slices, 0.43 of the rows and 0.27 of the columns
is added to what the generator painted. A removal leaves that noise in the whole box, an injection only where the
nodule is brighter than the scan was. Both put it at a distance that the site alone decides, so the site follows from
where the correlation peaks, to the voxel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from napari_mits_gan.ct.grid import Box, Voxel
from napari_mits_gan.inspection.blocks import BLOCK, block_mean, each_voxel
from napari_mits_gan.inspection.contract import Calibrated, Trace
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.false_alarms import Tail
from napari_mits_gan.inspection.matched_filter import Slab, correlate, over_neighbours
from napari_mits_gan.inspection.outline import moved, outline_of_copy
from napari_mits_gan.inspection.peaks import peaks
from napari_mits_gan.progress import Progress, part_of, silent

_WIDE_MM = 9.8
"""Standard deviation of the Gaussian that weights the box: that of CT-GAN's own blending of an injection."""
_NARROW_MM = 7.0
"""The same for bright structures, which are smaller than the box."""
_BRIGHT_HU, _SOFT_HU = -700.0, 70.0
"""CT-GAN paints an injection as far as a sigmoid around this HU, with this width, says."""
_DARK = 0.1
"""How much the noise of lung counts where nodules are looked for, against that of what is bright: some is painted
there too, and a sum over the few voxels of a vessel alone is large by chance too often."""
_NEIGHBOURS_MM = (5.0, 7.0, 7.0)
_USUAL_PLACES = 1e7
"""Voxels in and near the lungs of a usual scan: the more are looked at, the higher the highest is by chance."""
_SAME_MM = 12.0
_OWN_MM = 8.0
"""The spot resembles itself, and what lies this near to it; an attack there copies from what it paints."""
_EDGE_MM = 4.0
"""The middle of a nodule at the pleura lies up to this far outside of the lungs."""
_LEAST_NOISE = 0.05
"""Share of the box that has to be lung; CT-GAN copies nothing of the rest."""
_NODULE_MM = 3.0
_BRIGHT_MM, _DARK_MM = 10.0, 16.0
"""Radius of what is painted at least, as a nodule or over one."""


@dataclass(frozen=True)
class FixedSpot(Calibrated):
    """Looks for noise of CT-GAN's fixed spot anywhere else.

    Parameters
    ----------
    spot : tuple of int or None
        Another voxel (z, y, x) to take for the fixed spot; None has CT-GAN's.
    """

    spot: Voxel | None = None

    name = "CT-GAN's fixed spot"
    share = 0.6
    tail = Tail(5.7, 0.13, 3.0)  # flatter than chance: of other spots than CT-GAN's, edges of the lungs reach 6.7

    def not_seen(self, scan: ExaminedScan) -> str | None:
        """See `Method`."""
        if self._copied(scan) is not None:
            return None
        return (
            f"the usual trace of CT-GAN: it copies noise around voxel {self.source(scan)} (z, y, x), which is no lung"
        )

    def traces(self, scan: ExaminedScan, *, progress: Progress = silent) -> Sequence[Trace]:
        """See `Method`; the score is the peak of the correlation over the root mean square around it.

        It is told as if the scan had the usual number of places: what chance would add in a larger one is taken off.
        """
        score = self.evidence(scan, progress=progress)
        if score is None:
            return []
        found = []
        spot, copied = self.source(scan), self._copied(scan)
        assert copied is not None
        noise, box = copied
        for at, value in peaks(score, self.tail.score, _SAME_MM, scan.spacing):
            voxel = scan.in_scan(at)
            bright = _is_bright(scan, at)
            what = "a nodule painted into the scan" if bright else "something painted over"
            found.append(
                Trace(
                    voxel,
                    "copied noise",
                    value,
                    f"The noise here is that of voxel {spot} (z, y, x), from where CT-GAN copies it: {what}.",
                    _BRIGHT_MM if bright else _DARK_MM,
                    spot,
                    outline_of_copy(
                        scan, voxel, noise, moved(box, spot, voxel), least_mm=_BRIGHT_MM if bright else _DARK_MM
                    ),
                )
            )
        return found

    def highest(self, scan: ExaminedScan) -> float | None:
        """See `Method`."""
        score = self.evidence(scan)
        return None if score is None else float(score.max())

    def source(self, scan: ExaminedScan) -> Voxel:
        """The voxel around which noise would be copied from."""
        from napari_mits_gan.attack.ctgan.touch_up import noise_spot

        return noise_spot(scan.volume.shape) if self.spot is None else self.spot

    def evidence(self, scan: ExaminedScan, *, progress: Progress = silent) -> NDArray[np.float32] | None:
        """The score at each voxel of the examined region; None where the spot shows no noise to be copied."""
        copied = self._copied(scan)
        if copied is None:
            return None
        noise, box = copied
        spot = self.source(scan)
        middle = tuple(s - low for s, low in zip(spot, box.low, strict=True))
        away = [(np.arange(n) - m) * mm for n, m, mm in zip(box.shape, middle, scan.spacing, strict=True)]
        square = sum(np.ix_(*(a.astype(np.float32) ** 2 for a in away)))
        neighbours = tuple(max(2, round(mm / s)) for mm, s in zip(_NEIGHBOURS_MM, scan.spacing, strict=True))
        own = tuple(s - low for s, low in zip(spot, scan.region.low, strict=True))

        def compare(values: Slab, sigma_mm: float, part: Progress) -> NDArray[np.float32]:
            piece = noise * np.exp(-square / (2 * sigma_mm**2), dtype=np.float32)
            found = correlate(values, scan.region.shape, piece, middle, progress=part)
            _forget(found, own, scan)
            return found

        hu, residual = scan.hu, scan.residual

        def bright(low: int, high: int) -> NDArray[np.float32]:
            return residual[low:high] * (brightness(hu[low:high]) + _DARK)

        everywhere = compare(lambda low, high: residual[low:high], _WIDE_MM, part_of(progress, 0.0, 0.4))
        over_neighbours(everywhere, neighbours)
        nodules = compare(bright, _NARROW_MM, part_of(progress, 0.4, 0.8))
        over_neighbours(nodules, neighbours)
        score = np.maximum(everywhere, nodules, out=everywhere)
        del nodules
        near = _near_lungs(scan)
        more = _highest_by_chance(_USUAL_PLACES) - _highest_by_chance(float(BLOCK**2 * np.count_nonzero(near)))
        for z in range(len(score)):
            score[z] += more
            score[z] *= each_voxel(near, z, score.shape)
        progress(1, 1)
        return score

    def _copied(self, scan: ExaminedScan) -> tuple[NDArray[np.float32], Box] | None:
        """The residual of the noise as it is copied, and the box that it is copied from."""
        import torch

        from napari_mits_gan.attack.ctgan.touch_up import NOISE_BELOW_HU, noise_from, touched_shape

        box = Box.around(self.source(scan), touched_shape(scan.spacing, cubic=False)).inside(scan.volume.shape)
        hu = scan.volume.hu[box.slices()]
        if 0 in box.shape or np.mean(hu < NOISE_BELOW_HU) < _LEAST_NOISE:
            return None
        noise = noise_from(torch.from_numpy(hu.astype(np.float32)))
        if noise is None:
            return None
        return scan.whitening.residual(noise.numpy(), scan.spacing), box


def brightness(hu: NDArray[np.int16]) -> NDArray[np.float32]:
    """How much of an injection is painted where a voxel has these HU, 0 to 1."""
    low, high = -1100, 200
    table = 1 / (1 + np.exp(-(np.arange(low, high + 1, dtype=np.float32) - _BRIGHT_HU) / _SOFT_HU))
    found: NDArray[np.float32] = table[np.clip(hu, low, high).astype(np.int32) - low]
    return found


def _forget(found: NDArray[np.float32], own: tuple[int, ...], scan: ExaminedScan) -> None:
    """Leave out the spot itself."""
    reach = [max(2, round(_OWN_MM / mm)) for mm in scan.spacing]
    found[tuple(slice(max(0, o - r), max(0, o + r + 1)) for o, r in zip(own, reach, strict=True))] = 0


def _highest_by_chance(places: float) -> np.float32:
    """What one of so many normal variables is expected to reach."""
    return np.float32(-special.ndtri(1 / max(places, 2)))


def _near_lungs(scan: ExaminedScan) -> NDArray[np.bool_]:
    """Blocks of voxels in the lungs or close to them."""
    share = block_mean(scan.lungs.view(np.uint8))
    size = [2 * round(_EDGE_MM / mm / (1 if axis == 0 else BLOCK)) + 1 for axis, mm in enumerate(scan.spacing)]
    return np.asarray(ndimage.maximum_filter(share, size)) > 0


def _is_bright(scan: ExaminedScan, at: Voxel) -> bool:
    """Whether the middle of a trace is as bright as a nodule."""
    reach = [max(1, round(_NODULE_MM / mm)) for mm in scan.spacing]
    around = scan.hu[tuple(slice(max(0, a - r), a + r + 1) for a, r in zip(at, reach, strict=True))]
    return bool(np.median(around) > -500)
