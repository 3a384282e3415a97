from __future__ import annotations

import json

import numpy as np
import pytest

from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.volume import CTVolume
from noisy_chest import make_noisy_chest

SITE = (20, 66, 90)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    chest = make_noisy_chest()
    tampered = CTGAN.load("remove", "cpu").tamper(chest, SITE)
    return {
        name: str(write_image(volume, folder / f"{name}.nii.gz"))
        for name, volume in {"untouched": chest, "tampered": tampered}.items()
    }


def test_a_tampered_scan_gives_3_its_place_and_a_picture(files, tmp_path, capsys):
    assert main(["inspect", files["tampered"], "--pictures", str(tmp_path / "out")]) == 3
    printed = capsys.readouterr()
    assert "z 20, y 66, x 90" in printed.out
    assert "1 picture written" in printed.err
    assert (tmp_path / "out" / "finding_01.png").stat().st_size > 1000


def test_json_is_all_that_is_printed(files, capsys):
    assert main(["inspect", files["tampered"], "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["found"] is True
    assert told["findings"][0]["voxel_zyx"] == list(SITE)


def test_an_untouched_scan_gives_0_and_is_not_called_authentic(files, capsys):
    assert main(["inspect", files["untouched"]]) == 0
    printed = capsys.readouterr().out
    assert "does not show that there is none" in printed
    assert "Not seen:" in printed


def test_what_cannot_be_looked_through_gives_1(tmp_path, capsys):
    path = write_image(CTVolume(np.full((30, 40, 40), 40, np.int16), (1.0, 1.0, 1.0)), tmp_path / "block.nii.gz")
    assert main(["inspect", str(path)]) == 1
    assert "no lung was found" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path / "nothing.nii.gz")]) == 1


def test_a_rate_that_makes_no_sense_gives_1(files, capsys):
    assert main(["inspect", files["untouched"], "--false-alarms", "7"]) == 1
    assert "out of range" in capsys.readouterr().err
