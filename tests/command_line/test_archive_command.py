"""archive: a job for every series, from folders to folders, report and exit codes."""

from __future__ import annotations

import shutil

import pytest
from pydicom import dcmread

from napari_mits_gan.command_line.main import main


@pytest.fixture
def root(series_folder, tmp_path):
    for name in ("a", "b"):
        shutil.copytree(series_folder, tmp_path / "root" / name / "ct")
    return tmp_path / "root"


@pytest.fixture
def key(tmp_path, capsys):
    main(["keygen", str(tmp_path / "key")])
    capsys.readouterr()
    return str(tmp_path / "key")


def archive(root, out, *job, options=()):
    return main(["archive", str(root), str(out), "--workers", "0", *options, "--do", *job])


def test_what_an_archive_sealed_another_verifies_until_a_slice_is_changed(root, key, tmp_path, capsys) -> None:
    sealed, verified = tmp_path / "sealed", tmp_path / "verified"
    assert archive(root, sealed, "seal", "--key-file", key) == 0
    assert capsys.readouterr().out.startswith("2 series: 2 done\n")
    assert archive(sealed, verified, "verify", "--key-file", key) == 0
    assert archive(sealed, verified, "verify", "--key-file", key) == 0
    assert "2 series: 2 done before" in capsys.readouterr().out
    path = next((sealed / "a" / "ct").glob("*/000004.dcm"))
    dataset = dcmread(path)
    pixels = dataset.pixel_array.copy()
    pixels[100:130, 100:130] = 0
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(path)
    assert archive(sealed, verified, "verify", "--key-file", key) == 3
    assert "1 done, 1 done before, 1 to be looked at" in capsys.readouterr().out
    (verdict,) = (verified / "a" / "ct").rglob("verdict.json")
    assert '"state": "tampered"' in verdict.read_text()
    (root / "b" / "ct" / "000002.dcm").write_bytes(b"DICM" * 50)
    assert archive(root, sealed, "seal", "--key-file", key) == 1


def test_protecting_gives_what_the_command_for_one_scan_gives(root, tmp_path) -> None:
    options = ("--method", "gaussian-noise", "--without-lungs", "--seed", "3")
    assert archive(root, tmp_path / "out", "protect", *options) == 0
    assert main(["protect", str(root / "a" / "ct"), str(tmp_path / "one"), *options]) == 0
    for path in (tmp_path / "one").iterdir():
        (same,) = (tmp_path / "out" / "a" / "ct").glob(f"*/{path.name}")
        assert dcmread(same).PixelData == dcmread(path).PixelData


def test_a_dry_run_tells_what_it_would_take_and_writes_nothing(root, key, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    assert archive(root, out, "verify", "--key-file", key, options=("--dry-run",)) == 0
    told = capsys.readouterr().out
    assert "2 series to verify, 0 done before; 0 cannot be read" in told
    assert "1 million voxels" in told
    assert not out.exists()
    assert archive(root, out, "verify", "--key-file", key, options=("--part", "1/1")) == 3  # there is no seal
    capsys.readouterr()
    assert archive(root, out, "verify", "--key-file", key, options=("--dry-run",)) == 0
    assert "0 series to verify, 2 done before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--do", "nothing"], "--do takes one of protect, seal, verify"),
        (["--do", "verify", "--workers", "2"], "unrecognized arguments: --workers 2"),
        (["--part", "3/2", "--do", "verify"], "write I/N"),
        ([], "--do"),
    ],
)
def test_a_command_line_that_is_wrong_is_told_so(root, tmp_path, capsys, words, says) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["archive", str(root), str(tmp_path / "out"), *words])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_what_would_fail_for_every_series_is_told_before_the_first(root, tmp_path, capsys) -> None:
    assert archive(root, tmp_path / "out", "verify") == 1
    assert "needs --key-file" in capsys.readouterr().err
    assert archive(root, tmp_path / "out", "seal", "--key-file", "no key") == 1
    assert archive(root, tmp_path / "out", "protect", "--method", "magic") == 1
    assert not (tmp_path / "out").exists()
