import pytest

from napari_mits_gan.attack.ctgan import CTGAN
from napari_mits_gan.command_line.main import main


@pytest.fixture(scope="module")
def weights(image_file, tmp_path_factory):
    output = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    options = ["--steps", "1", "--base-filters", "2", "--seed", "1", "--device", "cpu"]
    assert main(["train", "remover", str(image_file), "--output", str(output), *options]) == 0
    return output


def test_a_remover_is_trained_and_can_be_loaded(weights, short_scan):
    attacker = CTGAN.load(weights, device="cpu")
    assert attacker.action == "remove"
    assert attacker.tamper(short_scan, at=(17, 105, 73)).is_tampered


def test_weights_are_not_taken_for_the_other_action(weights, image_file, tmp_path, capsys):
    output = tmp_path / "out.nii.gz"
    arguments = ["--at", "17,105,73", "--action", "inject", "--weights", str(weights)]
    assert main(["tamper", str(image_file), str(output), *arguments]) == 1
    assert "choose --action remove" in capsys.readouterr().err
    assert not output.exists()


def test_a_scan_that_cannot_be_read_is_told(tmp_path, capsys):
    assert main(["train", "injector", str(tmp_path / "none"), "--output", str(tmp_path / "w.safetensors")]) == 1
    assert "none" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["injector", "scan", "--output", "w.safetensors", "--start-from", "other.safetensors"],
        ["protection", "scan", "--output", "w.safetensors", "--base-filters", "8"],
    ],
)
def test_options_of_the_other_kind_of_network_are_refused(arguments):
    with pytest.raises(SystemExit) as ended:
        main(["train", *arguments])
    assert ended.value.code == 2


def test_a_protection_starts_from_the_weights_that_are_named(image_file, tmp_path, capsys):
    arguments = ["--output", str(tmp_path / "w.safetensors"), "--steps", "1", "--device", "cpu"]
    arguments += ["--start-from", str(tmp_path / "none.safetensors")]
    assert main(["train", "protection", str(image_file), *arguments]) == 1
    assert "no file 'none.safetensors' with a protection's weights" in capsys.readouterr().err
