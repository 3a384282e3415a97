"""What an independent detector of nodules says of an attack's site, before and after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_mits_gan.detection.sites import Detector

SEEN, NOT_SEEN = "a nodule is seen", "no nodule is seen"


@dataclass(frozen=True)
class Verdict:
    """How surely the detector sees a nodule at the site of one attack.

    Parameters
    ----------
    before, after : float
        The detector's score without and with the attack, 0 to 1; attacks made earlier are there both times.
    threshold : float
        The score from which on the detector says that there is a nodule.
    """

    before: float
    after: float
    threshold: float

    @property
    def seen_before(self) -> bool:
        """Whether the detector sees a nodule without the attack."""
        return self.before >= self.threshold

    @property
    def seen(self) -> bool:
        """Whether the detector sees a nodule with the attack."""
        return self.after >= self.threshold

    @property
    def words(self) -> str:
        """What the detector says with the attack."""
        return SEEN if self.seen else NOT_SEEN

    @property
    def words_before(self) -> str:
        """What the detector says without the attack."""
        return SEEN if self.seen_before else NOT_SEEN

    def __str__(self) -> str:
        return f"{'nodule' if self.seen else 'no nodule'} {self.after:.2f} (before {self.before:.2f})"


class Detectors:
    """The detector, loaded when it is first asked, once for each device.

    Parameters
    ----------
    load : callable
        Called with the name of a device, returns the detector.
    """

    def __init__(self, load: Callable[[str], Detector]) -> None:
        self._load = load
        self._loaded: dict[str, Detector] = {}
        self._lock = Lock()

    def get(self, device: str) -> Detector:
        """The detector.

        Raises
        ------
        WeightsError
            If its weights are missing or damaged.
        """
        with self._lock:
            if device not in self._loaded:
                self._loaded[device] = self._load(device)
            return self._loaded[device]
