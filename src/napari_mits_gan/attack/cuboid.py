"""Boxes of voxels around a click: their size, how they are cut out of a scan and pasted back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from napari_mits_gan.errors import AttackError

CUBOID_MM = 32
"""Side in mm, and in voxels at 1 mm, of the cuboid that CT-GAN in-paints."""


@dataclass(frozen=True)
class Box:
    """A box of voxels, which may reach outside the scan.

    Parameters
    ----------
    low : tuple of int
        First voxel (z, y, x); may be negative.
    shape : tuple of int
        Number of voxels (z, y, x).
    """

    low: tuple[int, int, int]
    shape: tuple[int, int, int]

    @classmethod
    def around(cls, center: tuple[int, int, int], shape: tuple[int, int, int]) -> Box:
        """The box of `shape` around `center`; half lengths round half to even, as in the original's `cutCube`."""
        z, y, x = (int(c - np.round(n / 2)) for c, n in zip(center, shape, strict=True))
        return cls((z, y, x), shape)

    @property
    def high(self) -> tuple[int, int, int]:
        """One past the last voxel (z, y, x)."""
        return (self.low[0] + self.shape[0], self.low[1] + self.shape[1], self.low[2] + self.shape[2])

    def overlap(self, other: Box) -> Box:
        """The voxels that both boxes hold; a shape with a zero where they do not meet."""
        low = [max(a, b) for a, b in zip(self.low, other.low, strict=True)]
        high = [min(a, b) for a, b in zip(self.high, other.high, strict=True)]
        shape = [max(0, h - lo) for lo, h in zip(low, high, strict=True)]
        return Box((low[0], low[1], low[2]), (shape[0], shape[1], shape[2]))

    def inside(self, scan_shape: tuple[int, ...]) -> Box:
        """The part of the box that lies in a scan of `scan_shape`."""
        return self.overlap(Box((0, 0, 0), (scan_shape[0], scan_shape[1], scan_shape[2])))

    def slices(self, within: Box | None = None) -> tuple[slice, slice, slice]:
        """Slices that select this box in the scan, or in an array that holds the box `within`."""
        low = within.low if within is not None else (0, 0, 0)
        z, y, x = (slice(a - b, a - b + n) for a, b, n in zip(self.low, low, self.shape, strict=True))
        return z, y, x


@lru_cache(maxsize=64)
def cuboid_shape(spacing: tuple[float, float, float]) -> tuple[int, int, int]:
    """Number of voxels (z, y, x) of the 32 mm cuboid at `spacing` mm, at least 2 along each axis."""
    z, y, x = (max(2, int(np.round(CUBOID_MM * (1.0 / s)))) for s in spacing)
    return z, y, x


def check_thickness(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> None:
    """Refuse a scan of `shape` voxels (z, y, x) that is thinner than a cuboid.

    Raises
    ------
    AttackError
        If it is.
    """
    for axis, n, mm in zip("zyx", shape, spacing, strict=True):
        if n * mm < CUBOID_MM:
            raise AttackError(
                f"the scan is only {n * mm:.0f} mm thick along {axis}, and an attack needs {CUBOID_MM} mm; "
                "choose a scan that covers more."
            )


def cut(scan: Tensor, box: Box, pad_hu: float | None) -> Tensor:
    """Copy of the voxels of `box`.

    Parameters
    ----------
    scan : Tensor, shape (z, y, x)
        HU.
    box : Box
        What to cut.
    pad_hu : float or None
        HU outside the scan; None repeats the scan's border voxels.

    Returns
    -------
    Tensor, shape `box.shape`
    """
    if box.inside(scan.shape) == box:
        return scan[box.slices()].clone()
    if pad_hu is None:
        piece = scan
        for axis in range(3):
            index = np.clip(np.arange(box.low[axis], box.high[axis]), 0, scan.shape[axis] - 1)
            first = int(index[0])
            piece = piece.narrow(axis, first, int(index[-1]) + 1 - first)
            piece = piece.index_select(axis, torch.as_tensor(index - first, device=scan.device))
        return piece
    out = scan.new_full(box.shape, pad_hu)
    return paste(out, box, scan, Box((0, 0, 0), (scan.shape[0], scan.shape[1], scan.shape[2])))


def paste(target: Tensor, target_box: Box, piece: Tensor, piece_box: Box) -> Tensor:
    """Copy of `target`, which holds `target_box`, with the voxels it shares with `piece_box` taken from `piece`."""
    shared = target_box.overlap(piece_box)
    if 0 in shared.shape:
        return target
    out = target.clone()
    out[shared.slices(within=target_box)] = piece[shared.slices(within=piece_box)]
    return out


def with_blank_core(cubes: Tensor, mask: tuple[int, int]) -> Tensor:
    """Copy of cubes, shape (..., z, y, x), whose voxels from `mask[0]` up to `mask[1]` on each axis are 0."""
    core = slice(*mask)
    keep = torch.ones(cubes.shape[-3:], dtype=cubes.dtype, device=cubes.device)
    keep[core, core, core] = 0
    return cubes * keep
