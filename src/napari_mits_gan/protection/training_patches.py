"""What the protection is trained on: patches of lung around random clicks, with the body and the spacing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_mits_gan.attack.cuboid import CUBOID_MM, cuboid_shape
from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.lung_voxels import lung_voxels
from napari_mits_gan.ct.volume import CTVolume

MARGIN = 8
"""Pixels around the cuboid that are perturbed too, so that the network sees no edge there."""


class TrainingPatches:
    """Patches of scans around random clicks in their lungs.

    Parameters
    ----------
    volumes : sequence of CTVolume
        Chest CTs.
    seed : int
        Fixes what is drawn.
    """

    def __init__(self, volumes: Sequence[CTVolume], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._volumes = list(volumes)
        self._bodies = [body_mask(volume) for volume in volumes]
        # As int16, since all the voxels of all the lungs are many.
        self._voxels = [lung_voxels(volume, margin_mm=CUBOID_MM / 4).astype(np.int16) for volume in volumes]

    def draw(self, n: int, zoom: float) -> tuple[Tensor, Tensor, tuple[float, float, float]]:
        """Draw patches around random voxels of one scan's lungs.

        Parameters
        ----------
        n : int
            How many.
        zoom : float
            The spacing is stretched at random by up to this share.

        Returns
        -------
        Tensor, shape (n, z + 2, y, x)
            HU: the attacker's cuboid and `MARGIN` pixels around it, with a neighbouring slice at both ends.
        Tensor, shape (n, z, y, x)
            1 in the body, 0 elsewhere.
        tuple of float
            The spacing to declare, mm (z, y, x).
        """
        i = int(self.rng.integers(len(self._volumes)))
        volume = self._volumes[i]
        stretch = np.exp(self.rng.uniform(-zoom, zoom))
        z, y, x = (float(s * stretch) for s in volume.spacing)
        shape = cuboid_shape((z, y, x))
        hu, body = [], []
        for at in self._voxels[i][self.rng.integers(len(self._voxels[i]), size=n)]:
            box = Box.around((int(at[0]), int(at[1]), int(at[2])), shape)
            margins = (1, MARGIN, MARGIN)
            index = [
                np.clip(np.arange(lo - m, hi + m), 0, size - 1)
                for lo, hi, m, size in zip(box.low, box.high, margins, volume.shape, strict=True)
            ]
            hu.append(volume.hu[np.ix_(*index)])
            body.append(self._bodies[i][np.ix_(index[0][1:-1], index[1], index[2])])
        return as_floats(np.stack(hu)), as_floats(np.stack(body)), (z, y, x)


def as_floats(array: NDArray[np.generic]) -> Tensor:
    """The array as a tensor of single precision."""
    return torch.from_numpy(array.astype(np.float32))
