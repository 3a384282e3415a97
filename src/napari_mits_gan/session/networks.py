"""The networks that a session works with, attackers and detector, each loaded once for each device."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from napari_mits_gan.attack.contract import ACTIONS, Action, Attacker
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import MitsGanError
from napari_mits_gan.session.attackers import BUILT_IN, Attackers, Choice

if TYPE_CHECKING:
    from napari_mits_gan.detection.sites import Detector


_WARM_UP_SHAPE = (64, 64, 64)
"""Voxels of 1 mm: room for every attacker."""


def load_by_name(action: Action, device: str, choice: Choice | None = None) -> Attacker:
    """The usual attacker of an action unless another one is named, or a file of weights given."""
    from napari_mits_gan.attack.attackers import load_attacker

    return load_attacker(action if choice is None else choice, device, action=action)


def load_nodule_detector(device: str) -> Detector:
    """The detector that comes with the package."""
    from napari_mits_gan.detection.detector import NoduleDetector

    return NoduleDetector.load(device=device)


class Networks:
    """Attackers and detector on one device, which may be changed.

    Parameters
    ----------
    load_attacker : callable
        Called with an action, a device name and, for another attacker than the usual one, its name or the path of its
        weights.
    load_detector : callable
        Called with a device name.
    """

    def __init__(
        self,
        load_attacker: Callable[..., Attacker] = load_by_name,
        load_detector: Callable[[str], Detector] = load_nodule_detector,
    ) -> None:
        self.device = "auto"
        """Where networks are computed: "auto", "cpu", "cuda" or "mps"."""
        self._attackers = Attackers(load_attacker)
        self._load_detector = load_detector
        self._detectors: dict[str, Detector] = {}
        self._lock = Lock()

    def chosen(self, action: Action) -> str:
        """The name of the attacker that the next attack is made with; `BUILT_IN` for the usual one."""
        return self._attackers.chosen(action)

    def choice_of(self, action: Action, name: str) -> Choice | None:
        """What the user chose an attacker of this name by: a name in the list or a path; None for the usual one."""
        return self._attackers.choice_of(action, name)

    def offered(self, action: Action) -> dict[str, str]:
        """Names of the attackers of the list that do `action`, each with a few words about it; the usual one first."""
        from napari_mits_gan.attack.attackers import ATTACKERS

        return {name: entry.description for name, entry in ATTACKERS.items() if entry.action == action}

    def attacker(self, action: Action, name: str | None = None) -> Attacker:
        """An attacker by its name; the chosen one unless told.

        Raises
        ------
        WeightsError
            If it cannot be loaded, or its file is no longer the same.
        """
        return self._attackers.get(action, self.chosen(action) if name is None else name, self.device)

    def warm_up(self) -> None:
        """Load the usual networks and compute once with each, so that the first click need not wait for either.

        The first computation plans the convolutions, and takes three times as long as those that follow.
        """
        side = _WARM_UP_SHAPE[0] // 2
        noise = CTVolume(np.random.default_rng(0).integers(-900, 0, _WARM_UP_SHAPE).astype(np.int16), (1.0, 1.0, 1.0))
        # What cannot be loaded or made is complained of when it is asked for.
        for action in ACTIONS:
            with suppress(MitsGanError):
                next(self.attacker(action, BUILT_IN).attacks(noise, [(side, side, side)]))
        with suppress(MitsGanError):
            self.detector().scores(noise, [(side, side, side)])

    def prepare(self, action: Action, choice: Choice) -> str:
        """Load another attacker, so that `use` need not wait for them; returns the attacker's name.

        Raises
        ------
        WeightsError
            If there is no such attacker, its weights are missing or damaged, or it does another action.
        """
        return self._attackers.prepare(action, choice, self.device)

    def use(self, action: Action, choice: Choice | None) -> str:
        """Make the next attacks with another attacker, None for the usual one; returns the attacker's name.

        Raises
        ------
        WeightsError
            As `prepare`; the attacker in use stays.
        """
        return self._attackers.use(action, choice, self.device)

    def detector(self) -> Detector:
        """The nodule detector.

        Raises
        ------
        WeightsError
            If its weights are missing or damaged.
        """
        with self._lock:
            if self.device not in self._detectors:
                self._detectors[self.device] = self._load_detector(self.device)
            return self._detectors[self.device]
