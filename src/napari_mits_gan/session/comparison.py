"""What two versions of a scan are compared by: differences in HU and figures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume

if TYPE_CHECKING:
    from napari_mits_gan.ct.grid import Voxel
    from napari_mits_gan.evaluation.measures.fidelity import Fidelity

Region = tuple[slice, slice, slice]


class Difference(StrEnum):
    """Which difference of two volumes to look at, in HU."""

    ATTACK = "attacked − scan"
    PROTECTION = "protected − original"
    EFFECT = "between the attacks"
    """The attack on the protected scan minus the same attack on the original."""
    HEALED = "tampered − healed"
    """What was checked minus what its seal gave back: the tamper map."""


@dataclass(frozen=True)
class Figures:
    """How far the versions lie apart, in one slice and in one tampered cuboid; None where there is nothing to compare.

    Parameters
    ----------
    protection_slice, protection_cuboid : Fidelity or None
        The protected scan against the original.
    attack_slice, attack_cuboid : Fidelity or None
        The attack on the protected scan against the same attack on the original.
    """

    protection_slice: Fidelity | None = None
    protection_cuboid: Fidelity | None = None
    attack_slice: Fidelity | None = None
    attack_cuboid: Fidelity | None = None


def cuboid(volume: CTVolume, at: Voxel) -> Region:
    """The part of the 32 mm around a voxel (z, y, x) that lies inside the scan."""
    from napari_mits_gan.attack.cuboid import cuboid_shape
    from napari_mits_gan.ct.grid import Box

    return Box.around(at, cuboid_shape(volume.spacing)).inside(volume.shape).slices()


def subtract(minuend: NDArray[np.int16], subtrahend: NDArray[np.int16]) -> NDArray[np.int16]:
    """Difference in HU, clipped to what int16 holds; slice by slice, so that no wide copy of the volume is made."""
    result = np.zeros(minuend.shape, dtype=np.int16)
    for z in range(len(minuend)):
        if np.array_equal(minuend[z], subtrahend[z]):
            continue  # an attack changes few slices, and the user waits for it
        wide = minuend[z].astype(np.int32) - subtrahend[z]
        result[z] = np.clip(wide, -32768, 32767)
    return result
