"""Small synthetic scans to seal, and ways to change them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.key import SealKey

KEY = SealKey(bytes(range(32)))
OTHER_KEY = SealKey(bytes(range(1, 33)))
PADDING_HU = -2000


def nonce(number: int) -> bytes:
    """A nonce for a test."""
    return hashlib.sha256(bytes([number])).digest()[:12]


def body(
    shape: tuple[int, int, int] = (12, 96, 112), seed: int = 0, padding: bool = False, noise: float = 20.0
) -> CTVolume:
    """A round body of tissue with two lungs, noise all over, and on wish padding outside the circle of view."""
    _, ny, nx = shape
    rng = np.random.default_rng(seed)
    y, x = (np.arange(ny) - ny / 2 + 0.5) / ny, (np.arange(nx) - nx / 2 + 0.5) / nx
    yy, xx = np.meshgrid(y, x, indexing="ij")
    hu = np.full((ny, nx), -980.0)
    hu[(yy / 0.4) ** 2 + (xx / 0.45) ** 2 < 1] = 40
    for side in (-1, 1):
        hu[(yy / 0.25) ** 2 + ((xx - side * 0.2) / 0.14) ** 2 < 1] = -850
    values = np.rint(hu + rng.normal(0, noise, shape)).astype(np.int16)
    outside = None
    if padding:
        outside = np.broadcast_to(yy**2 + xx**2 > 0.24, shape).copy()
        values[outside] = PADDING_HU
    return CTVolume(values, (2.5, 0.8, 0.7), (-30.0, -40.0, 100.0), padding=outside, name="body")


def with_hu(volume: CTVolume, hu: NDArray[np.int16], **changes: Any) -> CTVolume:
    """The volume with other voxels; padding is forgotten, as an attacker's copy or another reader may."""
    return replace(volume, hu=np.ascontiguousarray(hu), padding=None, **changes)
