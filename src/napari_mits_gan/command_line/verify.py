"""`napari-mits-gan verify`: check a sealed scan."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from napari_mits_gan.command_line.options import Commands, add_input, add_key_file, new_command
from napari_mits_gan.command_line.progress_bar import progress_bar
from napari_mits_gan.command_line.scan import read_with_bar

TAMPERED = 3
"""Exit code for a scan that is not what was sealed, or carries no seal of the key."""


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "verify",
        "check whether a scan is what was sealed, and say what was done to it",
        "Voxels and key suffice; any container of the same HU will do. A manifest beside the scan is checked as well, "
        "for which the public key alone suffices. Exit code 0: intact; 1: it could not be checked; 3: tampered, or no "
        "seal of this key.",
    )
    add_input(command)
    add_key_file(command, required=False)
    command.add_argument(
        "--manifest", type=Path, metavar="FILE", help="the manifest (default: manifest.json in the INPUT folder)"
    )
    command.add_argument(
        "--public-key", type=Path, metavar="FILE", help="the sender's public key: checks the manifest without the key"
    )
    command.add_argument("--json", action="store_true", help="print the findings as JSON")
    command.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="also write a page with a picture of each finding and, where it can be healed, of what was there",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, check, print; return the exit code."""
    from napari_mits_gan.errors import EvidenceError, ManifestError
    from napari_mits_gan.evidence.check import verify
    from napari_mits_gan.evidence.key import read_key
    from napari_mits_gan.evidence.manifest import MANIFEST_NAME, manifest_bytes, read_manifest, signer_of
    from napari_mits_gan.evidence.manifest_check import check_manifest
    from napari_mits_gan.evidence.public_key import read_public_key
    from napari_mits_gan.evidence.recover import recover
    from napari_mits_gan.evidence.report import report_page
    from napari_mits_gan.pages.page import check_new_file, write_page

    key = None if options.key_file is None else read_key(options.key_file)
    public = None if options.public_key is None else read_public_key(options.public_key)
    if key is None and public is None:
        raise EvidenceError("A check needs --key-file, or --public-key and a manifest.")
    manifest_path = options.manifest or options.input / MANIFEST_NAME
    has_manifest = options.manifest is not None or os.path.lexists(manifest_path)
    if key is None and not has_manifest:
        raise EvidenceError(f"There is no {MANIFEST_NAME} in the input; name the manifest with --manifest.")
    if options.report is not None:
        if key is None:
            raise EvidenceError("A report shows what the seal tells; name its key with --key-file.")
        check_new_file(options.report)
    told: dict[str, object] = {}
    lines: list[str] = []
    findings: list[str] | None = None
    intact = True
    volume = read_with_bar(options.input, options.series)
    if has_manifest:
        data = manifest_bytes(manifest_path)
        signer = public or (None if key is None else signer_of(key).public_key())
        try:
            checked = check_manifest(volume, read_manifest(data, signer), signer_known=True)
            findings = list(checked.findings)
        except ManifestError as error:  # an edited manifest, or another signer's, is a finding and no failure
            findings = [str(error)]
        intact = not findings
        told["manifest"] = {"intact": intact, "findings": findings}
        lines += [f"Manifest: {'as it was signed.' if intact else ''}".rstrip(), *(f"  {found}" for found in findings)]
    else:
        told["manifest"] = None
        lines.append(
            "Manifest: none beside the scan, so a whole series replaced by another sealed one would not be seen."
        )
    if key is not None:
        with progress_bar("Checking") as progress:
            recovery, verdict = None, verify(volume, key, progress=progress)
        if options.report is not None:
            if verdict.can_be_healed and not verdict.is_intact:
                with progress_bar("Healing") as progress:
                    recovery = recover(volume, key, progress=progress)
            write_page(options.report, report_page(volume, verdict, recovery, manifest=findings))
        intact = intact and verdict.is_intact
        told.update(verdict.as_json())
        lines.insert(0, verdict.text())
    told["intact"] = intact
    print(json.dumps(told, indent=2) if options.json else "\n".join(lines))
    return 0 if intact else TAMPERED
