"""What the panels show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.layers.panel_names import (
    ATTACK,
    DIFFERENCE,
    HEALED,
    OTHER_ATTACK,
    OTHER_SCAN,
    SCAN,
)


@dataclass(frozen=True)
class Contents:
    """What there is to be shown; which panels of it are shown the user chooses.

    Parameters
    ----------
    scan : CTVolume
        The version that is looked at.
    scan_label : str
        Which one it is: "original" or "protected".
    attacked : CTVolume or None
        The same with the injections.
    other, other_attacked : CTVolume or None
        The other version, and the same attacks on it.
    other_label : str
        Which one that is.
    healed : CTVolume or None
        What the seal of the scan shown gave back.
    difference : ndarray of int16 or None
        HU.
    difference_label : str
        Which difference it is.
    difference_limit_hu : float
        The difference is coloured from minus to plus this.
    difference_on : CTVolume or None
        Whose grid the difference lies on; the scan's unless told.
    injections : sequence of Injection
        What to mark.
    awaits_attack : bool
        Nothing was attacked yet, and the next click will: `attacked` is the scan as it is, so that its panel stands
        ready.
    """

    scan: CTVolume
    scan_label: str
    attacked: CTVolume | None = None
    other: CTVolume | None = None
    other_attacked: CTVolume | None = None
    other_label: str = ""
    healed: CTVolume | None = None
    difference: NDArray[np.int16] | None = None
    difference_label: str = ""
    difference_limit_hu: float = 100.0
    difference_on: CTVolume | None = None
    injections: Sequence[Injection] = ()
    awaits_attack: bool = False

    def volume(self, role: str) -> CTVolume | None:
        """What a panel shows; None for the difference, and where there is nothing."""
        return {
            SCAN: self.scan,
            OTHER_SCAN: self.other,
            ATTACK: self.attacked,
            OTHER_ATTACK: self.other_attacked,
            HEALED: self.healed,
        }.get(role)

    def has(self, role: str) -> bool:
        """Whether there is anything to show in a panel."""
        return self.difference is not None if role == DIFFERENCE else self.volume(role) is not None

    def has_both(self, pair: tuple[str, str]) -> bool:
        """Whether two panels show something, and not one and the same."""
        return all(self.has(role) for role in pair) and not (self.awaits_attack and ATTACK in pair)

    def label(self, role: str) -> str:
        """The version that a panel shows."""
        return self.other_label if role in (OTHER_SCAN, OTHER_ATTACK) else self.scan_label

    @property
    def order(self) -> tuple[str, ...]:
        """The panels as they stand beside each other: original before protected, whichever is looked at."""
        scans, attacks = [SCAN, OTHER_SCAN], [ATTACK, OTHER_ATTACK]
        if self.other is not None and self.other_label.startswith("original"):
            scans.reverse()
            attacks.reverse()
        return (*scans, *attacks, HEALED, DIFFERENCE)
