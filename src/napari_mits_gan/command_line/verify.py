"""`napari-mits-gan verify`: check a sealed scan."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_mits_gan.command_line.options import Command, Commands, add_input, add_key_file, new_command
from napari_mits_gan.command_line.progress_bar import note, progress_bar
from napari_mits_gan.ct.read import is_archive
from napari_mits_gan.errors import EvidenceError

if TYPE_CHECKING:
    from napari_mits_gan.archive.jobs import VerifyJob
    from napari_mits_gan.workflow.verify_series import Verification

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
    command.add_argument(
        "--manifest", type=Path, metavar="FILE", help="the manifest (default: manifest.json in the INPUT folder)"
    )
    add_job_options(command)
    command.add_argument("--json", action="store_true", help="print the findings as JSON")
    command.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="also write a page with a picture of each finding and, where it can be healed, of what was there",
    )
    command.set_defaults(run=run)


def add_job_options(command: Command) -> None:
    """Add what to check with, whichever scan it is."""
    add_key_file(command, required=False)
    command.add_argument(
        "--public-key", type=Path, metavar="FILE", help="the sender's public key: checks the manifest without the key"
    )


def archive_job(options: argparse.Namespace) -> VerifyJob:
    """The same for every series of an archive."""
    from napari_mits_gan.archive.jobs import VerifyJob

    return VerifyJob(options.key_file, options.public_key)


def run(options: argparse.Namespace) -> int:
    """Read, check, print; return the exit code."""
    from napari_mits_gan.evidence.manifest import MANIFEST_NAME
    from napari_mits_gan.pages.page import check_new_file
    from napari_mits_gan.workflow.verify_series import VerificationJob, verify_series

    manifest = options.manifest
    # In an archive the manifest is looked for beside the slices, once they are read.
    if manifest is None and not is_archive(options.input):
        manifest = options.input / MANIFEST_NAME
        if not os.path.lexists(manifest):
            manifest = None
            if options.key_file is None and options.public_key is not None:
                raise EvidenceError(f"There is no {MANIFEST_NAME} in the input; name the manifest with --manifest.")
    if options.report is not None:
        if options.key_file is None:
            raise EvidenceError("A report shows what the seal tells; name its key with --key-file.")
        check_new_file(options.report)
    job = VerificationJob(options.input, options.series, options.key_file, manifest, options.public_key)
    found = verify_series(job, progress_bar)
    for told in found.volume.notes:
        note(f"Note: {told}")
    if options.report is not None:
        _write_report(found, options.key_file, options.report)
    print(json.dumps(found.as_json(), indent=2) if options.json else found.text())
    return 0 if found.intact else TAMPERED


def _write_report(found: Verification, key_file: Path, path: Path) -> None:
    from napari_mits_gan.evidence.key import read_key
    from napari_mits_gan.evidence.recover import recover
    from napari_mits_gan.evidence.report import report_page
    from napari_mits_gan.pages.page import write_page

    if found.verdict is None:
        return
    recovery = None
    if found.verdict.can_be_healed and not found.verdict.is_intact:
        with progress_bar("Healing") as progress:
            recovery = recover(found.volume, read_key(key_file), progress=progress)
    write_page(path, report_page(found.volume, found.verdict, recovery, manifest=found.manifest))
