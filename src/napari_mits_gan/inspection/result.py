"""What an inspection found, in words, as JSON and as a map on the scan's grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.inspection.contract import Finding
from napari_mits_gan.inspection.outline import Outline, ball

CANNOT_SEE = (
    "tampering that leaves the scan's own noise in place, such as a nodule that is drawn and added to it",
    "an injected nodule in a scan that was resampled, denoised, blurred or compressed with loss afterwards",
    "tampering by who knows these traces and leaves none",
    "what was changed outside the lungs",
)
"""What an inspection does not notice, for the user."""
RAREST = 1e-6
"""No lower rate of false alarms is told: it would be read off a curve far beyond all scans that were looked at."""


@dataclass(frozen=True, eq=False)
class Inspection:
    """Findings in one scan.

    Parameters
    ----------
    volume : CTVolume
        The scan that was looked at.
    findings : tuple of Finding
        Rarest in untouched scans first.
    methods : tuple of str
        Names of the methods that were used.
    false_alarms_per_scan : float
        Of all methods together, at the limit that findings had to reach: so many are found in an untouched scan.
    not_seen : tuple of str
        What is not noticed in any scan, and in this one, as parts of sentences.
    """

    volume: CTVolume
    findings: tuple[Finding, ...]
    methods: tuple[str, ...]
    false_alarms_per_scan: float
    not_seen: tuple[str, ...] = CANNOT_SEE

    @property
    def found(self) -> bool:
        """Whether there is a trace of tampering."""
        return bool(self.findings)

    @property
    def headline(self) -> str:
        """In one sentence; it never says that a scan is authentic."""
        if not self.findings:
            return "No trace of tampering was found, which does not show that there is none."
        number = len(self.findings)
        count = "1 trace" if number == 1 else f"{number} traces"
        return f"{count} of tampering found, the first {rarity(self.findings[0].false_alarms_per_scan)}."

    def evidence(self) -> NDArray[np.float32]:
        """How rare in untouched scans what covers each voxel is.

        Returns
        -------
        ndarray of float32, shape (z, y, x)
            Minus the common logarithm of the false alarms per scan, at most 6; 0 where nothing was found.
        """
        out = np.zeros(self.volume.shape, dtype=np.float32)
        for finding in self.findings:
            strength = -np.log10(finding.false_alarms_per_scan)
            outline = covered(finding, self.volume)
            part = out[outline.box.slices()]
            part[outline.inside] = np.maximum(part[outline.inside], strength)
        return out

    def text(self) -> str:
        """All of it, for a terminal."""
        lines = [self.headline]
        for finding in self.findings:
            (z, y, x), (wx, wy, wz) = finding.at, finding.world_mm
            lines += [
                f"  z {z}, y {y}, x {x} (world {wx:.1f}, {wy:.1f}, {wz:.1f} mm): {finding.kind}, score "
                f"{finding.score:.1f}, {rarity(finding.false_alarms_per_scan)}.",
                f"    {finding.sentence}",
            ]
        return "\n".join([*lines, "Not seen:", *(f"  {what}" for what in self.not_seen)])

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-serialisable."""
        return {
            "found": self.found,
            "headline": self.headline,
            "findings": [finding.as_json() for finding in self.findings],
            "methods": list(self.methods),
            "false_alarms_per_scan": self.false_alarms_per_scan,
            "not_seen": list(self.not_seen),
        }


def rarity(false_alarms_per_scan: float) -> str:
    """A rate of false alarms in words."""
    if false_alarms_per_scan <= RAREST:
        return "seen in fewer than one of a million untouched scans"
    scans = 1 / min(1.0, false_alarms_per_scan)
    return f"seen in about one of {float(f'{scans:.1g}'):,.0f} untouched scans"


def covered(finding: Finding, volume: CTVolume) -> Outline:
    """The voxels that a finding covers."""
    return finding.outline or ball(finding.at, finding.radius_mm, volume.spacing, volume.shape)
