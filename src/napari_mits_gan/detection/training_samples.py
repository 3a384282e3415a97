"""What the detector learns from: nodules, drawn and real, and all that lies in a chest and is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.detection.augmentation import augmented_acquisition, flipped_and_turned, rotated_and_scaled
from napari_mits_gan.detection.drawn_nodules import draw_into, random_drawn_nodule
from napari_mits_gan.detection.network import CUBE_MM
from napari_mits_gan.detection.training_scan import TrainingScan

Cubes = NDArray[np.float32]

_LARGER = (56, 72, 72)
"""What is cut to be turned freely: room for the corners."""
_DIAMETERS_MM = (4.0, 30.0)
_OFF_CENTRE_MM = 4.5
"""A nodule is in the middle up to here."""
_ELSEWHERE_MM = (8.0, 20.0)
"""From here on it is elsewhere, if the middle also lies outside of it; between the two nothing is said."""
_TRIES = 6
_LEAST_SEEN = 0.5
"""A drawn nodule of which less is to be seen is not used."""
_NODULES_AT = {"lung": 0.6, "rim": 0.2, "dense": 0.2}
_HEALTHY = {"lung": 0.28, "dense": 0.24, "rim": 0.16, "outside": 0.16, "elsewhere": 0.16}
_MINED_SHARE = 0.3
"""Part of the healthy cubes that are taken from the mined voxels, once there are any."""
_REAL_SHARE = 0.2
"""Part of the nodules that are real ones, where there are any."""
_SEARCHED = {"dense": 0.45, "rim": 0.25, "lung": 0.15, "outside": 0.15}
_KEPT_AS_HARD = 0.06
"""Part of the searched voxels that is kept: those with the highest scores."""


class TrainingSamples:
    """Draws cubes with and without a nodule in the middle from scans.

    Parameters
    ----------
    volumes : sequence of CTVolume
        Chest CTs.
    nodules : sequence of sequences of AnnotatedNodule
        The nodules of each of them; all that is not marked counts as healthy.
    """

    def __init__(self, volumes: Sequence[CTVolume], nodules: Sequence[Sequence[AnnotatedNodule]]) -> None:
        self.scans = [TrainingScan.of(volume, known) for volume, known in zip(volumes, nodules, strict=True)]
        self._real = [(i, nodule) for i, scan in enumerate(self.scans) for nodule in scan.nodules]
        self._mined = [np.zeros((0, 3), dtype=np.int64) for _ in self.scans]

    def batch(self, n: int, rng: np.random.Generator) -> tuple[Cubes, NDArray[np.float32]]:
        """Draw `n` cubes in HU, shape (n, 48, 48, 48), and their labels 0 or 1, half of them each."""
        labels = np.arange(n) % 2
        cubes = [self._with_nodule(rng) if label else self._healthy(rng) for label in labels]
        return np.stack(cubes), labels.astype(np.float32)

    def random_lung(self, scan: int, n: int, rng: np.random.Generator) -> Cubes:
        """Cubes around random voxels of a scan's lungs, as they are, shape (n, 48, 48, 48)."""
        return self._as_they_are(scan, self.scans[scan].voxels("lung", n, rng))

    def mine(
        self, score: Callable[[Cubes], NDArray[np.float64]], voxels_per_scan: int, rng: np.random.Generator
    ) -> None:
        """Score many healthy voxels of each scan; the highest are the hard negatives that samples are drawn from too.

        Parameters
        ----------
        score : callable
            From cubes (n, 48, 48, 48) to scores (n,).
        voxels_per_scan : int
            How many are searched.
        rng : numpy.random.Generator
            What to draw from.
        """
        for i, scan in enumerate(self.scans):
            searched = np.concatenate(
                [scan.voxels(group, max(1, round(part * voxels_per_scan)), rng) for group, part in _SEARCHED.items()]
            )
            scores = np.concatenate(
                [score(self._as_they_are(i, some)) for some in np.array_split(searched, 1 + len(searched) // 32)]
            )
            highest = np.argsort(-scores)[: max(1, round(_KEPT_AS_HARD * len(searched)))]
            self._mined[i] = np.concatenate([self._mined[i], searched[highest]])

    def state_dict(self) -> dict[str, Any]:
        """The mined voxels, for a checkpoint."""
        return {str(i): torch.from_numpy(voxels) for i, voxels in enumerate(self._mined)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the mined voxels of a checkpoint."""
        self._mined = [state[str(i)].numpy() for i in range(len(self.scans))]

    def _as_they_are(self, scan: int, voxels: NDArray[np.int64]) -> Cubes:
        return np.stack([self.scans[scan].cube(at, (CUBE_MM,) * 3) for at in voxels])

    def _cut(self, scan: TrainingScan, at: NDArray[np.int64], rng: np.random.Generator, freely: float) -> Cubes:
        """The cube around a voxel, turned and flipped; with the probability `freely` by any angle and scaled."""
        if rng.random() < freely:
            return flipped_and_turned(rotated_and_scaled(scan.cube(at, _LARGER), CUBE_MM, rng), rng)
        return flipped_and_turned(scan.cube(at, (CUBE_MM,) * 3), rng)

    def _any_scan(self, rng: np.random.Generator) -> int:
        return int(rng.integers(len(self.scans)))

    def _with_nodule(self, rng: np.random.Generator) -> Cubes:
        if self._real and rng.random() < _REAL_SHARE:
            return self._with_real_nodule(rng)
        away = _direction(rng) * _OFF_CENTRE_MM * rng.random() ** 0.7
        return augmented_acquisition(self._drawn(away, rng, _DIAMETERS_MM), rng)

    def _with_real_nodule(self, rng: np.random.Generator) -> Cubes:
        index, (*center, _) = self._real[int(rng.integers(len(self._real)))]
        at = np.round(np.array(center) + _direction(rng) * _OFF_CENTRE_MM * rng.random() ** 0.7).astype(np.int64)
        larger = self.scans[index].cube(at, _LARGER)
        return augmented_acquisition(
            flipped_and_turned(rotated_and_scaled(larger, CUBE_MM, rng, largest_scale=1.35), rng), rng
        )

    def _drawn(self, away: NDArray[np.float64], rng: np.random.Generator, diameters_mm: tuple[float, float]) -> Cubes:
        """Healthy lung with a nodule drawn at `away` (z, y, x) in mm from the middle, where it can be seen."""
        tries: list[tuple[float, Cubes]] = []
        while len(tries) < _TRIES:
            scan = self.scans[self._any_scan(rng)]
            group = str(rng.choice(list(_NODULES_AT), p=list(_NODULES_AT.values())))
            nodule = random_drawn_nodule(rng, diameters_mm, slice_mm=scan.slice_mm)
            # The voxel of the group is where the nodule comes to lie, at its side for vessels.
            beside = _direction(rng) * nodule.diameter_mm / 2 * rng.random() if group == "dense" else np.zeros(3)
            at = np.round(scan.voxels(group, 1, rng)[0] - away + beside).astype(np.int64)
            cube = self._cut(scan, at, rng, freely=0.15)
            z, y, x = CUBE_MM // 2 + away
            drawn, seen = draw_into(cube, nodule, (float(z), float(y), float(x)))
            if seen >= _LEAST_SEEN:
                return drawn
            tries.append((seen, drawn))
        return max(tries, key=lambda one: one[0])[1]

    def _healthy(self, rng: np.random.Generator) -> Cubes:
        index = self._any_scan(rng)
        scan = self.scans[index]
        mined = self._mined[index]
        if len(mined) and rng.random() < _MINED_SHARE:
            at = mined[int(rng.integers(len(mined)))] + rng.integers(-1, 2, 3)
            return augmented_acquisition(self._cut(scan, at, rng, freely=0.3), rng)
        group = str(rng.choice(list(_HEALTHY), p=list(_HEALTHY.values())))
        if group == "elsewhere":
            diameter = float(np.clip(11.0 * np.exp(rng.normal(0, 0.4)), 4.0, 24.0))
            near = max(_ELSEWHERE_MM[0], diameter / 2 + 2.0)
            away = _direction(rng) * rng.uniform(near, max(near + 2.0, _ELSEWHERE_MM[1]))
            cube = self._drawn(away, rng, (diameter * 0.9, diameter))
        else:
            cube = self._cut(scan, scan.voxels(group, 1, rng)[0], rng, freely=0.2)
        return augmented_acquisition(cube, rng)


def _direction(rng: np.random.Generator) -> NDArray[np.float64]:
    v = rng.normal(size=3)
    return v / np.linalg.norm(v)
