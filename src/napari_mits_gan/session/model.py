"""What a user did to a scan: the protection, the switch, the simulated attacks. Knows neither napari nor Qt.

A session keeps two versions of one scan, the original and the protected one, and one list of injections. Whatever
version is looked at, the same injections are replayed on it, so that one switch shows what the protection does.
Long work (`make_protected`, `attacked`, `detect`, `suggest`, `difference`, `figures`, ...) may run in another thread:
it changes nothing that the user sees. Short work (`open`, `accept_protected`, `add_injection`, `undo`, ...) changes the
session and tells so.

Each injection keeps the attacker that was chosen when it was made, whatever is chosen afterwards, and is replayed with
that one on every version: another choice is for the next attack, and no picture changes because of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_mits_gan.attack.contract import ACTIONS, Action, Attacker
from napari_mits_gan.ct.grid import Voxel
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError, ProtectionError, WeightsError
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.session.attackers import BUILT_IN, Attackers, Choice
from napari_mits_gan.session.comparison import Difference, Figures, cuboid, subtract
from napari_mits_gan.session.replay import Injection, Replay
from napari_mits_gan.session.verdict import Detectors, Verdict

if TYPE_CHECKING:
    from napari_mits_gan.detection.detector import NoduleDetector
    from napari_mits_gan.detection.sites import Detector, Site
    from napari_mits_gan.evaluation.vulnerability import VulnerabilityMap

Version = Literal["original", "protected"]


def _load_attacker(action: Action, device: str, choice: Choice | None = None) -> Attacker:
    from napari_mits_gan.attack.attackers import load_attacker

    return load_attacker(action if choice is None else choice, device, action=action)


def _load_detector(device: str) -> Detector:
    from napari_mits_gan.detection.detector import NoduleDetector

    return NoduleDetector.load(device=device)


def _protect(volume: CTVolume, **options: object) -> CTVolume:
    from napari_mits_gan.protection.protect import protect

    return protect(volume, **options)  # type: ignore[arg-type]


class Session:
    """One scan, its protected version, and the simulated attacks on them.

    Parameters
    ----------
    load_attacker : callable, optional
        Called with an action, a device name and, for another attacker than the usual one, its name or the path of its
        weights; returns the attacker. `attack.attackers.load_attacker` unless told.
    protector : callable, optional
        Called as `protect(volume, method=, max_change_hu=, seed=, key=, device=, progress=)`; the package's own unless
        told.
    load_detector : callable, optional
        Called with a device name, returns a detector of nodules; the package's own unless told.

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
    """The next attacks are made with another attacker."""

    def __init__(
        self,
        *,
        load_attacker: Callable[..., Attacker] = _load_attacker,
        protector: Callable[..., CTVolume] = _protect,
        load_detector: Callable[[str], Detector] = _load_detector,
    ) -> None:
        self.device = "auto"
        self._protector = protector
        self._attackers = Attackers(load_attacker)
        self._detectors = Detectors(load_detector)
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

    def attacker(self, action: Action) -> str:
        """The name of the attacker that the next attack is made with; empty for the usual one."""
        return self._attackers.chosen(action)

    @property
    def verdicts(self) -> tuple[Verdict | None, ...]:
        """What the detector said of each injection on the version that is shown; None where it was not asked yet."""
        found = self._replays.get(self.shown)
        known = {} if found is None else found.verdicts
        return tuple(known.get(self._injections[: row + 1]) for row in range(len(self._injections)))

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
            If no scan is open, or the voxel lies outside it.
        """
        shape = self._require("original").base.shape
        voxel: Voxel = (int(at[0]), int(at[1]), int(at[2]))
        if not all(0 <= p < n for p, n in zip(voxel, shape, strict=True)):
            last = tuple(n - 1 for n in shape)
            raise AttackError(
                f"the voxel (z, y, x) = {voxel} lies outside the scan, whose voxels run from (0, 0, 0) to {last};"
                " choose one inside it"
            )
        added = Injection(action, voxel, self.attacker(action))
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
        """Make the next attacks with another attacker; those in the list keep the attacker that they were made with.

        Parameters
        ----------
        action : {"inject", "remove"}
            Which attacks.
        choice : str, Path or None
            A name out of `attackers`, or CT-GAN weights: a safetensors file, or a folder in the layout of its authors;
            None for the usual attacker. What `prepare_attacker` loaded is at hand; else it is loaded now, which takes
            a while.

        Raises
        ------
        WeightsError
            If the weights are missing, damaged, or do another action; the attacker in use stays.
        """
        before = self.attacker(action)
        if self._attackers.use(action, choice, self.device) != before:
            self.attacker_changed.emit()

    # ---- long work: changes nothing that is seen

    def make_protected(
        self,
        *,
        method: str = "mits-gan",
        max_change_hu: int = 20,
        seed: int = 0,
        key: str | None = None,
        progress: Progress = silent,
    ) -> CTVolume:
        """Protect the original scan, as `protection.protect.protect` does; hand the result to `accept_protected`."""
        original = self._require("original").base
        return self._protector(
            original,
            method=method,
            max_change_hu=max_change_hu,
            seed=seed,
            key=key,
            device=self.device,
            progress=progress,
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

    def detect(self, version: Version, progress: Progress = silent) -> tuple[Verdict, ...]:
        """What the detector says of each injection on one version of the scan; it is asked what is not known yet.

        Parameters
        ----------
        version : {"original", "protected"}
            Where the attacks are looked at.
        progress : callable
            Told how many injections are done, of how many.

        Returns
        -------
        tuple of Verdict
            One per injection, each on the scan with all injections up to that one.

        Raises
        ------
        WeightsError
            If the detector cannot be loaded.
        ReplayError
            If an injection cannot be made.
        """
        replay, injections = self._require(version), self._injections
        unknown = [row for row in range(len(injections)) if injections[: row + 1] not in replay.verdicts]
        if unknown:
            detector = self._detectors.get(self.device)

            def look(volume: CTVolume, at: Voxel) -> float:
                return float(detector.scores(volume, [at])[0])

            for row, (before, after) in replay.before_and_after(injections, unknown, look, progress).items():
                replay.verdicts[injections[: row + 1]] = Verdict(before, after, detector.threshold)
        return tuple(replay.verdicts[injections[: row + 1]] for row in range(len(injections)))

    def suggest(self, action: Action, n: int = 10, progress: Progress = silent) -> list[Site]:
        """Sites where an attack on the version that is shown would be plausible, best first.

        Parameters
        ----------
        action : {"inject", "remove"}
            Where to put nodules in, or where the scan seems to hold some.
        n : int
            How many at most.

        Raises
        ------
        AttackError
            If no scan is open, or it has no lungs, or is too thin.
        WeightsError
            If the detector is needed (to find what to remove) and cannot be loaded.
        """
        from napari_mits_gan.detection.sites import injection_sites, removal_sites

        volume = self._require(self.shown).base
        if action == "remove":
            return removal_sites(volume, n, detector=self._detectors.get(self.device), progress=progress)
        try:
            detector = self._detectors.get(self.device)
        except WeightsError:
            detector = None  # healthy lung can be told without it
        return injection_sites(volume, n, detector=detector, progress=progress)

    def vulnerability(self, action: Action, n: int = 60, progress: Progress = silent) -> VulnerabilityMap:
        """How far the attack deviates on the protected scan all over the lungs, and what the detector sees there.

        Parameters
        ----------
        action : {"inject", "remove"}
            Which attack; it is made with the attacker that the next one would be made with. The detector is asked
            about injections only, since there are no nodules at these sites to be removed.
        n : int
            How many sites at most.

        Raises
        ------
        ProtectionError
            If there is no protected version.
        AttackError
            If no scan is open, or it has no lungs, or is too thin.
        WeightsError
            If the attacker cannot be loaded.
        """
        from napari_mits_gan.evaluation.vulnerability import vulnerability

        original, protected = self._require("original").base, self._require("protected").base
        attacker = self._attackers.get(action, self.attacker(action), self.device)
        detector = None
        if action == "inject":
            with suppress(WeightsError):  # how far attacks deviate can be told without it
                detector = cast("NoduleDetector", self._detectors.get(self.device))
        return vulnerability(original, protected, attacker, n=n, detector=detector, progress=progress)

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
        from napari_mits_gan.evaluation.measures.fidelity import compare

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

    def methods(self) -> dict[str, str]:
        """Names of the protections that there are, each with the first line of what its class says of itself."""
        from napari_mits_gan.protection.protect import METHODS

        return {name: (type(make()).__doc__ or "").strip().split("\n")[0] for name, make in METHODS.items()}

    def attackers(self, action: Action) -> dict[str, str]:
        """Names of the attackers of the list that do `action`, each with a few words about it; the usual one first."""
        from napari_mits_gan.attack.attackers import ATTACKERS

        return {name: entry.description for name, entry in ATTACKERS.items() if entry.action == action}

    def load_attackers(self) -> None:
        """Load injector and remover, so that the first click need not wait for them."""
        for action in ACTIONS:
            self._attackers.get(action, BUILT_IN, self.device)

    def load_detector(self) -> None:
        """Load the detector, so that the first verdict need not wait for it.

        Raises
        ------
        WeightsError
            If its weights are missing or damaged.
        """
        self._detectors.get(self.device)

    def prepare_attacker(self, action: Action, choice: Choice) -> str:
        """Load another attacker, so that `use_attacker` need not wait for them; returns the attacker's name.

        Raises
        ------
        WeightsError
            If they are missing, damaged, or do another action.
        """
        return self._attackers.prepare(action, choice, self.device)

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

    def _tamper(self, volume: CTVolume, injection: Injection) -> CTVolume:
        attacker = self._attackers.get(injection.action, injection.attacker, self.device)
        return attacker.tamper(volume, at=injection.at)
