"""An attacker in the list of attackers can be named on the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_mits_gan.attack.attackers import ATTACKERS
from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.read import read_ct
from soft_tissue_ball import ENTRY, SoftTissueBall

AT = (17, 105, 110)
QUICK = ["--method", "gaussian-noise", "--device", "cpu"]


@pytest.fixture(autouse=True)
def listed(monkeypatch):
    monkeypatch.setitem(ATTACKERS, "soft-tissue", ENTRY)


def tamper(image_file, output, *options):
    return main(["tamper", str(image_file), str(output), "--at", ",".join(map(str, AT)), *options])


def test_tamper_with_it(image_file, short_scan, tmp_path):
    output = tmp_path / "tampered.nii.gz"
    assert tamper(image_file, output, "--action", "inject", "--attacker", "soft-tissue") == 0
    written = read_ct(output)
    np.testing.assert_array_equal(written.hu, SoftTissueBall().tamper(short_scan, AT).hu)
    assert written.history[-1].parameters["attacker"] == "soft tissue, 6 mm"


def test_tamper_by_copy_and_paste(image_file, short_scan, tmp_path):
    output = tmp_path / "tampered.nii.gz"
    assert tamper(image_file, output, "--action", "inject", "--attacker", "inject-copy-paste") == 0
    assert (read_ct(output).hu != short_scan.hu).any()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--action", "remove", "--attacker", "soft-tissue"], "soft tissue, 6 mm injects; choose --action inject"),
        (
            ["--action", "inject", "--attacker", "injekt"],
            "there is no attacker 'injekt'; choose one of inject,",
        ),
    ],
)
def test_what_it_does_not_do_is_refused(image_file, tmp_path, capsys, options, sentence):
    output = tmp_path / "tampered.nii.gz"
    assert tamper(image_file, output, *options) == 1
    assert sentence in capsys.readouterr().err
    assert not output.exists()


def test_a_name_and_weights_exclude_each_other(image_file, tmp_path, capsys):
    with pytest.raises(SystemExit):
        tamper(image_file, tmp_path / "o.nii.gz", "--action", "inject", "--attacker", "inject", "--weights", "a")
    assert "not allowed with" in capsys.readouterr().err


def test_evaluate_with_it(image_file, capsys):
    options = ["--clicks", "2", "--attackers", "soft-tissue", "--controls", "--format", "json"]
    assert main(["evaluate", str(image_file), *QUICK, *options]) == 0
    assert json.loads(capsys.readouterr().out)["attackers"] == {"soft-tissue": "soft tissue, 6 mm"}


def test_map_with_it(image_file, capsys):
    options = ["--sites", "2", "--attacker", "soft-tissue", "--format", "json"]
    assert main(["vulnerability", str(image_file), *QUICK, *options]) == 0
    assert json.loads(capsys.readouterr().out)["attacker"] == "soft tissue, 6 mm"


@pytest.mark.parametrize("command", ["tamper", "evaluate", "vulnerability"])
def test_the_help_names_it(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert "soft-tissue" in capsys.readouterr().out
