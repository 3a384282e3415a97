"""A scan sealed with --mark, filtered on its way, and verified."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from evidence.marked_scans import LUNG, chest, tampered
from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.read import read_ct


def test_tampering_is_told_with_its_place_though_a_filter_destroyed_the_seal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(chest(), tmp_path / "scan.nii.gz")
    key = ["--key-file", str(tmp_path / "key")]
    assert main(["keygen", str(tmp_path / "key")]) == 0
    assert main(["seal", str(tmp_path / "scan.nii.gz"), str(tmp_path / "sealed"), *key, "--mark"]) == 0
    changed = tampered(replace(read_ct(tmp_path / "sealed"), source=None), LUNG, 14, 30)
    filtered = np.rint(ndimage.gaussian_filter(changed.hu.astype(np.float64), 0.5)).astype(np.int16)
    write_image(replace(changed, hu=filtered), tmp_path / "filtered.nii.gz")
    again = ["seal", str(tmp_path / "filtered.nii.gz"), str(tmp_path / "again"), *key, "--mark"]
    assert main(again) == 1
    assert "mark of this key already" in capsys.readouterr().err

    code = main(["verify", str(tmp_path / "filtered.nii.gz"), *key, "--json"])

    report = json.loads(capsys.readouterr().out)
    assert code == 3
    assert report["mark"]["found"]
    assert [f["kind"] for f in report["findings"]] == ["no seal found", "mark missing"]


def test_a_mark_needs_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(chest(), tmp_path / "scan.nii.gz")

    code = main(
        ["protect", str(tmp_path / "scan.nii.gz"), str(tmp_path / "out"), "--method", "gaussian-noise", "--mark"]
    )

    assert code == 1
    assert "--key-file" in capsys.readouterr().err
