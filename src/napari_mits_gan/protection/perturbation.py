"""From the generator's output to a perturbation that keeps each slice's local mean and the budget."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

ROI_MM = 10.0
"""Diameter of the disc over which the mean of a slice is kept: the usual region of interest."""


@lru_cache(maxsize=32)
def _disc(spacing_yx: tuple[float, float]) -> Tensor:
    ny, nx = (int(ROI_MM / 2 / s) for s in spacing_yx)
    y, x = np.ogrid[-ny : ny + 1, -nx : nx + 1]
    disc = ((y * spacing_yx[0]) ** 2 + (x * spacing_yx[1]) ** 2 <= (ROI_MM / 2) ** 2).astype(np.float32)
    return torch.from_numpy(disc / disc.sum())


def roi_reach(spacing_yx: tuple[float, float]) -> int:
    """Pixels that the disc reaches from its centre."""
    return max(_disc(spacing_yx).shape) // 2


def roi_mean(slices: Tensor, spacing_yx: tuple[float, float]) -> Tensor:
    """Mean over a disc of 10 mm around each pixel, 0 outside the array; shape (n, y, x)."""
    kernel = _disc(spacing_yx).to(slices)
    padding = (kernel.shape[0] // 2, kernel.shape[1] // 2)
    return functional.conv2d(slices[:, None], kernel[None, None], padding=padding)[:, 0]


def bounded(raw: Tensor, inside: Tensor, spacing_yx: tuple[float, float]) -> Tensor:
    """Take the local mean out and bound to plus and minus 1.

    Parameters
    ----------
    raw : Tensor, shape (n, y, x)
        The generator's output, in units of the budget.
    inside : Tensor, shape (n, y, x)
        1 where a voxel may change, 0 elsewhere.
    spacing_yx : tuple of float
        mm (y, x).

    Returns
    -------
    Tensor, shape (n, y, x)
        Within plus and minus 1, 0 outside; its mean over a disc of 10 mm nearly 0.
    """
    change = torch.tanh(raw - roi_mean(raw, spacing_yx)) * inside
    # Tanh and the mask bring some mean back; a second pass leaves little.
    return ((change - roi_mean(change, spacing_yx)) * inside).clamp(-1, 1)
