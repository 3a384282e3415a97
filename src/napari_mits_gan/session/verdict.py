"""What an independent judge says of the place of an attack, before and after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_mits_gan.detection.sites import Detector as Judge

SEEN, NOT_SEEN = "a nodule is seen", "no nodule is seen"


@dataclass(frozen=True)
class Verdict:
    """How surely the judge sees a nodule at the place of one attack.

    Parameters
    ----------
    before, after : float
        The judge's score without and with the attack, 0 to 1; attacks made earlier are there both times.
    threshold : float
        The score from which on the judge says that there is a nodule.
    """

    before: float
    after: float
    threshold: float

    @property
    def seen_before(self) -> bool:
        """Whether the judge sees a nodule without the attack."""
        return self.before >= self.threshold

    @property
    def seen(self) -> bool:
        """Whether the judge sees a nodule with the attack."""
        return self.after >= self.threshold

    @property
    def words(self) -> str:
        """What the judge says with the attack."""
        return SEEN if self.seen else NOT_SEEN

    @property
    def words_before(self) -> str:
        """What the judge says without the attack."""
        return SEEN if self.seen_before else NOT_SEEN

    def __str__(self) -> str:
        return f"{'nodule' if self.seen else 'no nodule'} {self.after:.2f} (before {self.before:.2f})"


class Bench:
    """The judge, loaded when it is first asked, once for each device.

    Parameters
    ----------
    load : callable
        Called with the name of a device, returns the judge.
    """

    def __init__(self, load: Callable[[str], Judge]) -> None:
        self._load = load
        self._judges: dict[str, Judge] = {}
        self._lock = Lock()

    def judge(self, device: str) -> Judge:
        """The judge.

        Raises
        ------
        WeightsError
            If its weights are missing or damaged.
        """
        with self._lock:
            if device not in self._judges:
                self._judges[device] = self._load(device)
            return self._judges[device]
