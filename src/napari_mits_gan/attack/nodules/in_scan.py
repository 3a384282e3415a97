"""Synthetic nodules in whole scans, at their own spacing: an attacker without a network, and known truth for others."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from scipy import ndimage

from napari_mits_gan.attack.contract import Action, Attacker, Painted, box_of_mm
from napari_mits_gan.attack.nodules.implant import implant_nodule
from napari_mits_gan.attack.nodules.rules import LONGEST_SPIKE, NoduleShape
from napari_mits_gan.ct.grid import Box, Spacing, Voxel
from napari_mits_gan.ct.isotropic import cube_at_1mm
from napari_mits_gan.ct.volume import CTVolume

_MARGIN_MM = 8

USUAL_NODULE = NoduleShape(
    diameter_mm=12.0,
    solid_hu=30.0,
    rim_hu=math.nan,
    elongation=(1.0, 1.0, 1.0),
    lobulation=0.1,
    spicules=0,
    edge_mm=0.8,
    seed=0,
)
"""A solid nodule of the size that CT-GAN was trained on."""


@dataclasses.dataclass(frozen=True)
class DrawnNodule(Attacker):
    """Injects a nodule drawn by rule: what a forger can do without any network.

    Parameters
    ----------
    nodule : NoduleShape
        What to draw.
    """

    nodule: NoduleShape = USUAL_NODULE

    name = "drawn nodule"
    action: Action = dataclasses.field(default="inject", init=False)
    family = "drawn nodule"

    def touched(self, at: Voxel, spacing: Spacing) -> Box:
        """The box around the nodule's longest spike, with a margin."""
        return box_of_mm(at, self._side_mm - 1, spacing)

    def core(self, at: Voxel, spacing: Spacing) -> Box:
        """The box around the nodule without its spikes."""
        return box_of_mm(at, self.nodule.diameter_mm, spacing)

    def paint(self, volume: CTVolume, at: Voxel) -> Painted:
        """Draw at 1 mm and add what that adds there to the scan, averaged over its voxels as a scanner would."""
        side = self._side_mm
        middle = (side - 1) / 2
        lung = cube_at_1mm(volume, at, side)
        added = implant_nodule(lung, self.nodule, (middle, middle, middle)) - lung
        spacing = np.asarray(volume.spacing)
        # A Gaussian as wide as a voxel, seen as a box, stands for the average over it.
        added = ndimage.gaussian_filter(added, np.sqrt(np.maximum(spacing**2 - 1, 0) / 12))
        box = self.touched(at, volume.spacing)
        first = middle + (np.asarray(box.low) - at) * spacing
        on_scan = ndimage.affine_transform(added, spacing, first, box.shape, order=3, mode="nearest")
        inside = box.inside(volume.shape)
        change = np.rint(np.maximum(on_scan, 0))[inside.slices(within=box)]
        return Painted(inside, volume.hu[inside.slices()] + change)

    def record(self) -> dict[str, Any]:
        """The nodule's parameters."""
        return {k: None if v != v else v for k, v in dataclasses.asdict(self.nodule).items()}

    @property
    def _side_mm(self) -> int:
        return math.ceil(LONGEST_SPIKE * self.nodule.diameter_mm) + _MARGIN_MM


def implant_in_scan(volume: CTVolume, nodule: NoduleShape, at: Voxel) -> CTVolume:
    """Implant a synthetic nodule into a scan.

    It is drawn at 1 mm; what it adds there is brought to the scan's voxels (thicker ones average it, as a scanner
    would) and added to them, so that the scan's own noise stays and nothing else changes.

    Parameters
    ----------
    volume : CTVolume
        The scan; it stays as it is.
    nodule : NoduleShape
        What to draw.
    at : tuple of int
        Voxel (z, y, x) of the nodule's centre.

    Returns
    -------
    CTVolume
        Never darker than before, padding unchanged. It counts as tampered: its history says so, with all parameters.
    """
    return DrawnNodule(nodule).tamper(volume, at)
