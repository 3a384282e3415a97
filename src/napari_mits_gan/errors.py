"""The errors that a user can meet; each carries one sentence that says what was wrong, where, and what to do."""

from __future__ import annotations


class MitsGanError(Exception):
    """Base of every error whose text is meant for the user: one line that can be shown on any terminal."""

    def __init__(self, text: str = "") -> None:
        # Names and headers may hold anything, sequences that command a terminal among it.
        super().__init__("".join(c if c.isprintable() else " " for c in str(text)))


class ReadError(MitsGanError):
    """A CT scan cannot be read."""


class WriteError(MitsGanError):
    """A CT scan cannot be written; nothing was left behind."""


class TamperedVolumeError(WriteError):
    """A volume that carries a simulated attack was offered to the DICOM writer."""


class AttackError(MitsGanError):
    """An attack cannot be made on this volume at this place."""


class DetectionError(MitsGanError):
    """Nodules cannot be looked for in this volume or at this place."""


class ProtectionError(MitsGanError):
    """A protection cannot be computed."""


class WeightsError(MitsGanError):
    """A file of network weights is missing, damaged or of another kind."""


class EvidenceError(MitsGanError):
    """A seal, its recovery copy, a manifest or a sidecar cannot be made or read."""


class ManifestError(EvidenceError):
    """A manifest is missing, damaged, edited, or signed by another key."""


class SidecarError(EvidenceError):
    """A sidecar for the exact restore is missing, damaged, or belongs to another scan or key."""


class InspectionError(MitsGanError):
    """A scan cannot be looked through for traces of tampering."""


class Cancelled(MitsGanError):
    """Raised by a progress callback to stop long work; nothing is half-written when it leaves."""
