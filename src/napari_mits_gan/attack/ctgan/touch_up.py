"""The last stages of tampering: repair of outliers, noise copied from elsewhere in the lung, and blending.

CT-GAN (USENIX Security 2019), section 5.3 'Touch-ups'; published code `procedures/attack_pipeline.py`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor

from napari_mits_gan.attack.cuboid import cuboid_shape
from napari_mits_gan.ct.grid import Spacing, Voxel

REPAIR_ABOVE_HU = 2000.0
FLOOR_HU = -1000.0
NOISE_BELOW_HU = -800.0
_REPAIR_SIDE = 5
_REACH = 1.3
"""The touched box is this much larger than the cuboid."""
_SPOT = (0.5, 0.43, 0.27)
"""Where noise is copied from, in parts of the scan's shape (z, y, x)."""
_INJECT_KERNEL_SIGMAS = 3.0
_REMOVE_KERNEL_SIGMAS = 0.1


class _SequentialMean(torch.autograd.Function):
    """Replace listed voxels, one after the other, by the mean of their 5 x 5 x 5 neighbourhood as it then is."""

    @staticmethod
    def forward(ctx: Any, cube: Tensor, voxels: NDArray[np.int64]) -> Tensor:
        padded = np.pad(cube.detach().cpu().numpy(), _REPAIR_SIDE // 2, constant_values=FLOOR_HU)
        centre = _REPAIR_SIDE // 2
        for z, y, x in voxels:
            block = padded[z : z + _REPAIR_SIDE, y : y + _REPAIR_SIDE, x : x + _REPAIR_SIDE]
            padded[z + centre, y + centre, x + centre] = block.mean()
        ctx.voxels = voxels
        inner = padded[centre:-centre, centre:-centre, centre:-centre]
        return torch.from_numpy(np.ascontiguousarray(inner)).to(cube.device)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        gradient = gradients[0]
        centre = _REPAIR_SIDE // 2
        padded = np.pad(gradient.cpu().numpy(), centre)
        for z, y, x in ctx.voxels[::-1]:
            share = padded[z + centre, y + centre, x + centre] / _REPAIR_SIDE**3
            padded[z + centre, y + centre, x + centre] = 0
            padded[z : z + _REPAIR_SIDE, y : y + _REPAIR_SIDE, x : x + _REPAIR_SIDE] += share
        inner = padded[centre:-centre, centre:-centre, centre:-centre]
        return torch.from_numpy(np.ascontiguousarray(inner)).to(gradient.device), None


def repair(cube: Tensor) -> Tensor:
    """Mend what the saturated output became: above 2000 HU the local mean, below -1000 HU the floor.

    Parameters
    ----------
    cube : Tensor of float, shape (z, y, x)
        HU, at 1 mm.

    Returns
    -------
    Tensor, shape (z, y, x)
        A repaired voxel may still exceed 2000 HU where its neighbours do, as in the original.
    """
    voxels = torch.nonzero(cube.detach() > REPAIR_ABOVE_HU).cpu().numpy()
    if len(voxels):
        cube = _SequentialMean.apply(cube, voxels)  # type: ignore[no-untyped-call]
    return cube.clamp(min=FLOOR_HU)


@lru_cache(maxsize=64)
def _profile(n: int, sigmas: float) -> NDArray[np.float64]:
    interval = (2 * sigmas + 1) / n
    return np.sqrt(np.diff(norm.cdf(np.linspace(-sigmas - interval / 2, sigmas + interval / 2, n + 1))))


@lru_cache(maxsize=64)
def _kernel(shape: tuple[int, ...], sigmas: float) -> NDArray[np.float64]:
    """Product of Gaussian profiles over the axes of `shape`, stretched to 0 ... 1."""
    kernel = np.ones(shape)
    for axis, n in enumerate(shape):
        view = [1] * len(shape)
        view[axis] = n
        kernel = kernel * _profile(n, sigmas).reshape(view)
    low, high = kernel.min(), kernel.max()
    return (kernel - low) / (high - low) if high > low else np.ones(shape)


def blend_kernel(shape: tuple[int, int, int], action: str, like: Tensor, *, fade_in_z: bool) -> Tensor:
    """Weights, 0 to 1, with which the tampered cuboid replaces the scan.

    Parameters
    ----------
    shape : tuple of int
        Number of voxels (z, y, x) of the touched box.
    action : {"inject", "remove"}
        Injection fades with a Gaussian cut at 3 sigmas, removal with one cut at 0.1 sigmas.
    like : Tensor
        Gives the data type and the device.
    fade_in_z : bool
        False fades within the slice only, as published; True along z as well.
    """
    sigmas = _INJECT_KERNEL_SIGMAS if action == "inject" else _REMOVE_KERNEL_SIGMAS
    kernel = _kernel(shape if fade_in_z else shape[1:], sigmas)
    return torch.as_tensor(kernel, dtype=like.dtype, device=like.device).expand(shape)


def touched_shape(spacing: Spacing, *, cubic: bool) -> tuple[int, int, int]:
    """Number of voxels (z, y, x) of the box that noise is copied into.

    Parameters
    ----------
    spacing : tuple of float
        mm (z, y, x).
    cubic : bool
        True has as many voxels along each axis, as published; False goes by the spacing.
    """
    shape = cuboid_shape(spacing)
    z, y, x = (int(n * _REACH) for n in ((max(shape),) * 3 if cubic else shape))
    return z, y, x


def noise_spot(shape: tuple[int, ...]) -> Voxel:
    """The voxel in the middle of the box that noise is copied from, in a scan of `shape` (z, y, x)."""
    z, y, x = (int(n * part) for n, part in zip(shape, _SPOT, strict=True))
    return z, y, x


def noise_from(source: Tensor) -> Tensor | None:
    """Noise, with mean 0, of a box of lung: everything above -800 HU is replaced by the mean of the rest.

    Returns None where the box holds nothing below -800 HU (the original then fills the box with NaN).
    """
    lung = source < NOISE_BELOW_HU
    if not bool(lung.any()):
        return None
    mean = (source * lung).sum() / lung.sum()
    flattened = torch.where(source > NOISE_BELOW_HU, mean, source)
    return flattened - flattened.mean()


def blend(tampered: Tensor, noise: Tensor, original: Tensor, kernel: Tensor, action: str) -> Tensor:
    """Add noise to the tampered box and blend it with the original one; all of shape (z, y, x), HU."""
    if action == "inject":
        factors = torch.sigmoid((tampered + 700) / 70) * kernel
        return torch.maximum((tampered + noise) * factors + original * (1 - factors), original)
    return (tampered + noise) * kernel + original * (1 - kernel)
