"""What a method that looks for a trace of tampering has to give, and what a finding is.

A method is one file with a frozen dataclass that keeps `Method` (`Calibrated` is what most have in common), and
one line in `METHODS` in `inspection/inspect.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from napari_mits_gan.ct.grid import Voxel
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.false_alarms import Tail
from napari_mits_gan.inspection.outline import Outline
from napari_mits_gan.progress import Progress

Kind = Literal["copied noise", "copied voxels", "noise too low", "unlike noise", "pasted box"]
"""What a finding is a trace of."""


@dataclass(frozen=True)
class Trace:
    """Something that a method noticed, not yet judged.

    Parameters
    ----------
    at : tuple of int
        Voxel (z, y, x) in the middle of it.
    kind : str
        Of which trace it is.
    score : float
        In the method's own unit; more is worse.
    sentence : str
        What was noticed, and where it was copied from if that is known.
    radius_mm : float
        How far around the voxel the evidence reaches.
    source : tuple of int or None
        Voxel (z, y, x) that it was copied from, where it is a copy.
    outline : Outline or None
        The voxels that the evidence covers; None has the ball of `radius_mm`.
    """

    at: Voxel
    kind: Kind
    score: float
    sentence: str
    radius_mm: float
    source: Voxel | None = None
    outline: Outline | None = None


@dataclass(frozen=True)
class Finding:
    """A trace of tampering that untouched scans show hardly ever.

    Parameters
    ----------
    at : tuple of int
        Voxel (z, y, x) in the middle of it.
    world_mm : tuple of float
        The same place, (x, y, z) in mm, LPS.
    kind : str
        Of which trace it is.
    score : float
        In the unit of the method that found it; more is worse.
    false_alarms_per_scan : float
        How often the same method finds something as striking as this in an untouched scan; an upper estimate.
    sentence : str
        What was noticed, for the user.
    radius_mm : float
        How far around the voxel the evidence reaches.
    method : str
        Name of the method.
    source : tuple of int or None
        Voxel (z, y, x) that it was copied from, or to, where it is a copy.
    outline : Outline or None
        The voxels that the evidence covers; None has the ball of `radius_mm`.
    """

    at: Voxel
    world_mm: tuple[float, float, float]
    kind: Kind
    score: float
    false_alarms_per_scan: float
    sentence: str
    radius_mm: float
    method: str
    source: Voxel | None = None
    outline: Outline | None = None

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-serialisable."""
        return {
            "voxel_zyx": list(self.at),
            "world_mm_xyz_lps": [round(v, 2) for v in self.world_mm],
            "kind": self.kind,
            "score": round(self.score, 2),
            "false_alarms_per_scan": float(f"{self.false_alarms_per_scan:.2g}"),
            "sentence": self.sentence,
            "radius_mm": self.radius_mm,
            "method": self.method,
            "source_voxel_zyx": None if self.source is None else list(self.source),
        }


class Method(Protocol):
    """Looks for one trace of tampering."""

    @property
    def name(self) -> str:
        """Short, for the records."""
        ...

    @property
    def share(self) -> float:
        """Of the false alarms that all methods may raise together, how much is this one's; counted against the others'.

        The less a method has in common with untouched scans, the less it needs.
        """
        ...

    def traces(self, scan: ExaminedScan, *, progress: Progress) -> Sequence[Trace]:
        """All that is as striking as anything an untouched scan shows, or more; most striking first."""
        ...

    def highest(self, scan: ExaminedScan) -> float | None:
        """The highest score that a scan reaches, however low; None where it cannot be told. For calibration."""
        ...

    def not_seen(self, scan: ExaminedScan) -> str | None:
        """What cannot be seen in this very scan, for the user, as a part of a sentence; None where there is nothing."""
        ...

    def false_alarms_per_scan(self, score: float) -> float:
        """How many traces with at least this score an untouched scan shows on average; falls with the score."""
        ...


class Calibrated:
    """What methods have in common whose false alarms follow a tail, and whose trace can be looked for in any scan."""

    tail: ClassVar[Tail]
    """Of the scores that untouched scans reach."""

    def not_seen(self, scan: ExaminedScan) -> str | None:
        """See `Method`."""
        return None

    def false_alarms_per_scan(self, score: float) -> float:
        """See `Method`."""
        return self.tail.false_alarms_per_scan(score)
