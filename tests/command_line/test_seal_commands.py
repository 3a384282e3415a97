"""keygen, seal, verify and recover, from files to files and exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume


def _tampered(sealed: Path, target: Path) -> CTVolume:
    volume = read_ct(sealed)
    hu = volume.hu.copy()
    hu[10:12, 60:70, 60:70] = 500
    changed = CTVolume(hu, volume.spacing, volume.origin, volume.direction)
    write_image(changed, target)
    return changed


@pytest.fixture(scope="module")
def few_slices(short_series: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 16 slices of the sample scan."""
    folder = tmp_path_factory.mktemp("few") / "chest"
    folder.mkdir()
    for path in sorted(short_series.iterdir())[16:32]:
        shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="module")
def sealed(few_slices: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key, and a part of the sample scan sealed with it."""
    folder = tmp_path_factory.mktemp("sealed")
    assert main(["keygen", str(folder / "key")]) == 0
    key = ["--key-file", str(folder / "key")]
    assert main(["seal", str(few_slices), str(folder / "series"), *key, "--bits", "2"]) == 0
    return folder


def test_a_sealed_series_is_intact(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(sealed / "series"), "--key-file", str(sealed / "key")]) == 0

    assert capsys.readouterr().out.startswith("Intact")


def test_a_tampered_scan_is_told_by_exit_code_and_sentence(
    sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _tampered(sealed / "series", tmp_path / "changed.nii.gz")

    code = main(["verify", str(tmp_path / "changed.nii.gz"), "--key-file", str(sealed / "key"), "--json"])

    report = json.loads(capsys.readouterr().out)
    assert code == 3
    assert report["state"] == "tampered"
    assert report["can_be_healed"]
    assert "Slices 10 to 11, rows 48 to 79, columns 48 to 79" in report["findings"][0]["sentence"]


def test_a_report_shows_what_was_there_and_overwrites_nothing(
    sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _tampered(sealed / "series", tmp_path / "changed.nii.gz")
    check = ["verify", str(tmp_path / "changed.nii.gz"), "--key-file", str(sealed / "key")]
    report = tmp_path / "report.html"

    assert main([*check, "--report", str(report)]) == 3
    page = report.read_text("utf-8")
    assert "Slices 10 to 11, rows 48 to 79, columns 48 to 79" in page
    assert page.count("<figure>") == 4
    capsys.readouterr()
    assert main([*check, "--report", str(report)]) == 1
    assert "already" in capsys.readouterr().err
    assert report.read_text("utf-8") == page


@pytest.mark.parametrize("output", ["healed.nii.gz", "healed"])
def test_a_tampered_scan_is_healed(
    sealed: Path, tmp_path: Path, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _tampered(sealed / "series", tmp_path / "changed.nii.gz")
    key = ["--key-file", str(sealed / "key")]

    assert main(["recover", str(tmp_path / "changed.nii.gz"), str(tmp_path / output), *key]) == 0

    before, after = read_ct(sealed / "series").hu.astype(int), read_ct(tmp_path / output).hu
    assert (before != after).sum() < 3000
    assert np.sqrt(np.mean((before - after)[10:12, 60:70, 60:70] ** 2.0)) < 30
    assert "voxels healed" in capsys.readouterr().out


@pytest.mark.parametrize("there", ["healed.nii.gz", "healed.json", "healed"])
def test_an_output_that_is_there_is_told_before_the_scan_is_read(
    sealed: Path, tmp_path: Path, there: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / ("healed" if there == "healed" else "healed.nii.gz")
    target = tmp_path / there / "file" if there == "healed" else tmp_path / there
    target.parent.mkdir(exist_ok=True)
    target.write_text("mine")

    code = main(["recover", str(tmp_path / "no scan"), str(output), "--key-file", str(sealed / "key")])

    assert code == 1
    assert "overwritten" in capsys.readouterr().err
    assert target.read_text() == "mine"


def test_another_key_is_no_pass(sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["keygen", str(tmp_path / "other")])

    assert main(["verify", str(sealed / "series"), "--key-file", str(tmp_path / "other")]) == 3
    assert "another key" in capsys.readouterr().out


def test_a_missing_key_file_is_one_sentence_and_exit_code_1(
    sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(sealed / "series"), "--key-file", str(tmp_path / "none")]) == 1
    assert "none cannot be read" in capsys.readouterr().err


def test_nothing_is_written_where_nothing_can_be_healed(sealed: Path, tmp_path: Path) -> None:
    main(["keygen", str(tmp_path / "other")])

    code = main(["recover", str(sealed / "series"), str(tmp_path / "out"), "--key-file", str(tmp_path / "other")])

    assert code == 1
    assert not (tmp_path / "out").exists()


def test_no_file_of_the_series_holds_the_key(sealed: Path) -> None:
    secret = (sealed / "key").read_text().split()[-1]

    for path in (sealed / "series").iterdir():
        content = path.read_bytes()
        assert secret.encode() not in content
        assert bytes.fromhex(secret) not in content


def test_a_protected_series_is_sealed_where_a_key_is_given(sealed: Path, few_slices: Path, tmp_path: Path) -> None:
    key = ["--key-file", str(sealed / "key")]

    assert (
        main(["protect", str(few_slices), str(tmp_path / "out"), "--method", "gaussian-noise", *key, "--bits", "2"])
        == 0
    )

    assert main(["verify", str(tmp_path / "out"), *key]) == 0
    assert (read_ct(tmp_path / "out").hu != read_ct(few_slices).hu).any()
