"""Simulated attacks made on one version of a scan, one after the other; each can be taken back without computing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.ct.grid import Voxel
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError
from napari_mits_gan.progress import Progress
from napari_mits_gan.session.comparison import Region, subtract
from napari_mits_gan.session.spare_memory import SpareMemory

if TYPE_CHECKING:
    from napari_mits_gan.session.detection import Detection


@dataclass(frozen=True)
class Injection:
    """One simulated attack that the user asked for.

    Parameters
    ----------
    action : {"inject", "remove"}
        Whether a nodule is put in or taken out.
    at : tuple of int
        Voxel (z, y, x) at its centre.
    attacker : str
        Name of the weights that make it; empty for those that come with the package. It stays the same whatever is
        chosen later.
    """

    action: Action
    at: Voxel
    attacker: str = ""


class ReplayError(AttackError):
    """One of the injections could not be made; `injection` is that one, `reason` says why."""

    def __init__(self, injection: Injection, reason: Exception) -> None:
        super().__init__(str(reason))
        self.injection = injection
        self.reason = reason


@dataclass(frozen=True)
class Applied:
    """An injection that was made, and what is needed to take it back."""

    injection: Injection
    region: Region
    before: NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class PaintedCore:
    """What an attacker painted into the core of its site, on a version that nobody else attacked.

    Parameters
    ----------
    normalised : ndarray of float32, shape (k, k, k)
        In normalised units, -0.5 to 0.5.
    mean_hu : float
        Mean HU of the middle of the core, about 10 mm wide, after the attack.
    """

    normalised: NDArray[np.float32]
    mean_hu: float


class Replay:
    """One version of a scan with injections made on it, one after the other; each can be taken back without computing.

    Memory: one attacked volume and a copy of each tampered region, whatever the number of injections.

    Parameters
    ----------
    base : CTVolume
        The version without injections.
    tamper : callable
        Called with a volume, an injection and an array of the volume's shape that may take its HU; returns the volume
        with the injection.
    touched : callable
        Called likewise; returns the part of the volume outside of which that injection changes nothing.
    """

    def __init__(
        self,
        base: CTVolume,
        tamper: Callable[[CTVolume, Injection, NDArray[np.int16]], CTVolume],
        touched: Callable[[CTVolume, Injection], Region],
    ) -> None:
        self.base = base
        self._tamper = tamper
        self._touched = touched
        self._volume = base
        self._applied: list[Applied] = []
        self._lock = Lock()
        self._memory = SpareMemory()
        self.detections: dict[tuple[Injection, ...], Detection] = {}
        """What the detector found of the last of a row of injections."""
        self.cores: dict[Injection, PaintedCore] = {}
        """What each injection paints where it is the only one."""

    def to(self, injections: tuple[Injection, ...], progress: Progress) -> CTVolume:
        """The version with exactly these injections; what was made before is kept, or taken back, not made anew."""
        with self._lock:
            return self._to(injections, progress)

    def difference_hu(self, injections: tuple[Injection, ...], progress: Progress) -> NDArray[np.int16]:
        """What these injections changed, in HU, shape (z, y, x); only what they touched is looked at."""
        with self._lock:
            hu = self._to(injections, progress).hu
            difference = self._memory.zeros(hu.shape)
            for applied in self._applied:
                difference[applied.region] = subtract(hu[applied.region], self.base.hu[applied.region])
            return difference

    def changed_by(self, row: int) -> tuple[Region, NDArray[np.bool_]]:
        """Where one of the injections made so far changed voxels: a region, and which of its voxels.

        Where a later one changed them too, what it left counts. Nothing where that injection was not made yet.
        """
        with self._lock:
            if row >= len(self._applied):
                nothing = (slice(0, 0), slice(0, 0), slice(0, 0))
                return nothing, np.zeros((0, 0, 0), dtype=bool)
            applied = self._applied[row]
            return applied.region, self._volume.hu[applied.region] != applied.before

    def before_and_after(
        self,
        injections: tuple[Injection, ...],
        rows: Collection[int],
        look: Callable[[CTVolume, Voxel], float],
        progress: Progress,
    ) -> dict[int, tuple[float, float]]:
        """What `look` gives at the sites of some injections, just before and just after each was made.

        Parameters
        ----------
        injections : tuple of Injection
            All that are made.
        rows : collection of int
            Which of them to look at.
        look : callable
            Called with a volume and a voxel (z, y, x); it must not keep the volume, whose HU change afterwards.

        Returns
        -------
        dict of int to tuple of float
            Row to the value before and the value after.
        """
        if not rows:
            return {}
        with self._lock:
            volume = self._to(injections, progress)
            hu = volume.hu.copy()
            found = {}
            # Backwards, since what an injection replaced is known: one copy does for all of them.
            for row in range(len(injections) - 1, min(rows) - 1, -1):
                applied, history = self._applied[row], volume.history
                made = len(history) - (len(injections) - 1 - row)
                at = applied.injection.at
                after = look(replace(volume, hu=hu, history=history[:made]), at) if row in rows else 0.0
                hu[applied.region] = applied.before
                if row in rows:
                    found[row] = (look(replace(volume, hu=hu, history=history[: made - 1]), at), after)
            return found

    def _to(self, injections: tuple[Injection, ...], progress: Progress) -> CTVolume:
        common = 0
        for applied, wanted in zip(self._applied, injections, strict=False):
            if applied.injection != wanted:
                break
            common += 1
        self._take_back(len(self._applied) - common)
        for number, injection in enumerate(injections[common:], start=common):
            progress(number, len(injections))
            self._apply(injection)
        progress(len(injections), max(len(injections), 1))
        return self._volume

    def _apply(self, injection: Injection) -> None:
        try:
            after = self._tamper(self._volume, injection, self._memory.empty(self._volume.shape))
            touched = self._touched(self._volume, injection)
        except Exception as error:
            raise ReplayError(injection, error) from error
        region = changed_region(self._volume.hu, after.hu, touched)
        self._applied.append(Applied(injection, region, self._volume.hu[region].copy()))
        self._volume = after

    def _take_back(self, count: int) -> None:
        if count == 0:
            return
        if count == len(self._applied):
            self._applied.clear()
            self._volume = self.base
            return
        hu = self._volume.hu.copy()
        for _ in range(count):
            last = self._applied.pop()
            hu[last.region] = last.before
        self._volume = replace(self._volume, hu=hu, history=self._volume.history[:-count])


def changed_region(before: NDArray[np.int16], after: NDArray[np.int16], within: Region) -> Region:
    """The smallest box that holds every voxel that differs within a region; empty where none does."""
    changed = before[within] != after[within]
    flat = changed.any(axis=0)
    bounds = []
    for hit, part in zip((changed.any(axis=(1, 2)), flat.any(axis=1), flat.any(axis=0)), within, strict=True):
        hits = np.flatnonzero(hit) + part.start
        bounds.append(slice(int(hits[0]), int(hits[-1]) + 1) if len(hits) else slice(0, 0))
    return (bounds[0], bounds[1], bounds[2])
