"""What is said of a mark: where it is missing, each place in a sentence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.mark.detect import MarkExamination
from napari_mits_gan.evidence.verdict import Box, Finding, Kind

_MOST_PLACES = 20


def mark_findings(volume: CTVolume, seen: MarkExamination) -> Iterator[Finding]:
    """Places where the mark is missing, the largest first."""
    labels, count = ndimage.label(seen.missing, np.ones((3, 3, 3)))
    if not count:
        return
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    boxes = ndimage.find_objects(labels)
    ranked = np.argsort(-sizes, kind="stable")
    for label in ranked[:_MOST_PLACES]:
        box = _voxels(seen, boxes[label])
        yield Finding(Kind.MARK_MISSING, f"{_where(volume, box)}: the mark is missing.", box)
    rest = len(ranked) - _MOST_PLACES
    if rest > 0:
        yield Finding(Kind.MARK_MISSING, f"The mark is missing in {rest} smaller places too.")


def _voxels(seen: MarkExamination, bins: tuple[slice, ...]) -> Box:
    z, y, x = (
        (part.start + span.start * size, min(part.start + span.stop * size, part.stop))
        for span, part, size in zip(bins, seen.grid.part, seen.grid.size, strict=True)
    )
    return z, y, x


def _where(volume: CTVolume, box: Box) -> str:
    (z0, z1), (y0, y1), (x0, x1) = box
    slices = f"Slice {z0}" if z1 - z0 == 1 else f"Slices {z0} to {z1 - 1}"
    x, y, z = volume.world_from_voxel(((z0 + z1 - 1) / 2, (y0 + y1 - 1) / 2, (x0 + x1 - 1) / 2))
    return f"{slices}, rows {y0} to {y1 - 1}, columns {x0} to {x1 - 1}, around ({x:.0f}, {y:.0f}, {z:.0f}) mm (x, y, z)"
