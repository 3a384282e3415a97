"""Implanting a synthetic nodule into a whole scan, at the scan's own spacing: known truth to measure attackers by."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from scipy import ndimage

from napari_mits_gan.attack.ctgan.attacker import ATTACK_LABEL
from napari_mits_gan.attack.nodules.implant import implant_nodule
from napari_mits_gan.attack.nodules.rules import LONGEST_SPIKE, NoduleShape
from napari_mits_gan.ct.constants import HU_MAX
from napari_mits_gan.ct.grid import Box, Voxel
from napari_mits_gan.ct.isotropic import cube_at_1mm
from napari_mits_gan.ct.volume import CTVolume, Step

_MARGIN_MM = 8


def implant_in_scan(volume: CTVolume, nodule: NoduleShape, at: Voxel) -> CTVolume:
    """Implant a nodule into a scan.

    It is drawn at 1 mm; what it adds there is brought to the scan's voxels (thicker ones average it, as a scanner
    would) and added to them, so that the scan's own noise stays and nothing else changes.

    Parameters
    ----------
    volume : CTVolume
        The scan; it stays as it is.
    nodule : NoduleShape
        What to implant.
    at : tuple of int
        Voxel (z, y, x) of the nodule's centre.

    Returns
    -------
    CTVolume
        Never darker than before, padding unchanged. It counts as tampered: its history says so, with all parameters.
    """
    side = math.ceil(LONGEST_SPIKE * nodule.diameter_mm) + _MARGIN_MM
    middle = (side - 1) / 2
    lung = cube_at_1mm(volume, at, side)
    added = implant_nodule(lung, nodule, (middle, middle, middle)) - lung
    spacing = np.asarray(volume.spacing)
    # A Gaussian as wide as a voxel, seen as a box, stands for the average over it.
    added = ndimage.gaussian_filter(added, np.sqrt(np.maximum(spacing**2 - 1, 0) / 12))
    reach = np.floor(middle / spacing).astype(int)
    box = Box(
        (int(at[0] - reach[0]), int(at[1] - reach[1]), int(at[2] - reach[2])),
        (int(2 * reach[0] + 1), int(2 * reach[1] + 1), int(2 * reach[2] + 1)),
    )
    on_scan = ndimage.affine_transform(added, spacing, middle - reach * spacing, box.shape, order=3, mode="nearest")
    inside = box.inside(volume.shape)
    change = np.rint(np.maximum(on_scan, 0))[inside.slices(within=box)]
    hu = volume.hu.copy()
    there = inside.slices()
    if volume.padding is not None:
        change = np.where(volume.padding[there], 0, change)
    hu[there] = np.minimum(hu[there] + change, HU_MAX).astype(np.int16)
    shape = {k: None if v != v else v for k, v in dataclasses.asdict(nodule).items()}
    record = {"label": ATTACK_LABEL, "attack": "drawn nodule", "action": "inject", "at": [int(c) for c in at]}
    return volume.with_hu(hu, Step("attack", {**record, **shape}))
