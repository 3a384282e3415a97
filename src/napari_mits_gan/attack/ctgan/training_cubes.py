"""The cubes that CT-GAN is trained on: lung cut from real scans at 1 mm, nodules drawn in, augmented.

CT-GAN (USENIX Security 2019), section 5.2 'Training': samples are flipped, shifted by up to 4 mm and rotated within the
slice; the equaliser is fitted on the cubes.

The original blanks the core of the very cube that the network shall paint. A nodule wider than the core then tells of
itself in what is left around it, which no cube does in an attack. Here a nodule is drawn, so the same place is known
without and with it: an injector is shown the healthy surroundings and a remover those of a nodule, as in an attack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.attack.cuboid import CUBOID_MM
from napari_mits_gan.attack.nodules.implant import implant_nodule
from napari_mits_gan.attack.nodules.rules import random_nodule
from napari_mits_gan.attack.resample import cut_at_1mm
from napari_mits_gan.ct.anatomy import lung_mask
from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.lung_voxels import lung_voxels
from napari_mits_gan.ct.volume import CTVolume

_BANK_MM = 48
"""Side of the stored cubes: room for a rotated, shifted cuboid."""
_SHIFT_MM = 4
_MARGIN_MM = 8.0
_NEAR_PLEURA, _NEAR_VESSELS, _BEYOND_PLEURA = 0.25, 0.25, 0.1
"""Shares of the places; the rest lies anywhere in the lung. Only a remover is shown places beyond the pleura."""
_PLEURA_MM = (2.0, 7.0)
_VESSEL_ABOVE_HU = -300
_VESSEL_MM = 5.0
_BEYOND_MM = 10.0
_STAYS_HEALTHY = 0.3
"""Share of a remover's samples with nothing to remove."""
_REAL_SHARE = 0.02
"""Share of an injector's samples that each annotated nodule takes, up to a tenth in all."""
_MOST_REAL = 0.1
_THICKER, _NOISIER = 0.25, 0.25


