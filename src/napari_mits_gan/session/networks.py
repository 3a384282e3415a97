"""The networks that a session works with, attackers and detector, each loaded once for each device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from napari_mits_gan.attack.action import ACTIONS
from napari_mits_gan.session.attackers import BUILT_IN, Attacker, Attackers

if TYPE_CHECKING:
    from napari_mits_gan.attack.action import Action
    from napari_mits_gan.detection.sites import Judge as Detector


def load_ctgan(action: Action, device: str, weights: Path | None = None) -> Attacker:
    """CT-GAN, with the weights that come with the package unless others are given."""
    from napari_mits_gan.attack.ctgan.attacker import CTGAN

    return CTGAN.load(action if weights is None else weights, device=device, action=action)


def load_nodule_detector(device: str) -> Detector:
    """The detector that comes with the package."""
    from napari_mits_gan.detection.detector import NoduleDetector

    return NoduleDetector.load(device=device)


class Networks:
    """Attackers and detector on one device, which may be changed.

    Parameters
    ----------
    load_attacker : callable
        Called with an action, a device name and, for other weights than the package's own, their path.
    load_detector : callable
        Called with a device name.
    """

    def __init__(
        self,
        load_attacker: Callable[..., Attacker] = load_ctgan,
        load_detector: Callable[[str], Detector] = load_nodule_detector,
    ) -> None:
        self.device = "auto"
        """Where networks are computed: "auto", "cpu", "cuda" or "mps"."""
        self._attackers = Attackers(load_attacker)
        self._load_detector = load_detector
        self._detectors: dict[str, Detector] = {}
        self._lock = Lock()

    def chosen(self, action: Action) -> str:
        """The name of the attacker that the next attack is made with; `BUILT_IN` for the package's own."""
        return self._attackers.chosen(action)

    def attacker(self, action: Action, name: str | None = None) -> Attacker:
        """An attacker by its name; the chosen one unless told.

        Raises
        ------
        WeightsError
            If it cannot be loaded, or its file is no longer the same.
        """
        return self._attackers.get(action, self.chosen(action) if name is None else name, self.device)

    def load_attackers(self) -> None:
        """Load the package's own attackers, so that the first click need not wait for them."""
        for action in ACTIONS:
            self.attacker(action, BUILT_IN)

    def prepare(self, action: Action, path: Path) -> str:
        """Load other weights, so that `use` need not wait for them; returns the attacker's name.

        Raises
        ------
        WeightsError
            If they are missing, damaged, or do another action.
        """
        return self._attackers.prepare(action, path, self.device)

    def use(self, action: Action, path: Path | None) -> str:
        """Make the next attacks with these weights, None for the package's own; returns the attacker's name.

        Raises
        ------
        WeightsError
            As `prepare`; the attacker in use stays.
        """
        return self._attackers.use(action, path, self.device)

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
