"""What a job has to promise, so that it can be done for every series of an archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from napari_mits_gan.ct.volume import CTVolume


@dataclass(frozen=True)
class Cost:
    """What a job takes, measured on one core of a present-day machine; a dry run multiplies with it.

    Parameters
    ----------
    seconds : float
        For a million voxels.
    bytes_per_voxel : float
        Most memory that it needs, for each voxel.
    base_mib : float
        Most memory that it needs beside that.
    written : float
        Bytes that it writes, for each byte of its input (without compression on either side).
    """

    seconds: float
    bytes_per_voxel: float
    base_mib: float
    written: float


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a job gave.

    Parameters
    ----------
    volume : CTVolume
        The scan, as it was written where the job writes one.
    before : CTVolume or None
        The scan as it was read, where the job changes it.
    figures : mapping
        Names and values for the report: numbers and short words, nothing about the patient.
    alarm : bool
        Whether someone should look at this series.
    """

    volume: CTVolume
    before: CTVolume | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    alarm: bool = False


class Job(Protocol):
    """A job: a frozen dataclass of options that can be pickled.

    A new one is a class like this (`archive/jobs.py`) and a line in `JOBS` in `command_line/archive.py`.
    """

    @property
    def name(self) -> str:
        """What it does, in a word."""
        ...

    @property
    def cost(self) -> Cost:
        """What it takes."""
        ...

    def check(self) -> None:
        """Find out before the first series what would fail for all of them; raises a `MitsGanError`."""
        ...

    def settings(self, salt: bytes) -> Mapping[str, Any]:
        """All options that decide about the result, JSON-serialisable.

        A secret is told by a digest that cannot be tried out quickly, made with `salt`, or by its public half.
        """
        ...

    def run(self, source: Path, series: str | None, target: Path, made_at: datetime) -> Outcome:
        """Do it for one series.

        Parameters
        ----------
        source : Path
            A file of the series; no other folder than its own is to be looked into.
        series : str or None
            SeriesInstanceUID, for DICOM.
        target : Path
            Where to write; there is nothing of that name yet, but its parent.
        made_at : datetime
            When what is written is said to be made.

        Raises
        ------
        MitsGanError
            In one sentence, if it cannot be done.
        """
        ...