class CubeBank:
    """Cubes of lung from several scans, from which augmented training samples are drawn.

    Parameters
    ----------
    volumes : sequence of CTVolume
        Chest CTs; only their lungs are used, and for a remover a little of what surrounds them.
    action : {"inject", "remove"}
        An injector learns to put a nodule into healthy lung, a remover to put healthy lung in its place.
    cubes_per_scan : int
        How many places are cut from each scan.
    seed : int
        Fixes places, nodules and augmentation.
    nodules : mapping of str to sequence of AnnotatedNodule
        The annotated nodules of each scan, by the volume's name. No cube of healthy lung holds one; an injector learns
        from them beside the drawn ones.

    Raises
    ------
    AttackError
        If a scan has no lung far enough from its borders.
    """

    def __init__(
        self,
        volumes: Sequence[CTVolume],
        action: Action,
        *,
        cubes_per_scan: int = 300,
        seed: int = 0,
        nodules: Mapping[str, Sequence[AnnotatedNodule]] | None = None,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self._action = action
        known = nodules or {}
        healthy: list[NDArray[np.float32]] = []
        real: list[NDArray[np.float32]] = []
        for volume in volumes:
            marked = known.get(volume.name, ())
            healthy.extend(cut_at_1mm(volume, at, _BANK_MM) for at in self._places(volume, cubes_per_scan, marked))
            real.extend(cut_at_1mm(volume, np.rint(nodule.at).astype(np.int64), _BANK_MM) for nodule in marked)
        self._healthy = _stored(healthy)
        self._drawn: dict[int, NDArray[np.int16]] = {}
        self._nodule_seeds = self.rng.integers(2**31, size=len(self._healthy))
        self._real = _stored(real) if action == "inject" else _stored([])

    def _places(self, volume: CTVolume, n: int, marked: Sequence[AnnotatedNodule]) -> NDArray[np.int64]:
        """Places (n, 3) away from annotated nodules: anywhere in the lung, near the pleura, near vessels."""
        rng = self.rng
        lung = lung_mask(volume)
        everywhere = lung_voxels(volume, margin_mm=_MARGIN_MM, lung=lung)
        depth_mm = ndimage.distance_transform_edt(lung, sampling=volume.spacing)[tuple(everywhere.T)]
        spacing = np.asarray(volume.spacing)
        kinds = [
            (_NEAR_PLEURA, everywhere[(depth_mm >= _PLEURA_MM[0]) & (depth_mm <= _PLEURA_MM[1])], 0.0),
            (_NEAR_VESSELS, everywhere[volume.hu[tuple(everywhere.T)] > _VESSEL_ABOVE_HU], _VESSEL_MM),
        ]
        if self._action == "remove":
            kinds.append((_BEYOND_PLEURA, everywhere[depth_mm <= _PLEURA_MM[0]], _BEYOND_MM))
        chosen = []
        for share, voxels, spread_mm in kinds:
            picked = rng.choice(voxels if len(voxels) else everywhere, round(share * n))
            chosen.append(picked + np.rint(rng.uniform(-1, 1, picked.shape) * spread_mm / spacing).astype(np.int64))
        chosen.append(rng.choice(everywhere, n - sum(len(c) for c in chosen)))
        places = np.clip(np.concatenate(chosen), 0, np.asarray(volume.shape) - 1)
        for nodule in marked:
            reach_mm = _BANK_MM / 2 + nodule.diameter_mm / 2
            away = np.abs((places - np.asarray(nodule.at)) * spacing).max(axis=1) > reach_mm
            if away.any():
                places = np.where(away[:, None], places, places[rng.choice(np.flatnonzero(away), len(places))])
        return places

    def _with_nodule(self, index: int) -> NDArray[np.int16]:
        """A healthy cube with a nodule drawn in; drawn when it is first asked for, since that takes its time."""
        if index not in self._drawn:
            rng = np.random.default_rng(self._nodule_seeds[index])
            z, y, x = _BANK_MM / 2 - 0.5 + rng.normal(0, 0.7, 3)
            cube = self._healthy[index].astype(np.float32)
            self._drawn[index] = _stored([implant_nodule(cube, random_nodule(rng), (z, y, x))])[0]
        return self._drawn[index]

    def __len__(self) -> int:
        return len(self._healthy)

    def sample(self, n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Draw augmented training samples.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        tuple of ndarray of float32, each of shape (n, 32, 32, 32)
            HU of what an attacker finds and of what it shall leave, of the same places. Where an annotated nodule is
            shown to an injector, both are the same, since nobody knows the lung without it.
        """
        pairs = np.stack([self._augment(self._pair()) for _ in range(n)])
        return pairs[:, 0], pairs[:, 1]

    def _pair(self) -> NDArray[np.int16]:
        rng = self.rng
        if len(self._real) and rng.random() < min(_MOST_REAL, _REAL_SHARE * len(self._real)):
            real = self._real[rng.integers(len(self._real))]
            return np.stack([real, real])
        index = int(rng.integers(len(self._healthy)))
        healthy = self._healthy[index]
        if self._action == "inject":
            return np.stack([healthy, self._with_nodule(index)])
        return np.stack([healthy if rng.random() < _STAYS_HEALTHY else self._with_nodule(index), healthy])

    def _augment(self, pair: NDArray[np.int16]) -> NDArray[np.float32]:
        rng = self.rng
        # Quarter turns are exact; other angles blur the noise, so only some samples take them.
        turned = np.rot90(pair, int(rng.integers(4)), axes=(2, 3))
        if rng.random() < 0.25:
            angle = 6 * int(rng.integers(1, 15))
            turned = ndimage.rotate(turned, angle, axes=(2, 3), reshape=False, order=1, mode="nearest")
        flips = tuple(axis for axis in (1, 2, 3) if rng.random() < 0.5)
        turned = np.flip(turned, flips)
        most = _SHIFT_MM // 2 if self._action == "inject" else _SHIFT_MM
        low = (_BANK_MM - CUBOID_MM) // 2 + rng.integers(-most, most + 1, 3)
        z, y, x = (slice(lo, lo + CUBOID_MM) for lo in low)
        return self._augmented_acquisition(np.ascontiguousarray(turned[:, z, y, x], dtype=np.float32))

    def _augmented_acquisition(self, pair: NDArray[np.float32]) -> NDArray[np.float32]:
        """Thicker slices or more noise in some samples: there are few scans, and those attacked are others."""
        rng = self.rng
        if rng.random() < _THICKER:
            pair = ndimage.gaussian_filter1d(pair, rng.uniform(0.7, 1.8), axis=1, mode="nearest")
        if rng.random() < _NOISIER:
            noise = ndimage.gaussian_filter(rng.normal(size=pair.shape[1:]), rng.uniform(0.4, 0.9))
            pair = pair + (rng.uniform(5, 25) * noise / noise.std()).astype(np.float32)
        return pair


def _stored(cubes: Sequence[NDArray[np.floating]]) -> NDArray[np.int16]:
    """Cubes (n, z, y, x) as int16, within the range of any scanner."""
    if not cubes:
        return np.empty((0, _BANK_MM, _BANK_MM, _BANK_MM), dtype=np.int16)
    return np.stack([np.rint(cube).clip(-1024, 3071).astype(np.int16) for cube in cubes])
