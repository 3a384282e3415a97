"""The cubes that CT-GAN is trained on: lung cut from real scans at 1 mm, nodules drawn in, augmented.

CT-GAN (USENIX Security 2019), section 5.2 'Training': samples are flipped, shifted by up to 4 mm and rotated within the
slice; the equaliser is fitted on the cubes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.attack.cuboid import CUBOID_MM, Box
from napari_mits_gan.attack.nodules import draw_nodule, random_nodule
from napari_mits_gan.attack.resample import resample
from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError

Action = Literal["inject", "remove"]

_BANK_MM = 48
"""Side of the stored cubes: room for a rotated, shifted cuboid."""
_SHIFT_MM = 4
_NODULES_PER_PLACE = 2


def lung_voxels(
    volume: CTVolume, *, margin_mm: float = 0.0, lung: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """All voxels (n, 3) of (z, y, x) in the lungs, at least `margin_mm` from the borders of the scan.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    margin_mm : float
        Distance to keep from the borders, along each axis.
    lung : ndarray of bool, shape (z, y, x), or None
        The lungs where they are known; None finds them.

    Raises
    ------
    AttackError
        If there are none.
    """
    allowed = np.array(lung_mask(volume) if lung is None else lung)
    for axis, (size, spacing) in enumerate(zip(volume.shape, volume.spacing, strict=True)):
        margin = min(int(np.ceil(margin_mm / spacing)), size // 2)
        edge = np.moveaxis(allowed, axis, 0)
        edge[:margin] = False
        edge[size - margin :] = False
    places = np.argwhere(allowed)
    if len(places) == 0:
        raise AttackError(f"no lung was found in '{volume.name}' far enough from its borders; choose a chest CT.")
    return places


def lung_places(
    volume: CTVolume, n: int, rng: np.random.Generator, *, margin_mm: float = 0.0, lung: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Random voxels (n, 3) of (z, y, x) in the lungs; see `lung_voxels`."""
    return rng.choice(lung_voxels(volume, margin_mm=margin_mm, lung=lung), n)


def cut_at_1mm(volume: CTVolume, at: NDArray[np.int64], side_mm: int = CUBOID_MM) -> NDArray[np.float32]:
    """The cube of `side_mm` around the voxel `at` (z, y, x), resampled to 1 mm by cubic splines; borders repeated."""
    z, y, x = (max(2, round(side_mm / s)) for s in volume.spacing)
    box = Box.around((int(at[0]), int(at[1]), int(at[2])), (z, y, x))
    inside = (np.clip(np.arange(lo, hi), 0, n - 1) for lo, hi, n in zip(box.low, box.high, volume.shape, strict=True))
    index = np.ix_(*inside)
    cube = torch.from_numpy(volume.hu[index].astype(np.float32))
    return resample(cube, (side_mm, side_mm, side_mm)).numpy()


class CubeBank:
    """Cubes of lung from several scans, from which augmented training samples are drawn.

    Parameters
    ----------
    volumes : sequence of CTVolume
        Chest CTs; only their lungs are used.
    action : {"inject", "remove"}
        An injector learns from cubes with a drawn nodule, a remover from healthy ones.
    cubes_per_scan : int
        How many places are cut from each scan.
    seed : int
        Fixes places, nodules and augmentation.
    """

    def __init__(
        self, volumes: Sequence[CTVolume], action: Action, *, cubes_per_scan: int = 300, seed: int = 0
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._action = action
        cubes = []
        for volume in volumes:
            places = lung_places(volume, cubes_per_scan, self._rng, margin_mm=8.0)
            cubes.append(np.stack([cut_at_1mm(volume, at, _BANK_MM) for at in places]))
        self._cubes = np.concatenate(cubes).clip(-1024, 3071).astype(np.int16)
        if action == "inject":
            self._cubes = np.stack([self._with_nodule(c) for c in self._cubes for _ in range(_NODULES_PER_PLACE)])

    def _with_nodule(self, cube: NDArray[np.int16]) -> NDArray[np.int16]:
        center = _BANK_MM / 2 - 0.5 + self._rng.normal(0, 0.7, 3)
        drawn = draw_nodule(cube.astype(np.float32), random_nodule(self._rng), (center[0], center[1], center[2]))
        return np.round(drawn).astype(np.int16)

    def __len__(self) -> int:
        return len(self._cubes)

    def sample(self, n: int) -> NDArray[np.float32]:
        """Draw `n` augmented cubes, shape (n, 32, 32, 32), HU."""
        return np.stack([self._augment(self._cubes[i]) for i in self._rng.integers(len(self._cubes), size=n)])

    def _augment(self, cube: NDArray[np.int16]) -> NDArray[np.float32]:
        rng = self._rng
        # Quarter turns are exact; other angles blur the noise, so only some samples take them.
        turned = np.rot90(cube, int(rng.integers(4)), axes=(1, 2))
        if rng.random() < 0.25:
            angle = 6 * int(rng.integers(1, 15))
            turned = ndimage.rotate(turned, angle, axes=(1, 2), reshape=False, order=1, mode="nearest")
        flips = tuple(axis for axis in range(3) if rng.random() < 0.5)
        turned = np.flip(turned, flips)
        most = _SHIFT_MM // 2 if self._action == "inject" else _SHIFT_MM
        low = (_BANK_MM - CUBOID_MM) // 2 + rng.integers(-most, most + 1, 3)
        z, y, x = (slice(lo, lo + CUBOID_MM) for lo in low)
        return np.ascontiguousarray(turned[z, y, x], dtype=np.float32)
