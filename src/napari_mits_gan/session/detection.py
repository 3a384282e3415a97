"""What the nodule detector, which knows nothing of the attack, finds at the site of one, before and after it."""

from __future__ import annotations

from dataclasses import dataclass

SEEN, NOT_SEEN = "a nodule is seen", "no nodule is seen"


@dataclass(frozen=True)
class Detection:
    """The detector's scores at the site of one attack.

    Parameters
    ----------
    before, after : float
        Score without and with the attack, 0 to 1; attacks made earlier are there both times.
    threshold : float
        The score from which on the detector reports a nodule.
    """

    before: float
    after: float
    threshold: float

    @property
    def seen_before(self) -> bool:
        """Whether the detector reports a nodule without the attack."""
        return self.before >= self.threshold

    @property
    def seen(self) -> bool:
        """Whether the detector reports a nodule with the attack."""
        return self.after >= self.threshold

    @property
    def words(self) -> str:
        """What the detector reports with the attack."""
        return SEEN if self.seen else NOT_SEEN

    @property
    def words_before(self) -> str:
        """What the detector reports without the attack."""
        return SEEN if self.seen_before else NOT_SEEN

    def __str__(self) -> str:
        return f"{'nodule' if self.seen else 'no nodule'} {self.after:.2f} (before {self.before:.2f})"
