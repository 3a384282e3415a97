"""What an inspection found in the scan that a session shows, the simulated attacks on it included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_mits_gan.progress import Progress, part_of, silent
from napari_mits_gan.session.replay import Injection

if TYPE_CHECKING:
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.inspection.result import Inspection
    from napari_mits_gan.session.model import Session


@dataclass(frozen=True, eq=False)
class Inspected:
    """An inspection of one state of the scan.

    Parameters
    ----------
    base : CTVolume
        The version that was looked at.
    injections : tuple of Injection
        The simulated attacks on it.
    inspection : Inspection
        What was found.
    """

    base: CTVolume
    injections: tuple[Injection, ...]
    inspection: Inspection

    def is_of(self, session: Session) -> bool:
        """Whether what the session shows is what was looked at."""
        return self.base is session.volume(session.shown) and self.injections == session.injections


def inspect_shown(session: Session, progress: Progress = silent) -> Inspected:
    """Look for traces of tampering in the version that is shown, attacks and all.

    Raises
    ------
    AttackError
        If no scan is open.
    InspectionError
        If it shows no lungs, or too little of them.
    """
    from napari_mits_gan.inspection.inspect import inspect

    version, injections = session.shown, session.injections
    base = session.required(version)
    volume = session.attacked(version, part_of(progress, 0.0, 0.1))
    return Inspected(base, injections, inspect(volume, progress=part_of(progress, 0.1, 1.0)))
