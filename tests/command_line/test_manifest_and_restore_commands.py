"""`seal`, `verify` and `restore` with the manifest beside the series, the public key, the sidecar and a signature."""

from __future__ import annotations

import hashlib
import json
import shutil

import pydicom
import pytest
import SimpleITK

from napari_mits_gan.command_line.main import main


@pytest.fixture(scope="module")
def exported(series_folder, tmp_path_factory):
    """A key, a sealed series with its manifest, and the sidecar."""
    folder = tmp_path_factory.mktemp("sealed")
    key, sealed, sidecar = folder / "hospital.key", folder / "sealed", folder / "chest.restore"
    assert main(["keygen", str(key)]) == 0
    arguments = ["seal", str(series_folder), str(sealed), "--key-file", str(key), "--sidecar", str(sidecar)]
    assert main(arguments) == 0
    return key, sealed, sidecar


def copy_of(sealed, tmp_path):
    return shutil.copytree(sealed, tmp_path / "copy")


def test_the_manifest_beside_the_series_is_checked_with_the_key_and_with_the_public_key_alone(exported, capsys):
    key, sealed, _ = exported
    assert (sealed / "manifest.json").is_file()
    assert main(["verify", str(sealed), "--key-file", str(key)]) == 0
    capsys.readouterr()
    assert main(["verify", str(sealed), "--public-key", f"{key}.pub", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"intact": True, "manifest": {"findings": [], "intact": True}}


def test_an_edited_geometry_a_missing_slice_and_an_edited_manifest_are_named_by_the_public_key_alone(
    exported, tmp_path, capsys
):
    key, sealed, _ = exported
    copy = copy_of(sealed, tmp_path)
    for path in copy.glob("*.dcm"):
        ds = pydicom.dcmread(path)
        ds.PixelSpacing = [2 * float(v) for v in ds.PixelSpacing]
        ds.save_as(path)
    assert main(["verify", str(copy), "--public-key", f"{key}.pub"]) == 3
    assert "The geometry was edited: spacing" in capsys.readouterr().out
    shutil.rmtree(copy)
    copy = copy_of(sealed, tmp_path)
    sorted(copy.glob("*.dcm"))[-1].unlink()
    assert main(["verify", str(copy), "--public-key", f"{key}.pub"]) == 3
    assert "Missing, as the manifest counts: slice 8 of 8." in capsys.readouterr().out
    manifest = copy / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"bits":1', '"bits":2'))
    assert main(["verify", str(copy), "--public-key", f"{key}.pub"]) == 3
    assert "edited after it was signed" in capsys.readouterr().out


def test_a_foreign_series_with_this_manifest_is_named(exported, series_folder, tmp_path, capsys):
    key, sealed, _ = exported
    foreign = shutil.copytree(series_folder, tmp_path / "foreign")
    shutil.copy(sealed / "manifest.json", foreign)
    assert main(["verify", str(foreign), "--public-key", f"{key}.pub"]) == 3
    assert "another series" in capsys.readouterr().out


def test_without_a_manifest_the_seal_is_checked_and_it_is_said_what_that_leaves_open(exported, tmp_path, capsys):
    key, sealed, _ = exported
    copy = copy_of(sealed, tmp_path)
    (copy / "manifest.json").unlink()
    assert main(["verify", str(copy), "--key-file", str(key)]) == 0
    assert "Manifest: none beside the scan" in capsys.readouterr().out
    assert main(["verify", str(copy), "--public-key", f"{key}.pub"]) == 1
    assert "manifest.json" in capsys.readouterr().err
    assert main(["verify", str(copy)]) == 1
    assert "--key-file" in capsys.readouterr().err


def test_restore_gives_every_file_back(exported, series_folder, tmp_path):
    key, sealed, sidecar = exported
    assert main(["restore", str(sealed), str(sidecar), str(tmp_path / "back"), "--key-file", str(key)]) == 0

    def digests(folder):
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}

    assert digests(tmp_path / "back") == digests(series_folder)


def test_restore_with_another_key_writes_nothing(exported, tmp_path, capsys):
    _, sealed, sidecar = exported
    assert main(["keygen", str(tmp_path / "other.key")]) == 0
    arguments = [
        "restore",
        str(sealed),
        str(sidecar),
        str(tmp_path / "back"),
        "--key-file",
        str(tmp_path / "other.key"),
    ]
    assert main(arguments) == 1
    assert "another key" in capsys.readouterr().err
    assert not (tmp_path / "back").exists()


def test_a_sidecar_needs_a_key_and_is_not_overwritten(exported, series_folder, tmp_path, capsys):
    key, _, sidecar = exported
    arguments = ["protect", str(series_folder), str(tmp_path / "out"), "--sidecar", str(tmp_path / "new.restore")]
    assert main(arguments) == 1
    assert "--key-file" in capsys.readouterr().err
    arguments = ["seal", str(series_folder), str(tmp_path / "out"), "--key-file", str(key), "--sidecar", str(sidecar)]
    assert main(arguments) == 1
    assert "not overwritten" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_could_not_be_checked_is_no_tampering(exported, tmp_path, capsys):
    key, sealed, _ = exported
    with_key = ["verify", str(sealed), "--key-file", str(key)]
    assert main([*with_key, "--manifest", str(tmp_path / "none.json")]) == 1
    assert "none.json cannot be read" in capsys.readouterr().err


def test_a_second_seal_of_the_same_key_is_refused(exported, tmp_path, capsys):
    key, sealed, _ = exported
    assert main(["seal", str(sealed), str(tmp_path / "again"), "--key-file", str(key)]) == 1
    assert "carries a seal of this key already" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def test_a_sidecar_of_a_header_without_its_voxels_and_one_without_a_folder_are_refused(
    exported, short_scan, series_folder, tmp_path, capsys
):
    from napari_mits_gan.ct.image.write import write_image

    key, _, _ = exported
    header = tmp_path / "chest.mhd"
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(write_image(short_scan, tmp_path / "chest.mha"))), str(header))
    arguments = ["seal", str(header), str(tmp_path / "out"), "--key-file", str(key)]
    assert main([*arguments, "--sidecar", str(tmp_path / "a.restore")]) == 1
    assert "convert it to one file" in capsys.readouterr().err
    arguments = ["seal", str(series_folder), str(tmp_path / "out"), "--key-file", str(key)]
    assert main([*arguments, "--sidecar", str(tmp_path / "none" / "a.restore")]) == 1
    assert "is not there" in capsys.readouterr().err


@pytest.mark.parametrize("name", [".", "/", "k" * 253])
def test_keygen_refuses_names_that_no_file_can_have(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["keygen", name]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_sidecar_does_not_stay_behind_a_failed_export(exported, series_folder, tmp_path, monkeypatch):
    key, _, _ = exported

    def fail(folder, handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_mits_gan.files.publish.os.rename", fail)
    arguments = ["seal", str(series_folder), str(tmp_path / "out"), "--key-file", str(key)]
    assert main([*arguments, "--sidecar", str(tmp_path / "a.restore")]) == 1
    assert list(tmp_path.iterdir()) == []
