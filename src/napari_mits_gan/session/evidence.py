"""What becomes of a seal in a session: the sealed version, and what a check or a recovery of the scan shown found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.evidence.recover import Recovery
    from napari_mits_gan.evidence.verdict import Verdict
    from napari_mits_gan.session.replay import Injection


@dataclass(frozen=True, eq=False)
class Sealed:
    """A version of the scan that was sealed.

    Parameters
    ----------
    volume : CTVolume
        With the seal.
    base : CTVolume
        What was sealed.
    finish : callable
        Puts the signed manifest into the folder of an export.
    """

    volume: CTVolume
    base: CTVolume
    finish: Callable[[Path], None] = field(repr=False)

    @property
    def copy_bytes(self) -> int:
        """Length of the copy that the seal carries; 0 for a seal for detection only."""
        return int(str(self.volume.history[-1].parameters.get("copy_bytes", 0)))


@dataclass(frozen=True, eq=False)
class Examined:
    """What a check, and a recovery if there was one, found of one state of the scan.

    Parameters
    ----------
    base : CTVolume
        The version that was looked at.
    injections : tuple of Injection
        The simulated attacks on it.
    verdict : Verdict
        What was found.
    changed : ndarray of bool, shape (z, y, x), or None
        Voxels in blocks that are not what was sealed; None where no seal was found.
    recovery : Recovery or None
        The healed scan; None where nobody asked for it, or there was nothing to heal.
    manifest : tuple of str or None
        What is not as the manifest beside the opened files says; None where there is none, or where the version that
        was looked at is not the one that was opened.
    """

    base: CTVolume
    injections: tuple[Injection, ...]
    verdict: Verdict
    changed: NDArray[np.bool_] | None = None
    recovery: Recovery | None = None
    manifest: tuple[str, ...] | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that was found: of the seal first, then of the manifest."""
        return (*(f.sentence for f in self.verdict.findings), *(f"Manifest: {found}" for found in self.manifest or ()))

    @property
    def state(self) -> str:
        """As `State`; a scan whose manifest disagrees is not intact."""
        return "tampered" if self.verdict.is_intact and self.manifest else self.verdict.state.value

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        verdict = self.verdict
        if verdict.is_intact and self.manifest:
            return "The seal is intact, but this is not the series that the manifest beside it tells of."
        if self.changed is None or verdict.is_intact:
            return verdict.headline
        heal = "it can be healed" if verdict.can_be_healed else "it cannot be healed"
        slices = int(np.count_nonzero(self.changed.any(axis=(1, 2))))
        if not slices:
            return f"Tampered, though no block was changed; {heal}."
        blocks = verdict.changed_blocks
        return f"Tampered: {_many(blocks, 'block')} in {_many(slices, 'slice')}; {heal}."


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
