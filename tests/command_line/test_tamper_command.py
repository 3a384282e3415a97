import numpy as np
import pytest

from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.read import read_ct

PLACE = (17, 105, 73)
"""The sample's nodule, counted from the short scan's first slice."""


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_it_does_what_the_class_does_and_labels_the_file(action, image_file, short_scan, tmp_path, capsys):
    output = tmp_path / "tampered.nii.gz"
    arguments = ["--at", ",".join(map(str, PLACE)), "--action", action, "--device", "cpu"]
    assert main(["tamper", str(image_file), str(output), *arguments]) == 0
    assert capsys.readouterr().out.startswith("SIMULATED ATTACK")
    written = read_ct(output)
    assert written.is_tampered
    np.testing.assert_array_equal(written.hu, CTGAN.load(action, device="cpu").tamper(short_scan, at=PLACE).hu)
    assert (written.hu != short_scan.hu).any()


def test_a_place_outside_the_scan_is_refused(image_file, tmp_path, capsys):
    output = tmp_path / "tampered.nii.gz"
    assert main(["tamper", str(image_file), str(output), "--at", "999,10,10", "--action", "inject"]) == 1
    assert "outside" in capsys.readouterr().err
    assert not output.exists()


def test_a_negative_place_is_refused_as_one(image_file, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["tamper", str(image_file), str(tmp_path / "out.nii.gz"), "--at", "-1,5,5", "--action", "inject"])
    assert ended.value.code == 2
    assert "'-1,5,5' is outside every scan" in capsys.readouterr().err


def test_it_writes_no_dicom(image_file, tmp_path, capsys):
    at = ",".join(map(str, PLACE))
    assert main(["tamper", str(image_file), str(tmp_path / "out.dcm"), "--at", at, "--action", "inject"]) == 1
    assert not list(tmp_path.iterdir())


def test_a_tampered_file_is_not_protected_into_dicom(image_file, tmp_path, capsys):
    tampered = tmp_path / "tampered.nii.gz"
    main(["tamper", str(image_file), str(tampered), "--at", ",".join(map(str, PLACE)), "--action", "inject"])
    assert main(["protect", str(tampered), str(tmp_path / "out"), "--method", "gaussian-noise"]) == 1
    assert "simulated attack" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
