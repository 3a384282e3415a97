"""From the generator's output to a perturbation that keeps each slice's local mean and the budget."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from napari_mits_gan.ct.constants import REGION_OF_INTEREST_MM as ROI_MM

_LARGEST_MEAN = 0.1
"""The mean over that disc, in units of the budget, above which the change is weakened around it."""


@lru_cache(maxsize=32)
def _half_widths(spacing_yx: tuple[float, float]) -> tuple[int, ...]:
    """For each row of the disc, from its middle down, how many pixels it reaches to either side."""
    rows = int(ROI_MM / 2 / spacing_yx[0])
    radius = ROI_MM / 2
    return tuple(int((radius**2 - (row * spacing_yx[0]) ** 2) ** 0.5 / spacing_yx[1] + 1e-9) for row in range(rows + 1))


def roi_reach(spacing_yx: tuple[float, float]) -> int:
    """Pixels that the disc reaches from its centre."""
    widths = _half_widths(spacing_yx)
    return max(len(widths) - 1, widths[0])


def _disc_mean(slices: Tensor, spacing_yx: tuple[float, float]) -> Tensor:
    widths = _half_widths(spacing_yx)
    reach_y, reach_x = len(widths) - 1, widths[0]
    rows, columns = slices.shape[-2:]
    # Sums along x by differences of running sums: a disc of 13 x 13 pixels costs 13 differences, not 137 products.
    padded = functional.pad(slices, (reach_x + 1, reach_x, reach_y, reach_y))
    running = padded.cumsum(dim=-1)
    total = torch.zeros_like(slices)
    for dy in range(-reach_y, reach_y + 1):
        w = widths[abs(dy)]
        band = running[..., reach_y + dy : reach_y + dy + rows, :]
        total += band[..., reach_x + 1 + w : reach_x + 1 + w + columns]
        total -= band[..., reach_x - w : reach_x - w + columns]
    return total / (2 * sum(2 * w + 1 for w in widths) - (2 * widths[0] + 1))


class _DiscMean(torch.autograd.Function):
    """The mean over a disc, zero outside the array: symmetric, so it is its own gradient."""

    @staticmethod
    def forward(ctx: Any, slices: Tensor, spacing_yx: tuple[float, float]) -> Tensor:
        ctx.spacing_yx = spacing_yx
        return _disc_mean(slices, spacing_yx)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _disc_mean(gradients[0], ctx.spacing_yx), None


def roi_mean(slices: Tensor, spacing_yx: tuple[float, float]) -> Tensor:
    """Mean over a disc of 10 mm around each pixel, 0 outside the array; shape (n, y, x)."""
    mean: Tensor = _DiscMean.apply(slices, spacing_yx)  # type: ignore[no-untyped-call]
    return mean


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
    change = ((change - roi_mean(change, spacing_yx)) * inside).clamp(-1, 1)
    # Where pixels are coarse, a disc of few of them does not average stripes out, and no pass helps: less of them does.
    means = roi_mean(change, spacing_yx).abs()
    if means.max() <= _LARGEST_MEAN:
        return change
    around = _largest_around(means, roi_reach(spacing_yx))
    return change * (_LARGEST_MEAN / around.clamp(min=_LARGEST_MEAN))


def _largest_around(values: Tensor, reach: int) -> Tensor:
    """The largest value in a square around each pixel, along one axis after the other: the same, and much faster."""
    across = functional.max_pool2d(values[:, None], (1, 2 * reach + 1), 1, (0, reach))
    return functional.max_pool2d(across, (2 * reach + 1, 1), 1, (reach, 0))[:, 0]
