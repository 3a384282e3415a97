"""Where the mark of a scan is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.mark.find_mark import FoundMark, find_mark
from napari_mits_gan.evidence.mark.likelihood import BinGrid, likelihood_in_bins, residual_floor
from napari_mits_gan.evidence.mark.number import marked_layer
from napari_mits_gan.evidence.mark.pattern import Part, VoxelPattern
from napari_mits_gan.evidence.mark.region import box_around, looked_at
from napari_mits_gan.evidence.mark.windows import WINDOWS, absence
from napari_mits_gan.evidence.side_by_side import side_by_side
from napari_mits_gan.progress import Progress, part_of, silent

THRESHOLD = 8.3
"""Standard deviations from which on the mark is missing; docs/mark.md says how it was measured."""
MOST_LEFT = 0.5
"""Where more than this share of the mark is there, it is weak and not missing."""
_FINDING, _SUMMING = 0.4, 0.9
"""How far the work is when the mark is found, and when all slices were held against it."""


@dataclass(frozen=True, eq=False)
class MarkExamination:
    """What was found of a mark.

    Parameters
    ----------
    found : FoundMark
        The mark.
    grid : BinGrid
        Bins of about 2 mm that were looked at.
    score : ndarray of float32, shape (bins z, y, x)
        By how many standard deviations there is less of the mark than elsewhere, the worst of all windows; at most 0
        where more than half of it is there.
    missing : ndarray of bool, same shape
        Where it is missing.
    judged : ndarray of bool, same shape
        Where that can be said.
    """

    found: FoundMark
    grid: BinGrid
    score: NDArray[np.float32]
    missing: NDArray[np.bool_]
    judged: NDArray[np.bool_]


def examine_mark(volume: CTVolume, key: SealKey, progress: Progress = silent) -> MarkExamination | None:
    """Look for the mark of a key, and where it is missing.

    Parameters
    ----------
    volume : CTVolume
        The scan. It may have been re-encoded, filtered, cropped or resampled; its geometry must still say where in the
        patient it lies.
    key : SealKey
        The key that it was marked with.
    progress : Progress
        Called with steps done and their number.

    Returns
    -------
    MarkExamination or None
        None if there is no mark of this key.
    """
    # Asked meanwhile whether to go on: finding lungs takes seconds.
    (looked,) = side_by_side(lambda scan: _look(scan, key), [volume], part_of(progress, 0, _FINDING))
    if looked is None:
        progress(1000, 1000)
        return None
    found, inside, part, floor = looked
    grid = BinGrid.over(volume, part)
    pattern = VoxelPattern(volume, found.pitch, marked_layer(key, found.number), part)
    of_all, of_bright = likelihood_in_bins(volume, inside, pattern, grid, floor, part_of(progress, _FINDING, _SUMMING))
    bin_mm, voxel_mm3 = grid.bin_mm(volume.spacing), float(np.prod(volume.spacing))
    score = np.full(grid.shape, -np.inf, np.float32)
    for done, window in enumerate(WINDOWS):
        part_of(progress, _SUMMING, 1)(done, len(WINDOWS))
        seen = absence(of_bright if window.bright else of_all, window, bin_mm, voxel_mm3)
        score = np.maximum(score, np.where(seen.share <= MOST_LEFT, seen.score, np.minimum(seen.score, 0)))
    progress(1000, 1000)
    return MarkExamination(found, grid, score, score >= THRESHOLD, np.isfinite(score))


def carries_mark(volume: CTVolume, key: SealKey, progress: Progress = silent) -> bool:
    """Whether a scan has a mark of this key; `progress` is asked whether to go on."""
    (looked,) = side_by_side(lambda scan: _look(scan, key), [volume], progress)
    return looked is not None


def _look(volume: CTVolume, key: SealKey) -> tuple[FoundMark, NDArray[np.bool_], Part, float] | None:
    """The mark, where to look for it, the box around that, and the residual's floor there; None if there is no mark."""
    inside = looked_at(volume)
    if not inside.any():
        return None
    part = box_around(inside)
    floor = residual_floor(volume, inside, part)
    found = find_mark(volume, key, inside, part, floor)
    return None if found is None else (found, inside, part, floor)
