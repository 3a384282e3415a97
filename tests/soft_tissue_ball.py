"""An attacker as somebody else might write one: one class, which knows nothing of the rest of the program."""

from __future__ import annotations

import numpy as np

from napari_mits_gan.attack.attackers import AttackerEntry
from napari_mits_gan.attack.contract import Attacker, Painted, box_of_mm


class SoftTissueBall(Attacker):
    """Puts a ball of soft tissue, copied from the voxel that is brightest in the slice, at the click."""

    name = "soft tissue, 6 mm"
    action = "inject"
    family = "ball"
    radius_mm = 6.0

    def touched(self, at, spacing):
        return box_of_mm(at, 2 * self.radius_mm, spacing)

    def paint(self, volume, at):
        box = self.touched(at, volume.spacing).inside(volume.shape)
        axes = np.ogrid[box.slices()]
        away = sum(((axis - c) * mm) ** 2 for axis, c, mm in zip(axes, at, volume.spacing, strict=True))
        tissue = np.percentile(volume.hu[at[0]], 90)
        return Painted(box, np.where(away <= self.radius_mm**2, tissue, volume.hu[box.slices()]))


ENTRY = AttackerEntry("inject", "a ball of soft tissue", lambda device: SoftTissueBall())
