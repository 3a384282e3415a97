"""What sealing leaves for the export: a manifest, and no key."""

from __future__ import annotations

from pathlib import Path

from evidence.sealed_scans import body
from napari_mits_gan.evidence.key import SealKey, new_key, read_key, write_key
from napari_mits_gan.evidence.manifest import MANIFEST_NAME, read_manifest, signer_of, slice_digests
from napari_mits_gan.workflow.sealing import SealingOptions, seal_volume


def test_what_finishes_an_export_holds_no_key_and_signs_what_was_sealed(tmp_path: Path) -> None:
    key_file = write_key(new_key(), tmp_path / "key")
    scan = body((4, 64, 64))

    sealed, finish = seal_volume(scan, scan, SealingOptions(key_file))
    finish(tmp_path)

    held = [cell.cell_contents for cell in finish.__closure__ or ()]
    assert held
    assert not any(isinstance(thing, SealKey) for thing in held)
    manifest = read_manifest((tmp_path / MANIFEST_NAME).read_bytes(), signer_of(read_key(key_file)).public_key())
    assert manifest.slices == slice_digests(sealed)
