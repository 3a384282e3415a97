"""The jobs that an archive can be put to: protecting, sealing and verifying every series."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from napari_mits_gan.archive.contract import Cost, Outcome
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.key import read_key
from napari_mits_gan.evidence.manifest import MANIFEST_NAME, signer_of
from napari_mits_gan.evidence.public_key import read_public_key
from napari_mits_gan.workflow.protect_series import ProtectionOptions, SeriesJob, WritingOptions, protect_series
from napari_mits_gan.workflow.protect_series import check_job as check_series_job
from napari_mits_gan.workflow.sealing import SealingOptions
from napari_mits_gan.workflow.verify_series import VerificationJob, verify_series


@dataclass(frozen=True)
class ProtectJob:
    """Protect every series, seal it, or both.

    Parameters
    ----------
    protection : ProtectionOptions or None
        How to protect; None does not.
    sealing : SealingOptions or None
        How to seal; None does not. It names no sidecar.
    writing : WritingOptions
        How to write.
    """

    protection: ProtectionOptions | None
    sealing: SealingOptions | None
    writing: WritingOptions

    @property
    def name(self) -> str:
        """See `Job.name`."""
        return "seal" if self.protection is None else "protect"

    @property
    def cost(self) -> Cost:
        """See `Job.cost`."""
        protecting = Cost(0.32, 8, 450, 1) if self.protection is not None else Cost(0, 0, 0, 1)
        sealing = Cost(0.31, 16, 350, 1) if self.sealing is not None else Cost(0, 0, 0, 1)
        return Cost(
            seconds=protecting.seconds + sealing.seconds,
            bytes_per_voxel=max(protecting.bytes_per_voxel, sealing.bytes_per_voxel),
            base_mib=max(protecting.base_mib, sealing.base_mib),
            written=1,
        )

    def check(self) -> None:
        """See `Job.check`."""
        if self.sealing is not None and self.sealing.sidecar is not None:
            raise EvidenceError("A sidecar belongs to one scan; leave --sidecar out, or seal that scan by itself.")
        check_series_job(self._series_job(Path("input"), None, Path("output that is not there")))

    def settings(self, salt: bytes) -> Mapping[str, Any]:
        """See `Job.settings`."""
        return {
            "protection": None if self.protection is None else _protection_settings(self.protection, salt),
            "sealing": None
            if self.sealing is None
            else [_public(self.sealing.key_file), self.sealing.bits, self.sealing.mark],
            "writing": [
                self.writing.transfer_syntax,
                self.writing.series_description,
                self.writing.anonymise,
                None if self.writing.signature is None else _digest(self.writing.signature[1].read_bytes()),
            ],
        }

    def run(self, source: Path, series: str | None, target: Path, made_at: datetime) -> Outcome:
        """See `Job.run`."""
        done = protect_series(self._series_job(source, series, target, made_at))
        figures = {**_size(done.volume), **_change(done.source, done.volume)}
        if done.broken_signatures:
            figures["signatures broken"] = done.broken_signatures
        if done.volume.is_sealed:
            figures["copy, bytes"] = done.volume.history[-1].parameters["copy_bytes"]
        return Outcome(done.volume, done.source, figures)

    def _series_job(self, source: Path, series: str | None, target: Path, made_at: datetime | None = None) -> SeriesJob:
        writing = replace(self.writing, reproducible_at=made_at)
        return SeriesJob(source, target, series, self.protection, self.sealing, writing)


@dataclass(frozen=True)
class VerifyJob:
    """Check every series against its seal and its manifest.

    Parameters
    ----------
    key_file : Path or None
        The key that seals.
    public_key : Path or None
        The sender's public key, which checks manifests without the key.
    """

    key_file: Path | None = None
    public_key: Path | None = None

    name = "verify"
    cost = Cost(0.05, 6, 150, 0)

    def check(self) -> None:
        """See `Job.check`."""
        if self.key_file is None and self.public_key is None:
            raise EvidenceError("A check needs --key-file, or --public-key and a manifest.")
        self.settings(b"")

    def settings(self, salt: bytes) -> Mapping[str, Any]:
        """See `Job.settings`."""
        public = None if self.public_key is None else read_public_key(self.public_key).public_bytes_raw().hex()
        return {"key": None if self.key_file is None else _public(self.key_file), "public key": public}

    def run(self, source: Path, series: str | None, target: Path, made_at: datetime) -> Outcome:
        """See `Job.run`; what was found lies in verdict.json."""
        manifest = source.parent / MANIFEST_NAME
        job = VerificationJob(source, series, self.key_file, manifest if manifest.is_file() else None, self.public_key)
        verified = verify_series(job)
        target.mkdir()
        (target / "verdict.json").write_text(json.dumps(verified.as_json(), indent=2) + "\n", "utf-8")
        figures: dict[str, Any] = {**_size(verified.volume), "intact": verified.intact}
        if verified.verdict is not None:
            figures["seal"] = verified.verdict.state.value
            figures["blocks changed"] = verified.verdict.changed_blocks
            figures["can be healed"] = verified.verdict.can_be_healed
        figures["manifest"] = "none" if verified.manifest is None else "broken" if verified.manifest else "intact"
        return Outcome(verified.volume, None, figures, alarm=not verified.intact)


def _size(volume: CTVolume) -> dict[str, Any]:
    names = ("slices", "rows", "columns")
    return {
        **dict(zip(names, volume.shape, strict=True)),
        "spacing z y x, mm": " ".join(f"{mm:.4g}" for mm in volume.spacing),
    }


def _change(before: CTVolume, after: CTVolume) -> dict[str, Any]:
    """By how much the voxels changed, slice by slice so that no copy of the scan is made."""
    changed, squares, largest = 0, 0, 0
    for a, b in zip(before.hu, after.hu, strict=True):
        difference = b.astype(np.int32) - a
        changed += int(np.count_nonzero(difference))
        squares += int((difference * difference).sum(dtype=np.int64))
        largest = max(largest, int(np.abs(difference).max()))
    rms = (squares / changed) ** 0.5 if changed else 0.0
    return {
        "voxels changed, %": round(100 * changed / after.hu.size, 3),
        "RMS of the changed, HU": round(rms, 3),
        "largest change, HU": largest,
    }


def _protection_settings(options: ProtectionOptions, salt: bytes) -> dict[str, Any]:
    from napari_mits_gan.protection.protect import METHODS

    method = METHODS[options.method]() if isinstance(options.method, str) else options.method
    drawn = options.seed if options.key is None else _digest_of_secret(options.key, salt)
    return {
        "method": type(method).__name__,
        "record": method.record(),
        "max_change_hu": options.max_change_hu,
        "seed": drawn,
        "without_lungs": options.without_lungs,
    }


def _public(key_file: Path) -> str:
    """The public half of a key: tells keys apart and tells nothing of them."""
    return signer_of(read_key(key_file)).public_key().public_bytes_raw().hex()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digest_of_secret(secret: str, salt: bytes) -> str:
    """A digest of a text that someone might guess, made slowly on purpose (RFC 7914)."""
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1).hex()
