"""Sealing as a part of a job: its options, and what an export has beside its slices: manifest and sidecar."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_mits_gan.errors import EvidenceError, WriteError
from napari_mits_gan.progress import Progress, part_of, silent

if TYPE_CHECKING:
    from napari_mits_gan.ct.volume import CTVolume

_DETACHED = (".mhd", ".nhdr")
"""Image headers whose voxels lie in another file."""


@dataclass(frozen=True)
class SealingOptions:
    """How to seal a scan; see `evidence.seal.seal`.

    Parameters
    ----------
    key_file : Path
        A key made by `keygen`; only its path is pickled.
    bits : int
        Lowest bits of a value that the seal may use, 1 or 2.
    sidecar : Path or None
        A new file from which the original can be restored bit for bit; None writes none.
    mark : bool
        Whether to mark the lungs as well, which outlives lossy coding, filters and resampling.
    """

    key_file: Path
    bits: int = 1
    sidecar: Path | None = None
    mark: bool = False


def check_sidecar(sidecar: Path, source: Path) -> None:
    """Refuse a sidecar that could not be written at the end, or would not hold all of the source."""
    if os.path.lexists(sidecar):
        raise WriteError(f"{sidecar.name} is there already and is not overwritten; choose another name.")
    if not os.path.isdir(sidecar.absolute().parent):
        raise WriteError(f"The folder that {sidecar.name} should be written to is not there; make it first.")
    if source.suffix.lower() in _DETACHED:
        raise WriteError(
            f"{source.name} keeps its voxels in a file of its own, which a sidecar does not hold; convert it to one "
            "file (.mha or .nrrd) first."
        )


def seal_volume(
    source: CTVolume,
    volume: CTVolume,
    options: SealingOptions,
    files: Sequence[Path] = (),
    progress: Progress = silent,
) -> tuple[CTVolume, Callable[[Path], None]]:
    """Seal a volume.

    Parameters
    ----------
    source : CTVolume
        The scan as it was read.
    volume : CTVolume
        The same scan, protected or not.
    options : SealingOptions
        How to seal.
    files : sequence of Path
        The files of a scan that is not DICOM, for the sidecar.
    progress : Progress
        Told how far it is.

    Returns
    -------
    CTVolume
        The sealed scan.
    callable
        Puts the signed manifest into the folder of the export before it is published, and writes the sidecar.
    """
    from napari_mits_gan.evidence.find_seal import find_seal
    from napari_mits_gan.evidence.key import read_key
    from napari_mits_gan.evidence.manifest import MANIFEST_NAME, signed_manifest, signer_of
    from napari_mits_gan.evidence.mark.detect import carries_mark
    from napari_mits_gan.evidence.seal import seal
    from napari_mits_gan.evidence.sidecar import write_sidecar

    key = read_key(options.key_file)
    if find_seal(volume, key, thorough=False, progress=part_of(progress, 0, 0.1)) is not None:
        raise EvidenceError(
            "This scan carries a seal of this key already, and a second one would destroy it; verify it instead."
        )
    if options.mark and carries_mark(volume, key, part_of(progress, 0.1, 0.3)):
        raise EvidenceError("This scan carries a mark of this key already; seal it without another one.")
    rest = part_of(progress, 0.3 if options.mark else 0.1, 1)
    sealed = seal(volume, key, bits=options.bits, mark=options.mark, progress=rest)
    manifest = signed_manifest(sealed, signer_of(key), source)

    def finish(folder: Path) -> None:
        # The window keeps this function as long as the sealed scan; so it holds no key, and reads it again if need be.
        (folder / MANIFEST_NAME).write_bytes(manifest)
        if options.sidecar is not None:
            write_sidecar(source, sealed, read_key(options.key_file), options.sidecar, files=files)

    return sealed, finish


def signatures_broken(source: CTVolume) -> int:
    """How many files of a scan carry a digital signature, which any change of their pixels breaks."""
    from napari_mits_gan.ct.dicom.signatures import signed_files
    from napari_mits_gan.ct.dicom.source import DicomSource

    return signed_files(source.source) if isinstance(source.source, DicomSource) else 0
