"""What the panels show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Injection


@dataclass(frozen=True)
class Contents:
    """What the panels show.

    Parameters
    ----------
    scan : CTVolume
        The version that is looked at.
    scan_label : str
        Which one it is: "original" or "protected".
    attacked : CTVolume or None
        The same with the injections; None leaves the panel out.
    healed : CTVolume or None
        What the seal of the scan shown gave back; None leaves the panel out.
    difference : ndarray of int16 or None
        HU; None leaves the panel out.
    difference_label : str
        Which difference it is.
    difference_limit_hu : float
        The difference is coloured from minus to plus this.
    difference_on : CTVolume or None
        Whose grid the difference lies on; the scan's unless told.
    injections : sequence of Injection
        What to mark.
    """

    scan: CTVolume
    scan_label: str
    attacked: CTVolume | None = None
    healed: CTVolume | None = None
    difference: NDArray[np.int16] | None = None
    difference_label: str = ""
    difference_limit_hu: float = 100.0
    difference_on: CTVolume | None = None
    injections: Sequence[Injection] = ()
