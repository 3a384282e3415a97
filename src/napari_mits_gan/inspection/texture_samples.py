"""What the texture network learns from: lung as it was scanned, and the same lung after attacks of several kinds.

Nodules that are drawn into a scan count as untouched. They keep the scan's noise and stand for real ones, of which
there are too few: the network shall not learn that nodules are suspect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.attack.attackers import load_attacker
from napari_mits_gan.attack.contract import Action
from napari_mits_gan.attack.nodules.in_scan import DrawnNodule, implant_in_scan
from napari_mits_gan.attack.nodules.rules import random_nodule
from napari_mits_gan.ct.anatomy import Anatomy, anatomy_of, keep_anatomy, lung_mask
from napari_mits_gan.ct.constants import HU_MAX, HU_MIN
from napari_mits_gan.ct.grid import Voxel
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.inspection.blocks import block_mean
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.texture import texture
from napari_mits_gan.inspection.training_forgeries import Renoised, Smoothed
from napari_mits_gan.progress import Progress, silent

_APART_MM = 50.0
_ROOM_MM = 16.0
"""Between a site and the first and last slice."""
_MOST_SITES = 10
_NODULE_MM = (6.0, 18.0)
_CHANGED_HU, _MOSTLY = 3.0, 0.6
"""A block counts as tampered with where this share of its voxels changed by more than that."""
_THIN_MM = 1.5
"""Thinner slices are also averaged in pairs."""
_SOFTER_VOXELS, _GRAIN_VOXELS, _NOISE_HU = (0.4, 0.8), (0.6, 0.6), (8.0, 20.0)
"""Within the slice: blur of a softer kernel; blur and standard deviation of noise that is added."""
_FLIPS = ((1, 1), (1, -1), (-1, 1), (-1, -1))

Features = NDArray[np.float32]


class Forger(Protocol):
    """Changes a scan at a voxel, as every attacker does."""

    @property
    def action(self) -> Action:
        """What it does; before a removal, a nodule is drawn."""
        ...

    def tamper(self, volume: CTVolume, at: Voxel) -> CTVolume:
        """The scan after an attack at a voxel."""
        ...


FORGERS: dict[str, Callable[[np.random.Generator], Forger]] = {
    "inject": lambda rng: load_attacker("inject", "cpu"),
    "remove": lambda rng: load_attacker("remove", "cpu"),
    "smoothed": Smoothed,
    "renoised": Renoised,
}
"""Whom the network is trained on."""


class TextureSamples:
    """Blocks of lung, shape (n, FEATURES), by where they come from.

    Parameters
    ----------
    volumes : sequence of CTVolume
        Untouched chest CTs.
    rounds : int
        How often each forger attacks each scan. From round to round it is flipped, and after the first it looks as if
        another scanner had made it: a softer kernel, thicker slices or more noise.
    seed : int
        Fixes sites, nodules and forgers.
    progress : Progress
        Told how many scans are done.

    Attributes
    ----------
    untouched : list of ndarray
        Of each scan, round after round.
    nodules : list of ndarray
        Where nodules were drawn.
    tampered : dict of str to list of ndarray
        Of each forger, where it changed a scan.
    """

    def __init__(self, volumes: Sequence[CTVolume], *, rounds: int, seed: int, progress: Progress = silent) -> None:
        self.untouched: list[Features] = []
        self.nodules: list[Features] = []
        self.tampered: dict[str, list[Features]] = {name: [] for name in FORGERS}
        whole = len(volumes) * rounds * (1 + len(FORGERS))
        for number, volume in enumerate(volumes):
            for turn in range(rounds):
                rng = np.random.default_rng([seed, number, turn])
                turned = _other_scanner(_flipped(volume, *_FLIPS[turn % len(_FLIPS)]), turn, rng)
                progress((number * rounds + turn) * (1 + len(FORGERS)), whole)
                self.untouched.append(texture(ExaminedScan.of(turned)).features)
                self.nodules.append(_changed_by(None, turned, rng))
                for name, make in FORGERS.items():
                    self.tampered[name].append(_changed_by(make(rng), turned, rng))
        progress(whole, whole)


def _changed_by(forger: Forger | None, volume: CTVolume, rng: np.random.Generator) -> Features:
    """Blocks that a forger changed at some sites; without one, where nodules were drawn."""
    sites = _sites(volume, rng)
    before = after = replace(volume, history=())
    for at in sites:
        nodule = random_nodule(rng, _NODULE_MM)
        if forger is None:
            after = DrawnNodule(nodule).tamper(after, at)
        elif forger.action == "remove":
            before = replace(implant_in_scan(before, nodule, at), history=())
    if forger is not None:
        after = before
        for at in sites:
            after = forger.tamper(after, at)
    keep_anatomy(after, anatomy_of(volume))
    scan = ExaminedScan.of(after)
    inside = scan.region.slices()
    found = texture(scan)
    there = np.abs(after.hu[inside].astype(np.float32) - before.hu[inside]) > _CHANGED_HU
    changed = block_mean(there) > _MOSTLY
    return found.features[changed[found.inside]]


def _sites(volume: CTVolume, rng: np.random.Generator) -> list[Voxel]:
    """Voxels of the lungs far from each other."""
    lungs = lung_mask(volume)
    room = round(_ROOM_MM / volume.spacing[0])
    lungs[:room] = lungs[len(lungs) - room :] = False
    places = np.flatnonzero(lungs)
    chosen: list[Voxel] = []
    for place in rng.choice(places, min(200, len(places)), replace=False):
        z, y, x = (int(v) for v in np.unravel_index(place, volume.shape))
        away = np.linalg.norm((np.array(chosen).reshape(-1, 3) - (z, y, x)) * volume.spacing, axis=1)
        if len(chosen) < _MOST_SITES and (away >= _APART_MM).all():
            chosen.append((z, y, x))
    return chosen


def _other_scanner(volume: CTVolume, turn: int, rng: np.random.Generator) -> CTVolume:
    """As it is, with a softer kernel, with thicker slices or with more noise, in turn."""
    kind = turn % 4
    if kind == 2 and volume.spacing[0] < _THIN_MM:
        return volume.coarsen((2, 1, 1))
    if kind == 0:
        return volume
    if kind == 3:
        noise = ndimage.gaussian_filter(rng.normal(size=volume.shape).astype(np.float32), (0, *_GRAIN_VOXELS))
        hu = volume.hu + noise * (rng.uniform(*_NOISE_HU) / noise.std())
    else:
        hu = ndimage.gaussian_filter(volume.hu.astype(np.float32), (0, *[rng.uniform(*_SOFTER_VOXELS)] * 2))
    other = CTVolume(
        np.clip(np.rint(hu), HU_MIN, HU_MAX).astype(np.int16),
        volume.spacing,
        padding=volume.padding,
        name=volume.name,
    )
    keep_anatomy(other, anatomy_of(volume))
    return other


def _flipped(volume: CTVolume, y: int, x: int) -> CTVolume:
    anatomy = anatomy_of(volume)
    padding = None if volume.padding is None else volume.padding[:, ::y, ::x].copy()
    turned = CTVolume(volume.hu[:, ::y, ::x].copy(), volume.spacing, padding=padding, name=volume.name)
    keep_anatomy(turned, Anatomy(*(mask[:, ::y, ::x] for mask in (anatomy.lungs, anatomy.body, anatomy.airways))))
    return turned
