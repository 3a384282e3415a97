"""Read a scan, check it against its seal and its manifest: what command line and archive have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import EvidenceError, ManifestError
from napari_mits_gan.workflow.protect_series import Stage, unseen

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.evidence.verdict import Verdict

_NO_MANIFEST = "Manifest: none beside the scan, so a whole series replaced by another sealed one would not be seen."


@dataclass(frozen=True)
class VerificationJob:
    """One scan to check.

    Parameters
    ----------
    input : Path
        DICOM folder or file, NIfTI, MetaImage or NRRD.
    series : str or None
        SeriesInstanceUID, where the input holds several CT series.
    key_file : Path or None
        The key that seals; None checks the manifest alone.
    manifest : Path or None
        The signed manifest; None looks for one beside the slices.
    public_key : Path or None
        The sender's public key, which checks the manifest without the key.
    """

    input: Path
    series: str | None = None
    key_file: Path | None = None
    manifest: Path | None = None
    public_key: Path | None = None


@dataclass(frozen=True, eq=False)
class Verification:
    """What a check found.

    Parameters
    ----------
    volume : CTVolume
        The scan.
    verdict : Verdict or None
        Of the seal; None where no key was given.
    manifest : tuple of str or None
        What is not as the manifest says, each in a sentence; None where there is no manifest.
    """

    volume: CTVolume
    verdict: Verdict | None
    manifest: tuple[str, ...] | None

    @property
    def intact(self) -> bool:
        """Whether all that was checked is what was sealed and signed."""
        return not self.manifest and (self.verdict is None or self.verdict.is_intact)

    def text(self) -> str:
        """A report to read."""
        lines = [] if self.verdict is None else [self.verdict.text()]
        if self.manifest is None:
            lines.append(_NO_MANIFEST)
        else:
            lines.append("Manifest:" if self.manifest else "Manifest: as it was signed.")
            lines += [f"  {found}" for found in self.manifest]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON-serialisable names and values; nothing of the key, nothing about the patient."""
        told: dict[str, Any] = {"manifest": None}
        if self.manifest is not None:
            told["manifest"] = {"intact": not self.manifest, "findings": list(self.manifest)}
        if self.verdict is not None:
            told.update(self.verdict.as_json())
        told["intact"] = self.intact
        return told


def verify_series(job: VerificationJob, stage: Stage = unseen) -> Verification:
    """Read and check a scan.

    Parameters
    ----------
    job : VerificationJob
        What to check, and with what.
    stage : callable
        Where to show progress.

    Returns
    -------
    Verification

    Raises
    ------
    MitsGanError
        If it cannot be checked. An edited manifest, or another signer's, is a finding and no error.
    """
    from napari_mits_gan.evidence.check import verify
    from napari_mits_gan.evidence.key import read_key
    from napari_mits_gan.evidence.manifest import MANIFEST_NAME, signer_of
    from napari_mits_gan.evidence.public_key import read_public_key

    key = None if job.key_file is None else read_key(job.key_file)
    public = None if job.public_key is None else read_public_key(job.public_key)
    signer = public or (None if key is None else signer_of(key).public_key())
    if signer is None:
        raise EvidenceError("A check needs --key-file, or --public-key and a manifest.")
    with stage("Reading") as progress:
        volume = read_ct(job.input, series=job.series, progress=progress)
    findings: tuple[str, ...] | None = None
    manifest = job.manifest or manifest_beside(volume)
    if key is None and manifest is None:
        raise EvidenceError(f"There is no {MANIFEST_NAME} in the input; name the manifest with --manifest.")
    if manifest is not None:
        findings = manifest_findings(volume, manifest, signer)
    verdict = None
    if key is not None:
        with stage("Checking") as progress:
            verdict = verify(volume, key, progress=progress)
    return Verification(volume, verdict, findings)


def manifest_findings(volume: CTVolume, manifest: Path, signer: Ed25519PublicKey) -> tuple[str, ...]:
    """What is not as a manifest says, each in a sentence; an edited manifest, or another signer's, is such a thing.

    Raises
    ------
    ManifestError
        If the file cannot be read at all.
    """
    from napari_mits_gan.evidence.manifest import manifest_bytes, read_manifest
    from napari_mits_gan.evidence.manifest_check import check_manifest

    data = manifest_bytes(manifest)
    try:
        return check_manifest(volume, read_manifest(data, signer), signer_known=True).findings
    except ManifestError as error:
        return (str(error),)


def manifest_beside(volume: CTVolume) -> Path | None:
    """The manifest in the folder of a volume's DICOM files, where there is one."""
    from napari_mits_gan.ct.dicom.source import DicomSource
    from napari_mits_gan.evidence.manifest import MANIFEST_NAME

    if not isinstance(volume.source, DicomSource):
        return None
    path = volume.source.slices[0].header.path.with_name(MANIFEST_NAME)
    return path if path.is_file() else None
