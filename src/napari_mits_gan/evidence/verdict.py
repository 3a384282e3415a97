"""What a check found, each finding in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""First and one after the last voxel along (z, y, x)."""


class State(Enum):
    """What can be said of a scan."""

    INTACT = "intact"
    TAMPERED = "tampered"
    NO_SEAL = "no seal"


class Kind(Enum):
    """What was done to a scan."""

    CHANGED = "blocks changed"
    COPIED = "blocks copied within the scan"
    WIPED = "lowest bits wiped"
    EVERYWHERE = "changed everywhere"
    REPLACED = "slice replaced"
    FOREIGN = "slice of another sealed scan"
    ADDED = "slice added"
    MISSING = "slice missing"
    DOUBLED = "slice doubled"
    MOVED = "slice moved"
    SWAPPED = "slices swapped"
    TURNED_SLICE = "slice mirrored or turned"
    TURNED = "scan mirrored or turned"
    CUT = "scan cut or enlarged"
    GEOMETRY = "geometry edited"
    NOT_JUDGED = "part of the scan not judged"
    NO_SEAL = "no seal found"
    MARK_MISSING = "mark missing"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was sealed.

    Parameters
    ----------
    kind : Kind
        What was done.
    sentence : str
        The finding in one sentence; slices, rows and columns are counted from 0.
    box : Box or None
        Where it is, in the scan that was checked; None where it has no place (a missing slice, the geometry).
    blocks : int
        Number of blocks concerned, where blocks are.
    """

    kind: Kind
    sentence: str
    box: Box | None = None
    blocks: int = 0


@dataclass(frozen=True)
class MarkReport:
    """What a check says of the mark that outlives a seal.

    Parameters
    ----------
    found : bool
        Whether there is a mark of the key.
    missing_places : int
        At how many places of the lungs it is missing.
    sureness : float
        By how many standard deviations it is there, in a part of the lungs.
    """

    found: bool
    missing_places: int = 0
    sureness: float = 0.0

    def __str__(self) -> str:
        if not self.found:
            return "no mark of this key was found either"
        if not self.missing_places:
            return "its mark is there in all of the lungs"
        places = "one place" if self.missing_places == 1 else f"{self.missing_places} places"
        return f"its mark is there but missing at {places} of the lungs"


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a check found.

    Parameters
    ----------
    state : State
        What can be said of the scan.
    findings : tuple of Finding
        Each difference from what was sealed; empty where the scan is intact.
    notes : tuple of str
        What is worth knowing and no difference: that the scan is stored the other way round, for instance.
    bits : int
        Bits a voxel that carry the seal; 0 where there is none.
    blocks : int
        Number of blocks that were checked.
    changed_blocks : int
        How many of them are not what was sealed.
    can_be_healed : bool
        Whether enough of the recovery copy is left.
    copy_bytes : int
        Length of the recovery copy; 0 for a seal for detection only, or where that is not known any more.
    copy_left : float
        Symbols of the copy that are left, as a multiple of what healing needs.
    mark : MarkReport or None
        What the mark says; None where nobody asked, since the seal tells more.
    """

    state: State
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    bits: int = 0
    blocks: int = 0
    changed_blocks: int = 0
    can_be_healed: bool = False
    copy_bytes: int = 0
    copy_left: float = 0.0
    mark: MarkReport | None = None
    _mask: Callable[[], NDArray[np.bool_]] | None = field(default=None, repr=False)

    @property
    def is_intact(self) -> bool:
        """Whether everything is as it was sealed."""
        return self.state is State.INTACT

    def changed_voxels(self) -> NDArray[np.bool_]:
        """Voxels in changed blocks and foreign, added or replaced slices, shape (z, y, x) of the scan checked.

        Raises
        ------
        ValueError
            If no seal was found, so that nothing can be said of any voxel.
        """
        if self._mask is None:
            raise ValueError("no seal was found, so no voxel can be told from another")
        return self._mask()

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        if self.state is State.NO_SEAL:
            mark = f"; {self.mark}" if self.mark is not None and self.mark.found else ""
            return f"No seal of this key was found{mark}."
        if self.is_intact:
            return f"Intact: all {self.blocks} blocks are what was sealed."
        heal = "it can be healed" if self.can_be_healed else "it cannot be healed"
        return f"Tampered: {self.changed_blocks} of {self.blocks} blocks are not what was sealed; {heal}."

    def text(self) -> str:
        """A report to read."""
        lines = [self.headline, *(f"- {f.sentence}" for f in self.findings), *(f"Note: {n}" for n in self.notes)]
        if any(f.box is not None for f in self.findings):
            lines.append("Slices, rows and columns are counted from 0.")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON-serialisable names and values; nothing of the key, nothing about the patient."""
        return {
            "state": self.state.value,
            "headline": self.headline,
            "findings": [
                {"kind": f.kind.value, "sentence": f.sentence, "box_zyx": f.box, "blocks": f.blocks}
                for f in self.findings
            ],
            "notes": list(self.notes),
            "seal": {"bits": self.bits, "copy_bytes": self.copy_bytes},
            "blocks": self.blocks,
            "changed_blocks": self.changed_blocks,
            "can_be_healed": self.can_be_healed,
            "copy_left": round(self.copy_left, 3),
            "mark": None if self.mark is None else asdict(self.mark),
        }
