"""What a user did to a scan: the protection, the switch, the simulated attacks. Knows neither napari nor Qt.

A session keeps two versions of one scan, the original and the protected one, and one list of injections. Whatever
version is looked at, the same injections are replayed on it, so that one switch shows what the protection does.
Long work (`make_protected`, `attacked`, `difference`, `figures`) may run in another thread: it changes nothing that
the user sees. Short work (`open`, `accept_protected`, `add_injection`, `undo`, ...) changes the session and tells so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError, ProtectionError
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.evaluation.fidelity import Fidelity

Action = Literal["inject", "remove"]
Version = Literal["original", "protected"]
Voxel = tuple[int, int, int]
Region = tuple[slice, slice, slice]


class Attacker(Protocol):
    """What a session asks of an attack."""

    def tamper(self, volume: CTVolume, at: Voxel) -> CTVolume:
        """The volume with something injected or removed at voxel (z, y, x)."""
        ...


@dataclass(frozen=True)
class Injection:
    """One simulated attack that the user asked for.

    Parameters
    ----------
    action : {"inject", "remove"}
        Whether a nodule is put in or taken out.
    at : tuple of int
        Voxel (z, y, x) at its centre.
    """

    action: Action
    at: Voxel


class Difference(StrEnum):
    """Which difference of two volumes to look at, in HU."""

    ATTACK = "attacked − scan"
    PROTECTION = "protected − original"
    EFFECT = "attacks: protected − original"


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


class ReplayError(AttackError):
    """One of the injections could not be made; `injection` is that one, `reason` says why."""

    def __init__(self, injection: Injection, reason: Exception) -> None:
        super().__init__(str(reason))
        self.injection = injection
        self.reason = reason


def _load_ctgan(action: Action, device: str) -> Attacker:
    from napari_mits_gan.attack.ctgan import CTGAN

    return CTGAN.load(action, device=device)


def _protect(volume: CTVolume, **options: object) -> CTVolume:
    from napari_mits_gan.protection.protect import protect

    return protect(volume, **options)  # type: ignore[arg-type]


class Session:
    """One scan, its protected version, and the simulated attacks on them.

    Parameters
    ----------
    load_attacker : callable, optional
        Called with an action and a device name, returns the attacker; CT-GAN with this package's weights unless told.
    protector : callable, optional
        Called as `protect(volume, method=, max_change_hu=, seed=, device=, progress=)`; the package's own unless told.

    Examples
    --------
    >>> session = Session()
    >>> session.open(read_ct("folder/of/a/series"))  # doctest: +SKIP
    >>> session.add_injection("inject", (60, 250, 150))  # doctest: +SKIP
    >>> session.attacked("original")  # doctest: +SKIP
    """

    scan_changed = Signal()
    """Another scan was opened; nothing of the last one is left."""
    protection_changed = Signal()
    """There is a protected version, or none any more, or it was switched on or off."""
    injections_changed = Signal()
    """The list of injections is another one."""

    def __init__(
        self,
        *,
        load_attacker: Callable[[Action, str], Attacker] = _load_ctgan,
        protector: Callable[..., CTVolume] = _protect,
    ) -> None:
        self.device = "auto"
        self._load_attacker = load_attacker
        self._protector = protector
        self._attackers: dict[tuple[Action, str], Attacker] = {}
        self._attackers_lock = Lock()
        self._replays: dict[Version, _Replay] = {}
        self._protection_on = False
        self._injections: tuple[Injection, ...] = ()

    # ---- what there is

    @property
    def original(self) -> CTVolume | None:
        """The scan as it was opened."""
        return self.volume("original")

    @property
    def protected(self) -> CTVolume | None:
        """The protected scan, whether it is switched on or not."""
        return self.volume("protected")

    @property
    def injections(self) -> tuple[Injection, ...]:
        """What was injected and removed, oldest first."""
        return self._injections

    @property
    def shown(self) -> Version:
        """The version that the user looks at and attacks."""
        return "protected" if self._protection_on else "original"

    @property
    def protection_on(self) -> bool:
        """Whether the protected version is the one that is looked at and attacked."""
        return self._protection_on

    @protection_on.setter
    def protection_on(self, on: bool) -> None:
        if on and self.protected is None:
            raise ProtectionError("there is no protected version of this scan yet; press Protect first")
        if on != self._protection_on:
            self._protection_on = bool(on)
            self.protection_changed.emit()

    def volume(self, version: Version) -> CTVolume | None:
        """The original or the protected scan, not attacked; None where there is none."""
        found = self._replays.get(version)
        return found.base if found else None

    # ---- short work: changes the session

    def open(self, volume: CTVolume) -> None:
        """Start anew with a scan."""
        self._replays = {"original": _Replay(volume, self._tamper)}
        self._protection_on = False
        self._injections = ()
        self.scan_changed.emit()

    def accept_protected(self, volume: CTVolume) -> None:
        """Take what `make_protected` returned as this scan's protected version, and switch it on."""
        original = self._require("original").base
        if volume.shape != original.shape:
            raise ProtectionError(
                f"the protected volume has the shape {volume.shape}, the scan has {original.shape};"
                " protect this scan again"
            )
        self._replays["protected"] = _Replay(volume, self._tamper)
        self._protection_on = True
        self.protection_changed.emit()

    def add_injection(self, action: Action, at: Voxel) -> Injection:
        """Add a simulated attack; what it does is computed by `attacked`.

        Parameters
        ----------
        action : {"inject", "remove"}
            Whether to put a nodule in or take one out.
        at : tuple of int
            Voxel (z, y, x).

        Raises
        ------
        AttackError
            If no scan is open, or the place lies outside it.
        """
        shape = self._require("original").base.shape
        place: Voxel = (int(at[0]), int(at[1]), int(at[2]))
        if not all(0 <= p < n for p, n in zip(place, shape, strict=True)):
            last = tuple(n - 1 for n in shape)
            raise AttackError(
                f"the place (z, y, x) = {place} lies outside the scan, whose voxels run from (0, 0, 0) to {last};"
                " choose a place inside it"
            )
        added = Injection(action, place)
        self._set_injections((*self._injections, added))
        return added

    def undo(self) -> Injection | None:
        """Take the last injection back; the one that was taken back, or None where there was none."""
        if not self._injections:
            return None
        last = self._injections[-1]
        self._set_injections(self._injections[:-1])
        return last

    def clear(self) -> None:
        """Take all injections back."""
        self._set_injections(())

    def withdraw(self, injection: Injection) -> None:
        """Take one injection out of the list: the last one that equals it. Nothing happens where there is none."""
        kept = list(self._injections)
        for index in reversed(range(len(kept))):
            if kept[index] == injection:
                del kept[index]
                break
        self._set_injections(tuple(kept))

    # ---- long work: changes nothing that is seen

    def make_protected(
        self, *, method: str = "mits-gan", max_change_hu: int = 20, seed: int = 0, progress: Progress = silent
    ) -> CTVolume:
        """Protect the original scan, as `protection.protect.protect` does; hand the result to `accept_protected`."""
        original = self._require("original").base
        return self._protector(
            original, method=method, max_change_hu=max_change_hu, seed=seed, device=self.device, progress=progress
        )

    def attacked(self, version: Version, progress: Progress = silent) -> CTVolume:
        """The injections replayed on one version of the scan; only what is new since the last call is computed.

        Parameters
        ----------
        version : {"original", "protected"}
            What to attack.
        progress : callable
            Told how many injections are done, of how many.

        Returns
        -------
        CTVolume
            With one "attack" step per injection in its history; the version itself where there are no injections.

        Raises
        ------
        ReplayError
            If an injection cannot be made; those before it are kept.
        """
        return self._require(version).to(self._injections, progress)

    def difference(self, kind: Difference, version: Version, progress: Progress = silent) -> NDArray[np.int16]:
        """One difference of two volumes, in HU, shape (z, y, x).

        Parameters
        ----------
        kind : Difference
            Which volumes to subtract.
        version : {"original", "protected"}
            For `Difference.ATTACK`: which version's attack to look at. The others do not ask.
        """
        if kind is Difference.ATTACK:
            return _subtract(self.attacked(version, progress).hu, self._require(version).base.hu)
        if kind is Difference.PROTECTION:
            return _subtract(self._require("protected").base.hu, self._require("original").base.hu)
        return _subtract(self.attacked("protected", progress).hu, self.attacked("original", progress).hu)

    def figures(self, z: int, at: Voxel | None, progress: Progress = silent) -> Figures:
        """How far the versions lie apart in slice z, and in the cuboid around `at` (None: no cuboid)."""
        if self.original is None or self.protected is None:
            return Figures()
        from napari_mits_gan.evaluation.fidelity import compare

        whole_slice = (slice(z, z + 1), slice(None), slice(None))
        region = None if at is None else cuboid(self.original, at)
        before, after = self.original.hu, self.protected.hu
        found = Figures(
            protection_slice=compare(before, after, region=whole_slice),
            protection_cuboid=None if region is None else compare(before, after, region=region),
        )
        if not self._injections:
            return found
        before, after = self.attacked("original", progress).hu, self.attacked("protected", progress).hu
        return replace(
            found,
            attack_slice=compare(before, after, region=whole_slice),
            attack_cuboid=None if region is None else compare(before, after, region=region),
        )

    def methods(self) -> list[str]:
        """Names of the protections that there are."""
        from napari_mits_gan.protection.protect import METHODS

        return list(METHODS)

    def load_attackers(self) -> None:
        """Load injector and remover, so that the first click need not wait for them."""
        for action in ("inject", "remove"):
            self._attacker(action)

    # ---- inside

    def _set_injections(self, injections: tuple[Injection, ...]) -> None:
        if injections != self._injections:
            self._injections = injections
            self.injections_changed.emit()

    def _require(self, version: Version) -> _Replay:
        found = self._replays.get(version)
        if found is None and version == "protected" and self._replays:
            raise ProtectionError("there is no protected version of this scan yet; press Protect first")
        if found is None:
            raise AttackError("no scan is open yet; load a CT scan first")
        return found

    def _attacker(self, action: Action) -> Attacker:
        key = (action, self.device)
        with self._attackers_lock:
            if key not in self._attackers:
                self._attackers[key] = self._load_attacker(*key)
            return self._attackers[key]

    def _tamper(self, volume: CTVolume, injection: Injection) -> CTVolume:
        return self._attacker(injection.action).tamper(volume, at=injection.at)


