import pytest
import torch

from keras_folder import write_folder
from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.ctgan.network import Generator
from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.read import read_ct

PLACE = "17,105,73"


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    return write_folder(tmp_path / "authors", Generator(2).eval(), model="G_model.h5")


def test_a_folder_becomes_a_file_that_tampers(folder, tmp_path, image_file, capsys):
    weights = tmp_path / "theirs.safetensors"
    assert main(["convert", str(folder), str(weights), "--action", "inject"]) == 0
    assert "2 base filters" in capsys.readouterr().out
    output = tmp_path / "tampered.nii.gz"
    arguments = ["--at", PLACE, "--action", "inject", "--device", "cpu"]
    assert main(["tamper", str(image_file), str(output), *arguments, "--weights", str(weights)]) == 0
    assert read_ct(output).is_tampered


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [([], "do not tell"), (["--action", "inject"], "already and is not overwritten")],
)
def test_what_cannot_be_converted_is_told_in_one_sentence(folder, tmp_path, capsys, arguments, reason):
    output = tmp_path / "theirs.safetensors"
    if arguments:
        output.write_bytes(b"mine")
    assert main(["convert", str(folder), str(output), *arguments]) == 1
    assert reason in capsys.readouterr().err
    assert output.exists() == bool(arguments)


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_tamper_takes_a_folder_and_does_what_it_is_told(folder, short_scan, image_file, tmp_path, action):
    output = tmp_path / "tampered.nii.gz"
    arguments = ["--at", PLACE, "--action", action, "--device", "cpu", "--weights", str(folder)]
    assert main(["tamper", str(image_file), str(output), *arguments]) == 0
    wanted = CTGAN.load(folder, "cpu", action=action).tamper(short_scan, (17, 105, 73))
    assert (read_ct(output).hu == wanted.hu).all()
