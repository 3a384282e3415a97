"""Sealing, checking and healing the scan that a session shows. Long work: it changes nothing that the user sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.session.evidence import Examined, Sealed

if TYPE_CHECKING:
    from napari_mits_gan.evidence.key import SealKey
    from napari_mits_gan.session.model import Session, Version
    from napari_mits_gan.workflow.sealing import SealingOptions


def make_sealed(session: Session, version: Version, options: SealingOptions, progress: Progress = silent) -> Sealed:
    """Seal one version of the scan; hand the result to `Session.accept_sealed`.

    Parameters
    ----------
    session : Session
        With a scan.
    version : {"original", "protected"}
        What to seal, without the simulated attacks on it.
    options : SealingOptions
        Key file and bits.

    Raises
    ------
    EvidenceError
        If it carries a seal of this key already, or cannot be sealed.
    """
    from napari_mits_gan.workflow.sealing import seal_volume

    base = session.required(version)
    source = session.original
    volume, finish = seal_volume(base if source is None else source, base, options, progress=progress)
    return Sealed(volume, base, finish)


def examine(session: Session, version: Version, key: SealKey, progress: Progress = silent) -> Examined:
    """Check one version of the scan with the simulated attacks on it; hand the result to `Session.accept_examined`."""
    from napari_mits_gan.evidence.check import verify
    from napari_mits_gan.evidence.verdict import State

    base, injections = session.required(version), session.injections
    verdict = verify(session.attacked(version), key, progress=progress)
    changed = None if verdict.state is State.NO_SEAL else verdict.changed_voxels()
    return Examined(base, injections, verdict, changed, manifest=_manifest(session, version, key))


def heal(session: Session, version: Version, key: SealKey, progress: Progress = silent) -> Examined:
    """The same, and heal what was changed.

    Raises
    ------
    EvidenceError
        If there is no seal of this key, it carries no copy, or too much was changed.
    """
    from napari_mits_gan.evidence.recover import recover

    base, injections = session.required(version), session.injections
    recovery = recover(session.attacked(version), key, progress=progress)
    verdict = recovery.verdict
    there_was_something = not verdict.is_intact
    healed = recovery if there_was_something else None
    return Examined(base, injections, verdict, verdict.changed_voxels(), healed, _manifest(session, version, key))


def _manifest(session: Session, version: Version, key: SealKey) -> tuple[str, ...] | None:
    """What is not as the manifest beside the opened files says; None where that tells nothing of what is shown."""
    from napari_mits_gan.evidence.manifest import signer_of
    from napari_mits_gan.workflow.verify_series import manifest_beside, manifest_findings

    base = session.required(version)
    path = manifest_beside(base) if base is session.original else None
    if path is None:
        return None
    return manifest_findings(session.attacked(version), path, signer_of(key).public_key())
