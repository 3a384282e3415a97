"""`napari-mits-gan verify`: check a sealed scan."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_mits_gan.command_line.options import Command, Commands, add_input, add_key_file, new_command
from napari_mits_gan.command_line.progress_bar import note, progress_bar
from napari_mits_gan.errors import EvidenceError

if TYPE_CHECKING:
    from napari_mits_gan.archive.jobs import VerifyJob

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
    from napari_mits_gan.workflow.verify_series import VerificationJob, verify_series

    manifest = options.manifest or options.input / MANIFEST_NAME
    if options.manifest is None and not os.path.lexists(manifest):
        if options.key_file is None and options.public_key is not None:
            raise EvidenceError(f"There is no {MANIFEST_NAME} in the input; name the manifest with --manifest.")
        manifest = None
    job = VerificationJob(options.input, options.series, options.key_file, manifest, options.public_key)
    found = verify_series(job, progress_bar)
    for told in found.volume.source.notes if found.volume.source is not None else ():
        note(f"Note: {told}")
    print(json.dumps(found.as_json(), indent=2) if options.json else found.text())
    return 0 if found.intact else TAMPERED
