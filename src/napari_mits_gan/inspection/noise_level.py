"""Lung that is too quiet: a scanner leaves noise everywhere, an interpolation or a smoothing leaves none.

The noise of a CT changes slowly from place to place and with the slice (dose and attenuation), so lung whose noise is
far below that of the lung in the same slices was painted, smoothed or resampled. Noise that is inconsistent with its
surroundings is the oldest trace of splicing in photographs (Mahdian, Saic, 'Using noise inconsistencies for blind
image forensics', Image and Vision Computing 27:1497, 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.inspection.blocks import BLOCK, block_mean
from napari_mits_gan.inspection.contract import Calibrated, Trace
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.false_alarms import Tail
from napari_mits_gan.inspection.outline import outline_of_score
from napari_mits_gan.inspection.peaks import peaks
from napari_mits_gan.progress import Progress, silent

_SLAB_MM = 15.0
"""The usual noise is that of the slices within this distance."""
_LUNG_HU = (-960.0, -600.0)
"""Mean HU of what is looked at: air is often cut off at the least HU that a scan stores, and has no noise either."""
_LEAST_SPREAD = 0.15
"""Of the noise's logarithm; in real lungs it is 0.16 and more."""
_FEWEST_BLOCKS = 50
_SAME_MM = 12.0
_POWER_MM = 2.0
"""Over a Gaussian this wide the noise is measured: narrower than what is painted, so that little of its edge counts."""
_LEAST_POWER = 1e-4
_SMOOTH_MM = 2.0
_RADIUS_MM = 8.0


@dataclass(frozen=True)
class NoiseLevel(Calibrated):
    """Looks for lung with less noise than the lung around it."""

    name = "noise level"
    share = 0.1
    tail = Tail(3.0, 0.26, 3.0)  # of 77 inspections of untouched scans three reach 3.5, the highest 4.1

    def traces(self, scan: ExaminedScan, *, progress: Progress = silent) -> Sequence[Trace]:
        """See `Method`; the score is in standard deviations of the noise's logarithm over the lung."""
        score, quieter = self.evidence(scan, progress=progress)
        dz, dy, dx = scan.spacing
        found = []
        for at, value in peaks(score, self.tail.score, _SAME_MM, (dz, BLOCK * dy, BLOCK * dx)):
            percent = 100 * float(quieter[at])
            sentence = f"The lung here has {percent:.0f} % of the noise of the lung in the slices around."
            middle = scan.middle(at)
            outline = outline_of_score(scan, middle, score, _RADIUS_MM)
            found.append(Trace(middle, "noise too low", value, sentence, _RADIUS_MM, outline=outline))
        return found

    def highest(self, scan: ExaminedScan) -> float | None:
        """See `Method`."""
        return float(self.evidence(scan)[0].max())

    def evidence(
        self, scan: ExaminedScan, *, progress: Progress = silent
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The score of each block of the examined region, and its noise as a part of the usual one."""
        progress(0, 2)
        hu = block_mean(scan.hu)
        inside = block_mean(scan.lungs.view(np.uint8)) >= 1
        size = [2 * max(1, round(3.0 / mm / (1 if axis == 0 else BLOCK))) + 1 for axis, mm in enumerate(scan.spacing)]
        inside = ndimage.minimum_filter(inside.view(np.uint8), size) > 0
        inside &= (hu > _LUNG_HU[0]) & (hu < _LUNG_HU[1])
        progress(1, 2)
        level = 0.5 * np.log(scan.smoothed(scan.power, _POWER_MM) + _LEAST_POWER)
        usual = np.zeros(len(level), dtype=np.float32)
        for z in range(len(level)):
            around = scan.depth(z, _SLAB_MM)
            values = level[around][inside[around]]
            if values.size < _FEWEST_BLOCKS:
                inside[z] = False
            else:
                usual[z] = np.median(values)
        away = level - usual[:, None, None]
        if not inside.any():
            return np.zeros_like(level), np.ones_like(level)
        spread = max(_LEAST_SPREAD, 1.4826 * float(np.median(np.abs(away[inside]))))
        progress(2, 2)
        score = np.where(inside, -away / spread, 0).astype(np.float32)
        # So that the peak lies in the middle of what is quiet.
        return scan.smoothed(score, _SMOOTH_MM), np.exp(away)