@dataclass(frozen=True)
class _Applied:
    """An injection that was made, and what is needed to take it back."""

    injection: Injection
    region: Region
    before: NDArray[np.int16]


class _Replay:
    """One version of a scan with injections made on it, one after the other; each can be taken back without computing.

    Memory: one attacked volume and a copy of each tampered region, whatever the number of injections.
    """

    def __init__(self, base: CTVolume, tamper: Callable[[CTVolume, Injection], CTVolume]) -> None:
        self.base = base
        self._tamper = tamper
        self._volume = base
        self._applied: list[_Applied] = []
        self._lock = Lock()

    def to(self, injections: tuple[Injection, ...], progress: Progress) -> CTVolume:
        with self._lock:
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
            after = self._tamper(self._volume, injection)
        except Exception as error:
            raise ReplayError(injection, error) from error
        region = _changed_region(self._volume.hu, after.hu)
        self._applied.append(_Applied(injection, region, self._volume.hu[region].copy()))
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


def cuboid(volume: CTVolume, at: Voxel) -> Region:
    """The part of the CT-GAN cuboid around a voxel (z, y, x) that lies inside the scan."""
    from napari_mits_gan.attack.cuboid import Box, cuboid_shape

    return Box.around(at, cuboid_shape(volume.spacing)).inside(volume.shape).slices()


def _subtract(minuend: NDArray[np.int16], subtrahend: NDArray[np.int16]) -> NDArray[np.int16]:
    """Difference in HU, clipped to what int16 holds; slice by slice, so that no wide copy of the volume is made."""
    result = np.zeros(minuend.shape, dtype=np.int16)
    for z in range(len(minuend)):
        if np.array_equal(minuend[z], subtrahend[z]):
            continue  # an attack changes few slices, and the user waits for it
        wide = minuend[z].astype(np.int32) - subtrahend[z]
        result[z] = np.clip(wide, -32768, 32767)
    return result


def _changed_region(before: NDArray[np.int16], after: NDArray[np.int16]) -> Region:
    changed = before != after
    flat = changed.any(axis=0)
    bounds = []
    for hit in (changed.any(axis=(1, 2)), flat.any(axis=1), flat.any(axis=0)):
        places = np.flatnonzero(hit)
        bounds.append(slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0))
    return (bounds[0], bounds[1], bounds[2])
