"""What a user did to a scan: the protection, the switch, the simulated attacks. Knows neither napari nor Qt.

A session keeps two versions of one scan, the original and the protected one, and one list of injections. Whatever
version is looked at, the same injections are replayed on it, so that one switch shows what the protection does.
Long work (`make_protected`, `attacked`, all of `session.analysis`) may run in another thread: it changes nothing that
the user sees. Short work (`open`, `accept_protected`, `add_injection`, `undo`, ...) changes the
session and tells so.

Each injection keeps the attacker that was chosen when it was made, whatever is chosen afterwards, and is replayed with
that one on every version: another choice is for the next attack, and no picture changes because of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.ct.grid import Voxel
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError, EvidenceError, ProtectionError
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.session.attackers import Choice
from napari_mits_gan.session.comparison import Region
from napari_mits_gan.session.detection import Detection
from napari_mits_gan.session.evidence import Examined, Sealed
from napari_mits_gan.session.networks import Networks
from napari_mits_gan.session.replay import Injection, Replay
from napari_mits_gan.workflow.protect_series import ProtectionOptions, protect_volume

Version = Literal["original", "protected"]
Protector = Callable[[CTVolume, ProtectionOptions, Progress], CTVolume]


class Session:
    """One scan, its protected version, and the simulated attacks on them.

    Parameters
    ----------
    networks : Networks, optional
        Attackers and detector; the package's own unless told.
    protector : callable, optional
        Called with the scan, `ProtectionOptions` and a progress callback; `workflow.protect_series.protect_volume`
        unless told.

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
    attacker_changed = Signal()
    """The next attacks are made with other weights."""
    seal_changed = Signal()
    """A version was sealed, or its seal taken off."""
    examined_changed = Signal()
    """A check or a recovery is done, or was put away."""

    def __init__(self, networks: Networks | None = None, protector: Protector = protect_volume) -> None:
        self.networks = networks or Networks()
        """What attacks, and what detects nodules."""
        self._protector = protector
        self._replays: dict[Version, Replay] = {}
        self._protection_on = False
        self._injections: tuple[Injection, ...] = ()
        self._seals: dict[Version, Sealed] = {}
        self._examined: Examined | None = None

    # ---- what there is

    @property
    def original(self) -> CTVolume | None:
        """The scan as it was opened."""
        return self._unsealed("original")

    @property
    def protected(self) -> CTVolume | None:
        """The protected scan without a seal, whether it is switched on or not."""
        return self._unsealed("protected")

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
        """The original or the protected scan, with its seal if it has one, not attacked; None where there is none."""
        found = self._replays.get(version)
        return found.base if found else None

    def sealed(self, version: Version) -> Sealed | None:
        """The seal of a version; None where it has none."""
        return self._seals.get(version)

    def seal_of(self, volume: CTVolume) -> Sealed | None:
        """The seal that made a volume; None for any other volume."""
        return next((seal for seal in self._seals.values() if seal.volume is volume), None)

    @property
    def examined(self) -> Examined | None:
        """What the last check or recovery found, as long as the scan that is shown is the one that was looked at."""
        found = self._examined
        if found is None or found.base is not self.volume(self.shown) or found.injections != self._injections:
            return None
        return found

    @property
    def protection_record(self) -> dict[str, Any] | None:
        """What was recorded of the protection: method, budget in HU, seed; None where there is none."""
        steps = [step for step in self.protected.history if step.kind == "protection"] if self.protected else []
        return dict(steps[-1].parameters) if steps else None

    def required(self, version: Version) -> CTVolume:
        """The original or the protected scan, sealed if it is, not attacked; raises as `replay`."""
        return self.replay(version).base

    def replay(self, version: Version) -> Replay:
        """The original or the protected scan with the attacks made on it so far.

        Raises
        ------
        AttackError
            If no scan is open.
        ProtectionError
            If there is no protected version of it.
        """
        found = self._replays.get(version)
        if found is None and version == "protected" and self._replays:
            raise ProtectionError("there is no protected version of this scan yet; press Protect first")
        if found is None:
            raise AttackError("no scan is open yet; load a CT scan first")
        return found

    @property
    def detections(self) -> tuple[Detection | None, ...]:
        """What the detector found for each injection on the version that is shown; None where it was not asked yet."""
        found = self._replays.get(self.shown)
        known = {} if found is None else found.detections
        return tuple(known.get(self._injections[: row + 1]) for row in range(len(self._injections)))

    # ---- short work: changes the session

    def open(self, volume: CTVolume) -> None:
        """Start anew with a scan."""
        self._replays = {"original": Replay(volume, self._tamper, self._touched)}
        self._protection_on = False
        self._injections = ()
        self._seals = {}
        self._examined = None
        self.scan_changed.emit()

    def accept_protected(self, volume: CTVolume) -> None:
        """Take what `make_protected` returned as this scan's protected version, and switch it on."""
        original = self.required("original")
        if volume.shape != original.shape:
            raise ProtectionError(
                f"the protected volume has the shape {volume.shape}, the scan has {original.shape};"
                " protect this scan again"
            )
        self._seals.pop("protected", None)
        self._replays["protected"] = Replay(volume, self._tamper, self._touched)
        self._protection_on = True
        self.protection_changed.emit()

    def accept_sealed(self, version: Version, sealed: Sealed) -> None:
        """Take a sealed version in the place of the one that it was made of.

        Raises
        ------
        EvidenceError
            If that version is another one by now.
        """
        if self.volume(version) is not sealed.base:
            raise EvidenceError(f"The {version} scan is another one by now, or is sealed already; seal it again.")
        self._seals[version] = sealed
        self._replays[version] = Replay(sealed.volume, self._tamper, self._touched)
        self.seal_changed.emit()

    def take_seal_off(self, version: Version) -> None:
        """Show and attack a version without its seal again. Nothing happens where it has none."""
        sealed = self._seals.pop(version, None)
        if sealed is not None:
            self._replays[version] = Replay(sealed.base, self._tamper, self._touched)
            self.seal_changed.emit()

    def accept_examined(self, examined: Examined | None) -> None:
        """Take what a check or a recovery found; None puts it away."""
        if examined is not self._examined:
            self._examined = examined
            self.examined_changed.emit()

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
            If no scan is open, or the voxel lies outside it.
        """
        shape = self.required("original").shape
        voxel: Voxel = (int(at[0]), int(at[1]), int(at[2]))
        if not all(0 <= v < n for v, n in zip(voxel, shape, strict=True)):
            last = tuple(n - 1 for n in shape)
            raise AttackError(
                f"the voxel (z, y, x) = {voxel} lies outside the scan, whose voxels run from (0, 0, 0) to {last};"
                " choose one inside it"
            )
        added = Injection(action, voxel, self.networks.chosen(action))
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

    def use_attacker(self, action: Action, choice: Choice | None) -> None:
        """Make the next attacks with another attacker; those in the list keep the one that they were made with.

        Parameters
        ----------
        action : {"inject", "remove"}
            Which attacks.
        choice : str, Path or None
            A name in the list of attackers, a safetensors file, or a folder in the layout of CT-GAN's authors; None for
            the usual one. What `networks.prepare` loaded is at hand; else it is loaded now, which takes a while.

        Raises
        ------
        WeightsError
            If there is no such attacker, its weights are missing or damaged, or it does another action; the attacker
            in use stays.
        """
        before = self.networks.chosen(action)
        if self.networks.use(action, choice) != before:
            self.attacker_changed.emit()

    # ---- long work: changes nothing that is seen

    def make_protected(self, options: ProtectionOptions | None = None, progress: Progress = silent) -> CTVolume:
        """Protect the original scan; hand the result to `accept_protected`."""
        if self.original is None:
            raise AttackError("no scan is open yet; load a CT scan first")
        return self._protector(self.original, options or ProtectionOptions(), progress)

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
        return self.replay(version).to(self._injections, progress)

    # ---- inside

    def _unsealed(self, version: Version) -> CTVolume | None:
        sealed = self._seals.get(version)
        return self.volume(version) if sealed is None else sealed.base

    def _set_injections(self, injections: tuple[Injection, ...]) -> None:
        if injections != self._injections:
            self._injections = injections
            self.injections_changed.emit()

    def _tamper(self, volume: CTVolume, injection: Injection, out: NDArray[np.int16]) -> CTVolume:
        return self.networks.attacker(injection.action, injection.attacker).tamper(volume, at=injection.at, out=out)

    def _touched(self, volume: CTVolume, injection: Injection) -> Region:
        attacker = self.networks.attacker(injection.action, injection.attacker)
        return attacker.touched(injection.at, volume.spacing).inside(volume.shape).slices()
