"""How a cuboid is cut out of a scan, blanked and pasted back."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from napari_mits_gan.ct.grid import Box


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
