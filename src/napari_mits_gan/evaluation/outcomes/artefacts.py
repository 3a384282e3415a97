"""Artefacts that an attack may leave: a step at the border of what it touched, voxels as bright as metal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.grid import Box

METAL_HU = 1000
_BONE_ABOVE_HU = 300
_NEAR_BONE_MM = 3.0


@dataclass(frozen=True)
class BorderStep:
    """Mean absolute difference in HU across the faces of a box, before and after an attack."""

    before_hu: float
    after_hu: float

    @property
    def ratio(self) -> float:
        """After over before: 1 where the border is no different from the scan's own texture."""
        return self.after_hu / self.before_hu if self.before_hu > 0 else float("nan")


def border_step(before: NDArray[np.int16], after: NDArray[np.int16], box: Box) -> BorderStep:
    """The step across the faces of `box` that lie inside the scan, shape (z, y, x)."""
    steps = []
    for hu in (before, after):
        jumps = []
        for axis in range(3):
            cut = list(box.inside(hu.shape).slices())
            for first_inside in (box.low[axis], box.high[axis]):
                if 0 < first_inside < hu.shape[axis]:
                    cut[axis] = slice(first_inside - 1, first_inside + 1)
                    jumps.append(np.abs(np.diff(hu[tuple(cut)].astype(np.int32), axis=axis)).ravel())
        steps.append(float(np.concatenate(jumps).mean()) if jumps else float("nan"))
    return BorderStep(*steps)


def brightest_made(
    before: NDArray[np.int16], after: NDArray[np.int16], box: Box, spacing: tuple[float, float, float]
) -> float:
    """The brightest voxel, HU, that an attack changed in `box`, more than 3 mm from what was bone; -inf without one."""
    inside = box.inside(before.shape).slices()
    old, new = before[inside], after[inside]
    changed = old != new
    bone = old > _BONE_ABOVE_HU
    if bone.any():
        changed &= ndimage.distance_transform_edt(~bone, sampling=spacing) > _NEAR_BONE_MM
    return float(new[changed].max()) if changed.any() else float("-inf")
