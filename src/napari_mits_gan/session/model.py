"""What a user did to a scan: the protection, the switch, the simulated attacks. Knows neither napari nor Qt.

A session keeps two versions of one scan, the original and the protected one, and one list of injections. Whatever
version is looked at, the same injections are replayed on it, so that one switch shows what the protection does.
Long work (`make_protected`, `attacked`, `difference`, `figures`) may run in another thread: it changes nothing that
the user sees. Short work (`open`, `accept_protected`, `add_injection`, `undo`, ...) changes the session and tells so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError, ProtectionError
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.session.comparison import Difference, Figures, cuboid, subtract
from napari_mits_gan.session.replay import Action, Injection, Replay, Voxel

Version = Literal["original", "protected"]


class Attacker(Protocol):
    """What a session asks of an attack."""

    def tamper(self, volume: CTVolume, at: Voxel) -> CTVolume:
        """The volume with something injected or removed at voxel (z, y, x)."""
        ...


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
        self._replays: dict[Version, Replay] = {}
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
        self._replays = {"original": Replay(volume, self._tamper)}
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
        self._replays["protected"] = Replay(volume, self._tamper)
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
            return subtract(self.attacked(version, progress).hu, self._require(version).base.hu)
        if kind is Difference.PROTECTION:
            return subtract(self._require("protected").base.hu, self._require("original").base.hu)
        return subtract(self.attacked("protected", progress).hu, self.attacked("original", progress).hu)

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

    def _require(self, version: Version) -> Replay:
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
