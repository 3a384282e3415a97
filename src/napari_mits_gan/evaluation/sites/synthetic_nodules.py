"""Synthetic nodules in one scan, far enough apart that each can be attacked, or measured, on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.attack.nodules.in_scan import implant_in_scan
from napari_mits_gan.attack.nodules.rules import NoduleShape, random_nodule
from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks

if TYPE_CHECKING:
    from napari_mits_gan.ct.grid import Voxel

DIAMETERS_MM = (6.0, 18.0)
"""What the 20 mm core of CT-GAN's attackers covers; larger nodules they cannot remove whole."""

_STREAM = 0x6170617274
"""Keeps these nodules apart from those drawn elsewhere from the same seed."""
_APART_MM = 36.0
"""Along one axis at least: half of the 42 mm that an attack touches, and the half of a nodule."""
_TRIES = 40


@dataclass(frozen=True, eq=False)
class SyntheticNodules:
    """A scan with drawn nodules.

    Parameters
    ----------
    volume : CTVolume
        The scan with the nodules in it. It stands for a patient who has them, so its history does not call them an
        attack, and it can be protected; it has no DICOM source and is not meant to be written anywhere.
    sites : tuple of tuple of int
        The nodules' centres, voxels (z, y, x).
    shapes : tuple of NoduleShape
        What was drawn there.
    """

    volume: CTVolume
    sites: tuple[Voxel, ...]
    shapes: tuple[NoduleShape, ...]


def synthetic_nodules(
    volume: CTVolume,
    n: int,
    seed: int = 0,
    *,
    annotated: Sequence[AnnotatedNodule] = (),
    lung: NDArray[np.bool_] | None = None,
    diameters_mm: tuple[float, float] = DIAMETERS_MM,
) -> SyntheticNodules:
    """Draw nodules at random sites in the lungs, none nearer than 36 mm (along some axis) to another or a real one.

    Parameters
    ----------
    volume : CTVolume
        A chest CT; it stays as it is.
    n : int
        How many; fewer are drawn where the lungs have no room for as many.
    seed : int
        Fixes sites and nodules.
    annotated : sequence of AnnotatedNodule
        The real nodules of the scan.
    lung : ndarray of bool, shape (z, y, x), or None
        The lungs where they are known; None finds them.
    diameters_mm : tuple of float
        Smallest and largest.

    Raises
    ------
    AttackError
        If the scan has no lung, or is too thin for an attack.
    """
    spacing = np.asarray(volume.spacing)
    taken = [(np.asarray(nodule.at), nodule.diameter_mm / 2) for nodule in annotated]
    sites: list[Voxel] = []
    for at in random_lung_clicks(volume, _TRIES * n, seed, lung=lung):
        if all(np.abs((at - other) * spacing).max() > _APART_MM + beyond for other, beyond in taken):
            sites.append(at)
            taken.append((np.asarray(at), 0.0))
            if len(sites) == n:
                break
    if not sites:
        raise AttackError(f"'{volume.name}' has no lung away from its nodules; choose a scan that shows more of it.")
    rng = np.random.default_rng([_STREAM, seed])
    shapes = tuple(random_nodule(rng, diameters_mm) for _ in sites)
    drawn = volume
    for at, shape in zip(sites, shapes, strict=True):
        drawn = implant_in_scan(drawn, shape, at)
    patient = replace(drawn, history=volume.history, source=None, name=f"{volume.name} with drawn nodules")
    return SyntheticNodules(patient, tuple(sites), shapes)
