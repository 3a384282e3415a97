"""Noise that is unlike the scanner's: a small network on its texture, trained on the project's own attackers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.inspection.blocks import BLOCK
from napari_mits_gan.inspection.contract import Calibrated, Trace
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.false_alarms import Tail
from napari_mits_gan.inspection.outline import outline_of_score
from napari_mits_gan.inspection.peaks import peaks
from napari_mits_gan.inspection.texture import texture
from napari_mits_gan.progress import Progress, silent

_LARGEST = 20.0
"""Logits are cut off there: how unlike noise can be beyond all doubt shall not outweigh how far it reaches."""
_SMOOTH_MM = 4.0
"""What is painted is wider than this; odd spots of untouched lung are not."""
_SAME_MM = 12.0
_RADIUS_MM = 10.0


@dataclass(frozen=True)
class NoiseTexture(Calibrated):
    """Looks for lung whose noise has another texture than that of the lung around it.

    Parameters
    ----------
    weights : Path or None
        Of another network; None has the one that comes with the package.
    """

    weights: Path | None = None

    name = "noise texture"
    share = 0.2
    tail = Tail(1.6, 0.26, 1.15)  # of four scans kept out of training, as they are and treated

    def traces(self, scan: ExaminedScan, *, progress: Progress = silent) -> Sequence[Trace]:
        """See `Method`; the score is the network's logit, averaged over some millimetres."""
        dz, dy, dx = scan.spacing
        score = self.evidence(scan, progress=progress)
        sentence = "The noise here has another texture than in the lung around: painted, smoothed or resampled."
        found = []
        for at, value in peaks(score, self.tail.score, _SAME_MM, (dz, BLOCK * dy, BLOCK * dx)):
            middle = scan.middle(at)
            outline = outline_of_score(scan, middle, score, _RADIUS_MM)
            found.append(Trace(middle, "unlike noise", value, sentence, _RADIUS_MM, outline=outline))
        return found

    def highest(self, scan: ExaminedScan) -> float | None:
        """See `Method`."""
        return float(self.evidence(scan).max())

    def evidence(self, scan: ExaminedScan, *, progress: Progress = silent) -> NDArray[np.float32]:
        """The score of each block of the examined region; least where there is no lung."""
        from napari_mits_gan.inspection.texture_network import TEXTURE_WEIGHTS, load_texture, logits

        found = texture(scan, progress=progress)
        network = load_texture(self.weights or TEXTURE_WEIGHTS).network
        score = np.full(found.inside.shape, -_LARGEST, dtype=np.float32)
        score[found.inside] = np.clip(logits(network, found.features), -_LARGEST, _LARGEST)
        return scan.smoothed(score, _SMOOTH_MM)
